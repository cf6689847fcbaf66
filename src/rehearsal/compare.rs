//! What became of every value: a copy from before the migrations against the one they ran on.

use std::collections::{BTreeMap, BTreeSet};

use postgres::Client;
use serde::Serialize;

use super::exact::{self, Exact, Pair};
use super::sums::{self, Form, SEED, SETTINGS, Sum};
use super::tables::{self, Column, Table, Tables};
use crate::database::Failure;

/// What became of a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "fate", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Fate {
    /// Every row that stayed holds its value.
    Preserved,
    /// The same under another name.
    Renamed { to: String },
    /// Another type, and each value is what the server's own cast makes of it and leads back.
    Converted { to: String, from_type: String, to_type: String },
    /// Gone, and its values are in another column.
    Moved { to: String },
    /// In this many rows another value; none where that cannot be counted.
    Changed { rows: Option<u64> },
    /// Gone with this many values.
    Lost { values: u64 },
    /// It was not there before.
    New,
}

/// A column and its fate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnFate {
    /// Its name before; of a new one, its name now.
    pub column: String,
    #[serde(flatten)]
    pub fate: Fate,
}

/// A table that the migrations touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TableFate {
    /// Its name before; of a new one, its name now.
    pub table: String,
    /// Its name now, if that is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renamed_to: Option<String>,
    /// None of a new table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_before: Option<u64>,
    /// None of a table that is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_after: Option<u64>,
    /// Rows that went, where they can be counted by a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted: Option<u64>,
    /// Rows that came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inserted: Option<u64>,
    /// Its columns, in their order.
    pub columns: Vec<ColumnFate>,
}

/// Which tables are worth a look. One that nobody locked for writing is as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Touched {
    /// It is not known: all of them.
    All,
    /// Those with these object ids.
    These(BTreeSet<u32>),
}

impl Touched {
    fn includes(&self, id: u32) -> bool {
        match self {
            Self::All => true,
            Self::These(ids) => ids.contains(&id),
        }
    }
}

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
    let mut comparison =
        Comparison { base, clone, version, default_schema, fates: Vec::new(), lost: Vec::new(), new: Vec::new() };
    for (id, was) in &before {
        match after.get(id) {
            Some(is) if touched.includes(*id) || was != is => comparison.both(was, is)?,
            Some(_) => {}
            None => comparison.gone(was)?,
        }
    }
    comparison.came(&before, &after)?;
    comparison.find_moved();
    Ok(comparison.fates)
}

struct Comparison<'a> {
    base: &'a mut Client,
    clone: &'a mut Client,
    version: i32,
    default_schema: &'a str,
    fates: Vec<TableFate>,
    lost: Vec<Loose>,
    new: Vec<Loose>,
}

