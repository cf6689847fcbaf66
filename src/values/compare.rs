//! What became of every value: a copy from before the migrations against the one they ran on.

use std::collections::BTreeMap;

use postgres::Client;

use super::exact::{self, Exact, Pair};
use super::fate::{ColumnFate, Fate, TableFate, Touched};
use super::matches::{self, Answer, Match};
use super::moved::Moves;
use super::parted;
use super::sums::{self, Form, OWN_SETTINGS, SEED, SETTINGS};
use super::tables::{self, Table};
use super::versions::{self, Counts, Since};
use crate::database::Failure;

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
    let other = tables::types_differ(&tables::parts(base)?, &tables::parts(clone)?);
    let mut found = matches::find((&before, &after), touched, other, version);
    versions::count(base, clone, &mut found, since)?;
    let answers = matches::ask(base, clone, &found)?;
    let mut comparison = Comparison { base, clone, since, default_schema, fates: Vec::new(), moves: Moves::default() };
    for (it, answers) in found.iter().zip(&answers) {
        comparison.table(it, answers.as_ref())?;
    }
    let Comparison { base, clone, mut fates, moves, .. } = comparison;
    moves.find((&mut *base, &mut *clone), &found, &mut fates)?;
    parted::find_moved((base, clone), &found, &mut fates)?;
    Ok(fates)
}

struct Comparison<'a, 't> {
    base: &'a mut Client,
    clone: &'a mut Client,
    since: Since,
    default_schema: &'a str,
    fates: Vec<TableFate>,
    moves: Moves<'t>,
}

impl<'t> Comparison<'_, 't> {
    /// Writes a table's fates; what went and what came is remembered.
    fn table(&mut self, it: &Match<'t>, answers: Option<&(Answer, Answer)>) -> Result<(), Failure> {
        let (before, after) = (it.counted.0.as_ref(), it.counted.1.as_ref());
        let (mut fates, exact) = match (it.was.zip(before), it.is.zip(after), answers) {
            (Some(was), Some(is), Some(answers)) => self.both(it, was, is, answers)?,
            _ => (BTreeMap::new(), None),
        };
        let mut columns = Vec::new();
        for (number, column) in it.was.iter().flat_map(|was| &was.columns) {
            let fate = fates.remove(number).unwrap_or(Fate::Lost { values: 0 });
            columns.push(ColumnFate { column: column.name.clone(), fate });
        }
        let at = self.fates.len();
        let said = |table: &Table| table.said(self.default_schema);
        let (name, now) = (it.was.map(said), it.is.map(said));
        if let (Some(was), Some(name)) = (it.was.zip(before), &name) {
            self.moves.went(at, it, was, name);
        }
        if let (Some(is), Some(now)) = (it.is.zip(after), &now) {
            self.moves.came(at, it, is, (now, columns.len()));
            let came = it.own(is.0).into_iter();
            columns.extend(came.map(|(_, column)| ColumnFate { column: column.name.clone(), fate: Fate::New }));
        }
        self.fates.push(TableFate {
            renamed_to: now.clone().filter(|now| name.as_ref().is_some_and(|name| name != now)),
            table: name.or(now).unwrap_or_default(),
            rows_before: before.map(|counted| count(counted.rows)),
            rows_after: after.map(|counted| count(counted.rows)),
            deleted: exact.as_ref().map(|exact| count(exact.deleted)),
            inserted: exact.as_ref().map(|exact| count(exact.inserted)),
            within: None,
            columns,
        });
        Ok(())
    }

    /// The fates of the columns of a table that is still there, as far as they are known without looking elsewhere.
    fn both(
        &mut self,
        it: &Match<'_>,
        (was, counted_before): (&Table, &Counts),
        (is, counted_after): (&Table, &Counts),
        (before, after): &(Answer, Answer),
    ) -> Result<(BTreeMap<i16, Fate>, Option<Exact>), Failure> {
        let cast = |number: &i16| {
            let at = it.pairs.keys().position(|own| own == number);
            let retyped = it.pairs.get(number).is_some_and(|pair| pair.before.kind != pair.after.kind);
            at.is_some_and(|at| retyped && before.common[at].values == after.common[at].values)
                && at.is_some_and(|at| before.common[at] != after.common[at])
        };
        if it.key.iter().any(cast) {
            let heap = it.as_heap();
            let answers = matches::ask(self.base, self.clone, std::slice::from_ref(&heap))?.pop();
            if let Some(Some(answers)) = answers {
                return self.both(&heap, (was, counted_before), (is, counted_after), &answers);
            }
        }
        let differ: Vec<bool> = before.common.iter().zip(&after.common).map(|(b, a)| b != a).collect();
        // with other rows, sums alone do not tell that values have moved
        let crossed = crossed(it, was, is);
        let same_rows = counted_before.rows == counted_after.rows;
        let exact = if let Some(young) = versions::followed(it).filter(|young| *young > 0 || !same_rows) {
            let every: Vec<Pair<'_>> = it.pairs.values().copied().collect();
            let all = (counted_before.rows, counted_after.rows);
            let young = exact::Young { which: self.since.is_young(), rows: young, all };
            Some(exact::written((self.base, was), (self.clone, is), (it.key, &young), &every)?)
        } else if (differ.contains(&true) || !same_rows) && !it.key.is_empty() {
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
            let went = (counted_before.rows - counted_after.rows).max(0);
            Some(missing.into_iter().map(|values| (values - went).max(0)).collect::<Vec<i64>>())
        } else {
            None
        };
        // every value is still there, but not beside the same ones
        let shuffled = !differ.contains(&true) && same_rows && before.whole != after.whole;
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
        let asked = |expression: &str| [(expression.to_owned(), sums::hash(expression, pair.form, pair.after, SEED))];
        // some casts do not exist, some values do not fit
        let Ok(cast) = sums::of(self.base, was, &it.seed(was), &asked(&there)) else { return Ok(None) };
        if cast != sums::of(self.clone, is, &it.seed(is), &asked(&now))? {
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

fn count(rows: i64) -> u64 {
    rows.unsigned_abs()
}
