//! What became of every value: a copy from before the migrations against the one they ran on.

use std::collections::BTreeMap;

use postgres::Client;

use super::exact::{self, Exact, Pair};
use super::fate::{ColumnFate, Fate, TableFate, Touched};
use super::matches::{self, Answer, Match};
use super::sums::{self, Form, SEED, SETTINGS, Sum};
use super::tables::{self, Table};
use crate::database::Failure;

/// A column that went, or came, with a sum that both kinds have alike.
struct Loose {
    /// Where its fate is to be written.
    table: usize,
    column: usize,
    said: String,
    sum: Sum,
}

/// Compares two databases of which the second was a copy of the first.
///
/// # Errors
/// The server's own.
pub fn compare(
    base: &mut Client,
    clone: &mut Client,
    touched: &Touched,
    default_schema: &str,
) -> Result<Vec<TableFate>, Failure> {
    let version: i32 = base.query_one("SELECT current_setting('server_version_num')::int", &[])?.try_get(0)?;
    base.batch_execute(SETTINGS)?;
    clone.batch_execute(SETTINGS)?;
    let (before, after) = (tables::read(base)?, tables::read(clone)?);
    let found = matches::find(&before, &after, touched, version);
    let answers = matches::ask(base, clone, &found)?;
    let mut comparison =
        Comparison { base, clone, default_schema, fates: Vec::new(), lost: Vec::new(), new: Vec::new() };
    for (it, (was, is)) in found.iter().zip(&answers) {
        comparison.table(it, was.as_ref(), is.as_ref())?;
    }
    comparison.find_moved();
    Ok(comparison.fates)
}

struct Comparison<'a> {
    base: &'a mut Client,
    clone: &'a mut Client,
    default_schema: &'a str,
    fates: Vec<TableFate>,
    lost: Vec<Loose>,
    new: Vec<Loose>,
}

