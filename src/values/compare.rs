//! What became of every value: a copy from before the migrations against the one they ran on.

use std::collections::BTreeMap;

use postgres::Client;

use super::exact::{self, Exact, Pair};
use super::fate::{ColumnFate, Fate, TableFate, Touched};
use super::matches::{self, Answer, Match};
use super::sums::{self, Form, OWN_SETTINGS, SEED, SETTINGS, Sum};
use super::tables::{self, Column, Table};
use super::versions::{self, Since};
use crate::database::Failure;

/// A column that went, or came.
struct Loose<'t> {
    /// Which match it belongs to, and where its fate is to be written.
    table: usize,
    column: usize,
    said: String,
    itself: &'t Column,
    /// With a hash where a column of the other kind has as many values.
    sum: Sum,
}

/// Compares two databases of which the second was a copy of the first; `since` tells what was written to it.
///
/// # Errors
/// The server's own.
pub fn compare(
    (base, clone): (&mut Client, &mut Client),
    (touched, since): (&Touched, Since),
    default_schema: &str,
) -> Result<Vec<TableFate>, Failure> {
    let version: i32 = base.query_one("SELECT current_setting('server_version_num')::int", &[])?.try_get(0)?;
    base.batch_execute(SETTINGS)?;
    clone.batch_execute(SETTINGS)?;
    let (before, after) = (tables::read(base)?, tables::read(clone)?);
    let mut found = matches::find(&before, &after, touched, version);
    versions::settle(base, clone, &mut found, since)?;
    let answers = matches::ask(base, clone, &found)?;
    let mut comparison =
        Comparison { base, clone, default_schema, fates: Vec::new(), lost: Vec::new(), new: Vec::new() };
    for (it, (was, is)) in found.iter().zip(&answers) {
        comparison.table(it, was.as_ref(), is.as_ref())?;
    }
    comparison.find_moved(&found)?;
    Ok(comparison.fates)
}

struct Comparison<'a, 't> {
    base: &'a mut Client,
    clone: &'a mut Client,
    default_schema: &'a str,
    fates: Vec<TableFate>,
    lost: Vec<Loose<'t>>,
    new: Vec<Loose<'t>>,
}