impl Comparison<'_> {
    /// A table that is still there.
    fn both(&mut self, was: &Table, is: &Table) -> Result<(), Failure> {
        let pairs: BTreeMap<i16, Pair<'_>> = was
            .columns
            .iter()
            .filter_map(|(number, before)| {
                let after = is.columns.get(number)?;
                let form = Form::between(before.type_id, after.type_id, self.version);
                Some((*number, Pair { before, after, form }))
            })
            .collect();
        let forms: BTreeMap<i16, Form> = pairs.iter().map(|(number, pair)| (*number, pair.form)).collect();
        // a key that lost a column binds nothing
        let key: &[i16] = if was.key.iter().all(|number| pairs.contains_key(number)) { &was.key } else { &[] };
        let asked = |column: &Column, form: Form| {
            let value = sums::quoted(column);
            let hash = sums::hash(&value, form, column, SEED);
            (value, hash)
        };
        let asked_before: Vec<_> = pairs.values().map(|pair| asked(pair.before, pair.form)).collect();
        let asked_after: Vec<_> = pairs.values().map(|pair| asked(pair.after, pair.form)).collect();
        let sums_before = sums::of(self.base, was, &sums::seed(was, key, &forms), &asked_before)?;
        let sums_after = sums::of(self.clone, is, &sums::seed(is, key, &forms), &asked_after)?;
        let differ: Vec<bool> = sums_before.columns.iter().zip(&sums_after.columns).map(|(b, a)| b != a).collect();
        let same_rows = sums_before.rows == sums_after.rows;
        // with other rows, sums alone do not tell that values have moved
        let crossed = crossed(was, is);
        let exact = if (differ.contains(&true) || !same_rows) && !key.is_empty() {
            let mut every: Vec<Pair<'_>> = pairs.values().copied().collect();
            every.extend(crossed.iter().map(|(_, pair)| *pair));
            Some(exact::count((self.base, was), (self.clone, is), key, &every)?)
        } else {
            None
        };
        let mut fates = BTreeMap::new();
        for ((number, pair), changed) in
            crossed.iter().zip(exact.iter().flat_map(|exact| &exact.changed[pairs.len()..]))
        {
            if *changed == 0 {
                let to = format!("{}.{}", is.said(self.default_schema), pair.after.name);
                fates.entry(*number).or_insert(Fate::Moved { to });
            }
        }
        for (at, (number, pair)) in pairs.iter().enumerate() {
            let rows = match &exact {
                Some(exact) => Some(exact.changed[at]),
                None if !differ[at] => Some(0),
                None => None,
            };
            fates.insert(*number, self.fate(was, pair, rows, &sums_after.columns[at], key, &forms)?);
        }
        self.put(was, is, (sums_before.rows, sums_after.rows), exact.as_ref(), fates)
    }

    /// The fate of a column on both sides; `rows` with another value, none where that is not known.
    fn fate(
        &mut self,
        was: &Table,
        pair: &Pair<'_>,
        rows: Option<i64>,
        now: &Sum,
        key: &[i16],
        forms: &BTreeMap<i16, Form>,
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
        if retyped && let Some(differing) = self.cast(was, pair, now, key, forms)? {
            return Ok(if differing == 0 { converted(pair) } else { Fate::Changed { rows: Some(count(differing)) } });
        }
        Ok(Fate::Changed { rows: rows.map(count) })
    }

    /// If each value is now what the server's cast makes of the one before: in how many rows it does not lead back.
    fn cast(
        &mut self,
        was: &Table,
        pair: &Pair<'_>,
        now: &Sum,
        key: &[i16],
        forms: &BTreeMap<i16, Form>,
    ) -> Result<Option<i64>, Failure> {
        let value = sums::quoted(pair.before);
        let there = format!("({value})::{}", pair.after.kind);
        let asked = [(there.clone(), sums::hash(&there, pair.form, pair.after, SEED))];
        let seed = sums::seed(was, key, forms);
        // some casts do not exist, some values do not fit
        let Ok(cast) = sums::of(self.base, was, &seed, &asked) else { return Ok(None) };
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

    /// Writes a table's fates; what went and what came is remembered with its sum.
    fn put(
        &mut self,
        was: &Table,
        is: &Table,
        rows: (i64, i64),
        exact: Option<&Exact>,
        mut fates: BTreeMap<i16, Fate>,
    ) -> Result<(), Failure> {
        let went: Vec<i16> = was.columns.keys().filter(|number| !is.columns.contains_key(number)).copied().collect();
        let came: Vec<i16> = is.columns.keys().filter(|number| !was.columns.contains_key(number)).copied().collect();
        let table = self.fates.len();
        let mut columns = Vec::new();
        for (number, column) in &was.columns {
            let fate = fates.remove(number).unwrap_or(Fate::Lost { values: 0 });
            columns.push(ColumnFate { column: column.name.clone(), fate });
        }
        for number in &came {
            columns.push(ColumnFate { column: is.columns[number].name.clone(), fate: Fate::New });
        }
        let (name, now) = (was.said(self.default_schema), is.said(self.default_schema));
        self.fates.push(TableFate {
            renamed_to: (now != name).then(|| now.clone()),
            table: name,
            rows_before: Some(count(rows.0)),
            rows_after: Some(count(rows.1)),
            deleted: exact.map(|exact| count(exact.deleted)),
            inserted: exact.map(|exact| count(exact.inserted)),
            columns,
        });
        // a key that lost a column binds neither side
        let key: &[i16] = if was.key.iter().all(|number| is.columns.contains_key(number)) { &was.key } else { &[] };
        let position: BTreeMap<i16, usize> = was.columns.keys().chain(&came).copied().zip(0..).collect();
        if !went.is_empty() {
            let found = texts(self.base, was, key, &went)?;
            self.lost.extend(loose(table, was, &went, &position, found, self.default_schema));
        }
        if !came.is_empty() {
            let found = texts(self.clone, is, key, &came)?;
            self.new.extend(loose(table, is, &came, &position, found, self.default_schema));
        }
        Ok(())
    }

    /// A table that is not there any more.
    fn gone(&mut self, was: &Table) -> Result<(), Failure> {
        let all: Vec<i16> = was.columns.keys().copied().collect();
        let found = texts(self.base, was, &was.key, &all)?;
        let position = all.iter().copied().zip(0..).collect();
        let lost = |column: &Column| ColumnFate { column: column.name.clone(), fate: Fate::Lost { values: 0 } };
        let fate = TableFate {
            table: was.said(self.default_schema),
            renamed_to: None,
            rows_before: Some(count(found.rows)),
            rows_after: None,
            deleted: None,
            inserted: None,
            columns: was.columns.values().map(lost).collect(),
        };
        self.lost.extend(loose(self.fates.len(), was, &all, &position, found, self.default_schema));
        self.fates.push(fate);
        Ok(())
    }

    /// Tables that were not there before.
    fn came(&mut self, before: &Tables, after: &Tables) -> Result<(), Failure> {
        for (id, is) in after {
            if before.contains_key(id) {
                continue;
            }
            let all: Vec<i16> = is.columns.keys().copied().collect();
            let found = texts(self.clone, is, &is.key, &all)?;
            let position = all.iter().copied().zip(0..).collect();
            let new = |column: &Column| ColumnFate { column: column.name.clone(), fate: Fate::New };
            let fate = TableFate {
                table: is.said(self.default_schema),
                renamed_to: None,
                rows_before: None,
                rows_after: Some(count(found.rows)),
                deleted: None,
                inserted: None,
                columns: is.columns.values().map(new).collect(),
            };
            self.new.extend(loose(self.fates.len(), is, &all, &position, found, self.default_schema));
            self.fates.push(fate);
        }
        Ok(())
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
fn crossed<'a>(was: &'a Table, is: &'a Table) -> Vec<(i16, Pair<'a>)> {
    const MOST: usize = 64;
    let went = was.columns.iter().filter(|(number, column)| !is.columns.contains_key(number) && !column.generated);
    let came: Vec<&Column> =
        is.columns.iter().filter(|(number, _)| !was.columns.contains_key(number)).map(|(_, column)| column).collect();
    let pair = |before, after| Pair { before, after, form: Form::Text };
    went.flat_map(|(number, before)| came.iter().map(move |after| (*number, pair(before, after)))).take(MOST).collect()
}

fn converted(pair: &Pair<'_>) -> Fate {
    Fate::Converted {
        to: pair.after.name.clone(),
        from_type: pair.before.kind.clone(),
        to_type: pair.after.kind.clone(),
    }
}

/// Sums that are alike for the same values in any column: over their texts, bound to the texts of the key.
fn texts(client: &mut Client, table: &Table, key: &[i16], numbers: &[i16]) -> Result<sums::Sums, Failure> {
    let seed = sums::seed(table, key, &BTreeMap::new());
    let asked: Vec<(String, String)> = numbers
        .iter()
        .map(|number| {
            let column = &table.columns[number];
            let value = sums::quoted(column);
            let hash = sums::hash(&value, Form::Text, column, SEED);
            (value, hash)
        })
        .collect();
    sums::of(client, table, &seed, &asked)
}

fn loose(
    at: usize,
    table: &Table,
    numbers: &[i16],
    position: &BTreeMap<i16, usize>,
    found: sums::Sums,
    default_schema: &str,
) -> Vec<Loose> {
    let said = table.said(default_schema);
    numbers
        .iter()
        .zip(found.columns)
        // what is computed from others is lost with nothing
        .filter(|(number, _)| !table.columns[number].generated)
        .map(|(number, sum)| Loose {
            table: at,
            column: position[number],
            said: format!("{said}.{}", table.columns[number].name),
            sum,
        })
        .collect()
}

fn count(rows: i64) -> u64 {
    rows.unsigned_abs()
}