impl Comparison<'_> {
    /// Writes a table's fates; what went and what came is remembered with its sum.
    fn table(&mut self, it: &Match<'_>, was: Option<&Answer>, is: Option<&Answer>) -> Result<(), Failure> {
        let (mut fates, exact) = match (it.was.zip(was), it.is.zip(is)) {
            (Some(was), Some(is)) => self.both(it, was, is)?,
            _ => (BTreeMap::new(), None),
        };
        let mut columns = Vec::new();
        for (number, column) in it.was.iter().flat_map(|was| &was.columns) {
            let fate = fates.remove(number).unwrap_or(Fate::Lost { values: 0 });
            columns.push(ColumnFate { column: column.name.clone(), fate });
        }
        let at = self.fates.len();
        if let (Some(table), Some(answer)) = (it.was, was) {
            let place = |number| table.columns.keys().position(|own| *own == number).unwrap_or_default();
            self.lost.extend(loose(at, table, it, answer, place, self.default_schema));
        }
        if let (Some(table), Some(answer)) = (it.is, is) {
            let came = it.own(table);
            let first = columns.len();
            let place = |number| first + came.iter().position(|(own, _)| *own == number).unwrap_or_default();
            self.new.extend(loose(at, table, it, answer, place, self.default_schema));
            columns.extend(came.iter().map(|(_, column)| ColumnFate { column: column.name.clone(), fate: Fate::New }));
        }
        let said = |table: &Table| table.said(self.default_schema);
        let (name, now) = (it.was.map(said), it.is.map(said));
        self.fates.push(TableFate {
            renamed_to: now.clone().filter(|now| name.as_ref().is_some_and(|name| name != now)),
            table: name.or(now).unwrap_or_default(),
            rows_before: was.map(|answer| count(answer.rows)),
            rows_after: is.map(|answer| count(answer.rows)),
            deleted: exact.as_ref().map(|exact| count(exact.deleted)),
            inserted: exact.as_ref().map(|exact| count(exact.inserted)),
            columns,
        });
        Ok(())
    }

    /// The fates of the columns of a table that is still there, as far as they are known without looking elsewhere.
    fn both(
        &mut self,
        it: &Match<'_>,
        (was, answer_before): (&Table, &Answer),
        (is, answer_after): (&Table, &Answer),
    ) -> Result<(BTreeMap<i16, Fate>, Option<Exact>), Failure> {
        let differ: Vec<bool> = answer_before.common.iter().zip(&answer_after.common).map(|(b, a)| b != a).collect();
        // with other rows, sums alone do not tell that values have moved
        let crossed = crossed(it, was, is);
        let same_rows = answer_before.rows == answer_after.rows;
        let exact = if (differ.contains(&true) || !same_rows) && !it.key.is_empty() {
            let mut every: Vec<Pair<'_>> = it.pairs.values().copied().collect();
            every.extend(crossed.iter().map(|(_, pair)| *pair));
            Some(exact::count((self.base, was), (self.clone, is), it.key, &every)?)
        } else {
            None
        };
        let mut fates = BTreeMap::new();
        let moved = exact.iter().flat_map(|exact| &exact.changed[it.pairs.len()..]);
        for ((number, pair), _) in crossed.iter().zip(moved).filter(|(_, changed)| **changed == 0) {
            let to = format!("{}.{}", is.said(self.default_schema), pair.after.name);
            fates.entry(*number).or_insert(Fate::Moved { to });
        }
        for (at, (number, pair)) in it.pairs.iter().enumerate() {
            let rows = match &exact {
                Some(exact) => Some(exact.changed[at]),
                None if !differ[at] => Some(0),
                None => None,
            };
            fates.insert(*number, self.fate(it, was, pair, rows, &answer_after.common[at])?);
        }
        Ok((fates, exact))
    }

    /// The fate of a column on both sides; `rows` with another value, none where that is not known.
    fn fate(
        &mut self,
        it: &Match<'_>,
        was: &Table,
        pair: &Pair<'_>,
        rows: Option<i64>,
        now: &Sum,
    ) -> Result<Fate, Failure> {
        let to = pair.after.name.clone();
        let retyped = pair.before.kind != pair.after.kind;
        if rows == Some(0) {
            return Ok(match pair.before.name == to {
                _ if retyped => converted(pair),
                true => Fate::Preserved,
                false => Fate::Renamed { to },
            });
        }
        if retyped && let Some(differing) = self.cast(it, was, pair, now)? {
            return Ok(if differing == 0 { converted(pair) } else { Fate::Changed { rows: Some(count(differing)) } });
        }
        Ok(Fate::Changed { rows: rows.map(count) })
    }

    /// If each value is now what the server's cast makes of the one before: in how many rows it does not lead back.
    fn cast(&mut self, it: &Match<'_>, was: &Table, pair: &Pair<'_>, now: &Sum) -> Result<Option<i64>, Failure> {
        let value = sums::quoted(pair.before);
        let there = format!("({value})::{}", pair.after.kind);
        let asked = [(there.clone(), sums::hash(&there, pair.form, pair.after, SEED))];
        // some casts do not exist, some values do not fit
        let Ok(cast) = sums::of(self.base, was, &it.seed(was), &asked) else { return Ok(None) };
        if cast.columns.first() != Some(now) {
            return Ok(None);
        }
        let back = format!(
            "SELECT count(*) FROM ONLY {} WHERE (({there})::{})::text IS DISTINCT FROM ({value})::text",
            was.quoted(),
            pair.before.kind
        );
        Ok(self.base.query_one(&back, &[]).ok().map(|row| row.try_get(0)).transpose()?)
    }

    /// What went and is found again elsewhere is not lost; in its own table first.
    fn find_moved(&mut self) {
        for lost in &self.lost {
            let fate = &mut self.fates[lost.table].columns[lost.column].fate;
            if matches!(fate, Fate::Moved { .. }) && lost.sum.values > 0 {
                continue;
            }
            let mut same = self.new.iter().filter(|new| new.sum == lost.sum && lost.sum.values > 0).collect::<Vec<_>>();
            same.sort_by_key(|new| new.table != lost.table);
            *fate = match same.first() {
                Some(new) => Fate::Moved { to: new.said.clone() },
                None => Fate::Lost { values: count(lost.sum.values) },
            };
        }
    }
}

/// Columns that went beside those that came, as far as that is no great number.
fn crossed<'t>(it: &Match<'_>, was: &'t Table, is: &'t Table) -> Vec<(i16, Pair<'t>)> {
    const MOST: usize = 64;
    let came = it.own(is);
    let went = it.own(was).into_iter().filter(|(_, column)| !column.generated);
    let pair = |before, after| Pair { before, after, form: Form::Text };
    went.flat_map(|(number, before)| came.iter().map(move |(_, after)| (number, pair(before, *after))))
        .take(MOST)
        .collect()
}

fn converted(pair: &Pair<'_>) -> Fate {
    Fate::Converted {
        to: pair.after.name.clone(),
        from_type: pair.before.kind.clone(),
        to_type: pair.after.kind.clone(),
    }
}

/// The columns that only one side of a table has; `place` says where a column's fate stands.
fn loose(
    table: usize,
    of: &Table,
    it: &Match<'_>,
    answer: &Answer,
    place: impl Fn(i16) -> usize,
    default_schema: &str,
) -> Vec<Loose> {
    let said = of.said(default_schema);
    it.own(of)
        .into_iter()
        .zip(&answer.own)
        // what is computed from others is lost with nothing
        .filter(|((_, column), _)| !column.generated)
        .map(|((number, column), sum)| Loose {
            table,
            column: place(number),
            said: format!("{said}.{}", column.name),
            sum: sum.clone(),
        })
        .collect()
}

fn count(rows: i64) -> u64 {
    rows.unsigned_abs()
}