impl<'t> Comparison<'_, 't> {
    /// Writes a table's fates; what went and what came is remembered with its sum.
    fn table(&mut self, it: &Match<'t>, was: Option<&Answer>, is: Option<&Answer>) -> Result<(), Failure> {
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
        let cast = |number: &i16| {
            let at = it.pairs.keys().position(|own| own == number);
            let retyped = it.pairs.get(number).is_some_and(|pair| pair.before.kind != pair.after.kind);
            at.is_some_and(|at| retyped && answer_before.common[at].values == answer_after.common[at].values)
                && at.is_some_and(|at| answer_before.common[at] != answer_after.common[at])
        };
        if it.key.iter().any(cast) {
            let heap = it.as_heap();
            let answers = matches::ask(self.base, self.clone, std::slice::from_ref(&heap))?.pop();
            if let Some((Some(before), Some(after))) = answers {
                return self.both(&heap, (was, &before), (is, &after));
            }
        }
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
        let missing = if it.key.is_empty() && (differ.contains(&true) || !same_rows) {
            let pairs: Vec<Pair<'_>> = it.pairs.values().copied().collect();
            let missing = exact::missing((self.base, was), (self.clone, is), &pairs)?;
            // what went with its row is counted as a row
            let went = (answer_before.rows - answer_after.rows).max(0);
            Some(missing.into_iter().map(|values| (values - went).max(0)).collect::<Vec<i64>>())
        } else {
            None
        };
        // every value is still there, but not beside the same ones
        let shuffled = !differ.contains(&true) && same_rows && answer_before.whole != answer_after.whole;
        let mut fates = BTreeMap::new();
        let moved = exact.iter().flat_map(|exact| &exact.changed[it.pairs.len()..]);
        for ((number, pair), _) in crossed.iter().zip(moved).filter(|(_, changed)| **changed == 0) {
            let to = format!("{}.{}", is.said(self.default_schema), pair.after.name);
            fates.entry(*number).or_insert(Fate::Moved { to });
        }
        for (at, (number, pair)) in it.pairs.iter().enumerate() {
            let rows = match &exact {
                Some(exact) => Some((exact.changed[at], exact.overwritten[at])),
                None if !differ[at] && !shuffled => Some((0, 0)),
                None => None,
            };
            let missing = missing.as_ref().map(|missing| missing[at]);
            fates.insert(*number, self.fate(it, (was, is), pair, rows, missing)?);
        }
        Ok((fates, exact))
    }

    /// The fate of a column on both sides; `rows` with another value, and those that had one before, where a
    /// key tells; else the values that are `missing`.
    fn fate(
        &mut self,
        it: &Match<'_>,
        tables: (&Table, &Table),
        pair: &Pair<'_>,
        rows: Option<(i64, i64)>,
        missing: Option<i64>,
    ) -> Result<Fate, Failure> {
        let to = pair.after.name.clone();
        let retyped = pair.before.kind != pair.after.kind;
        if rows.is_some_and(|(changed, _)| changed == 0) {
            return Ok(match pair.before.name == to {
                _ if retyped => converted(pair),
                true => Fate::Preserved,
                false => Fate::Renamed { to },
            });
        }
        let cast = if retyped { self.cast(it, tables, pair)? } else { None };
        if cast == Some((0, 0)) {
            return Ok(converted(pair));
        }
        // what a cast explains has not changed
        let rows = rows.into_iter().chain(cast).min();
        let overwritten = rows.map(|(_, overwritten)| overwritten).or(missing).map(count);
        Ok(Fate::Changed { rows: rows.map(|(changed, _)| count(changed)), overwritten })
    }

    /// In how many rows a value is not what the server's cast makes of the one before, or does not lead back from it; none
    /// where there is no such cast. A migration casts as its session is set: as the database has it, or in UTC.
    fn cast(
        &mut self,
        it: &Match<'_>,
        tables: (&Table, &Table),
        pair: &Pair<'_>,
    ) -> Result<Option<(i64, i64)>, Failure> {
        let mut found: Option<(i64, i64)> = None;
        for settings in [OWN_SETTINGS, SETTINGS] {
            self.base.batch_execute(settings)?;
            self.clone.batch_execute(settings)?;
            found = found.into_iter().chain(self.cast_as_set(it, tables, pair)?).min();
            if found == Some((0, 0)) {
                break;
            }
        }
        self.base.batch_execute(SETTINGS)?;
        self.clone.batch_execute(SETTINGS)?;
        Ok(found)
    }

    fn cast_as_set(
        &mut self,
        it: &Match<'_>,
        (was, is): (&Table, &Table),
        pair: &Pair<'_>,
    ) -> Result<Option<(i64, i64)>, Failure> {
        let (value, now) = (sums::quoted(pair.before), sums::quoted(pair.after));
        let there = pair.converted();
        let asked =
            |expression: &str| [(expression.to_owned(), Some(sums::hash(expression, pair.form, pair.after, SEED)))];
        // some casts do not exist, some values do not fit
        let Ok(cast) = sums::of(self.base, was, &it.seed(was), &asked(&there)) else { return Ok(None) };
        if cast.columns != sums::of(self.clone, is, &it.seed(is), &asked(&now))?.columns {
            if it.key.is_empty() {
                return Ok(None);
            }
            let pair = Pair { cast: true, ..*pair };
            let exact = exact::count((self.base, was), (self.clone, is), it.key, &[pair])?;
            let changed = exact.changed.first().copied().unwrap_or_default();
            if changed > 0 {
                return Ok(Some((changed, exact.overwritten.first().copied().unwrap_or_default())));
            }
        }
        let back = format!(
            "SELECT count(*) FROM ONLY {} WHERE ({})::text IS DISTINCT FROM ({value})::text",
            was.quoted(),
            pair.back(&there)
        );
        let back: Option<i64> = self.base.query_one(&back, &[]).ok().map(|row| row.try_get(0)).transpose()?;
        Ok(back.map(|rows| (rows, rows)))
    }

    /// What went and is found again elsewhere is not lost; in its own table first.
    fn find_moved(&mut self, matches: &[Match<'_>]) -> Result<(), Failure> {
        let Self { base, clone, fates, lost, new, .. } = self;
        lost.retain(|lost| {
            let fate = &mut fates[lost.table].columns[lost.column].fate;
            let found = matches!(fate, Fate::Moved { .. }) && lost.sum.values > 0;
            if !found {
                *fate = Fate::Lost { values: count(lost.sum.values) };
            }
            !found && lost.sum.values > 0
        });
        new.retain(|new| lost.iter().any(|lost| lost.sum.values == new.sum.values));
        lost.retain(|lost| new.iter().any(|new| new.sum.values == lost.sum.values));
        matches::at_once(|| hash(base, lost, matches, |it| it.was), || hash(clone, new, matches, |it| it.is))?;
        for lost in lost {
            let same = new.iter().filter(|new| new.sum == lost.sum).min_by_key(|new| new.table != lost.table);
            if let Some(new) = same {
                fates[lost.table].columns[lost.column].fate = Fate::Moved { to: new.said.clone() };
            }
        }
        Ok(())
    }
}

/// Hashes the columns of one side, in one pass over each table.
fn hash<'t>(
    client: &mut Client,
    columns: &mut [Loose<'_>],
    matches: &[Match<'t>],
    side: impl Fn(&Match<'t>) -> Option<&'t Table>,
) -> Result<(), Failure> {
    for of_one in columns.chunk_by_mut(|one, other| one.table == other.table) {
        let it = of_one.first().map(|loose| &matches[loose.table]);
        let Some((it, table)) = it.and_then(|it| Some((it, side(it)?))) else { continue };
        let asked: Vec<&Column> = of_one.iter().map(|loose| loose.itself).collect();
        for (loose, sum) in of_one.iter_mut().zip(it.sums(client, table, &asked)?) {
            loose.sum = sum;
        }
    }
    Ok(())
}

/// Columns that went beside those that came, if they are few.
fn crossed<'t>(it: &Match<'_>, was: &'t Table, is: &'t Table) -> Vec<(i16, Pair<'t>)> {
    const MOST: usize = 64;
    let came = it.own(is);
    let went = it.own(was).into_iter().filter(|(_, column)| !column.generated);
    let pair = |before, after| Pair { before, after, form: Form::Text, cast: false };
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
fn loose<'t>(
    table: usize,
    of: &'t Table,
    it: &Match<'t>,
    answer: &Answer,
    place: impl Fn(i16) -> usize,
    default_schema: &str,
) -> Vec<Loose<'t>> {
    let said = of.said(default_schema);
    it.own(of)
        .into_iter()
        .zip(&answer.own)
        // what is computed from others is lost with nothing
        .filter(|((_, column), _)| !column.generated)
        .map(|((number, column), values)| Loose {
            table,
            column: place(number),
            said: format!("{said}.{}", column.name),
            itself: column,
            sum: Sum { values: *values, hash: None },
        })
        .collect()
}

fn count(rows: i64) -> u64 {
    rows.unsigned_abs()
}
