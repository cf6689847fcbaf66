//! The way back, rehearsed: up and down again, the copy must be what it was.

use std::time::{Duration, Instant};

use postgres::Client;
use serde::Serialize;

use super::milliseconds;
use crate::catalog::live::{Live, Without, differences};
use crate::database::{DatabaseUrl, Failure};
use crate::error::Result;
use crate::ui::counted;
use crate::values::{ColumnFate, Fate, Since, TableFate, Touched, compare};

/// Takes the rehearsed migrations back on the copy; gives what it says of each, newest first.
pub type TakeBack<'a> = dyn FnMut(&DatabaseUrl) -> Result<Vec<TakenBack>> + 'a;

/// A migration that was rolled back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TakenBack {
    pub name: String,
    /// What came back from the capsule, a sentence each.
    pub put_back: Vec<String>,
}

/// What the copy is after both ways.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReturnTrip {
    pub migrations: Vec<TakenBack>,
    /// How the definitions differ from those before.
    pub differences: Vec<String>,
    /// Columns whose values are not what they were.
    pub values: Vec<String>,
    /// Tables that lack rows which they had.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<String>,
    /// Rows that the migrations brought and that are still there: nothing is lost by them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stays: Vec<String>,
    #[serde(rename = "milliseconds", serialize_with = "milliseconds")]
    pub took: Duration,
}

impl ReturnTrip {
    /// Whether everything is as before.
    pub fn is_whole(&self) -> bool {
        self.differences.is_empty() && self.values.is_empty() && self.rows.is_empty()
    }
}

/// Goes back on the copy at `url`, and compares it with the original.
///
/// # Errors
/// What `take_back` says; the server's own is the inner error.
pub(super) fn go_back(
    url: &DatabaseUrl,
    (before, after): (&mut Client, &mut Client),
    (schema, since): (&str, Since),
    take_back: &mut TakeBack<'_>,
) -> Result<Result<ReturnTrip, Failure>> {
    let start = Instant::now();
    let migrations = take_back(url)?;
    let took = start.elapsed();
    let look = || -> Result<ReturnTrip, Failure> {
        let (was, is) = (Live::read(before, &Without::default())?, Live::read(after, &Without::default())?);
        let differences = differences(&was, &is).iter().map(ToString::to_string).collect();
        let tables = compare((before, after), (&Touched::All, since), schema)?;
        let (values, rows) = (tables.iter().flat_map(changed).collect(), rows_gone(&tables));
        Ok(ReturnTrip { migrations, differences, values, rows, stays: rows_that_stay(&tables), took })
    };
    Ok(look())
}

/// Tables that lack rows which they had. One that was dropped and came back is another table of the same name.
fn rows_gone(tables: &[TableFate]) -> Vec<String> {
    let again = |name: &str| {
        let new = tables.iter().find(|other| other.table == name && other.rows_before.is_none());
        new.and_then(|other| other.rows_after)
    };
    let lacks = |table: &&TableFate| {
        let Some(before) = table.rows_before else { return false };
        let after = table.rows_after.or_else(|| again(&table.table)).unwrap_or_default();
        table.deleted.map_or(after < before, |gone| gone > 0)
    };
    tables.iter().filter(lacks).map(|table| table.table.clone()).collect()
}

/// Rows of tables with a key that were not there before.
fn rows_that_stay(tables: &[TableFate]) -> Vec<String> {
    let came = |table: &TableFate| {
        let came = table.inserted.filter(|rows| *rows > 0)?;
        Some(format!("{} of {}", counted(came, "row"), table.table))
    };
    tables.iter().filter_map(came).collect()
}

/// Columns that do not hold what they held. One that was dropped and came back is another column with the same values.
fn changed(table: &TableFate) -> Vec<String> {
    let came_back =
        |column: &str| table.columns.iter().any(|other| other.column == column && matches!(other.fate, Fate::New));
    let intact = |ColumnFate { column, fate }: &ColumnFate| match fate {
        Fate::Preserved | Fate::New => true,
        Fate::Moved { to } => *to == format!("{}.{column}", table.table),
        // of a table that came back, the columns are new in the new one
        Fate::Lost { values: 0 } => table.rows_after.is_none() || came_back(column),
        _ => false,
    };
    let said = |column: &ColumnFate| format!("{}.{}", table.table, column.column);
    table.columns.iter().filter(|column| !intact(column)).map(said).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_that_came_back_with_its_values_is_whole() {
        let column = |name: &str, fate: Fate| ColumnFate { column: name.into(), fate };
        let table = TableFate {
            table: "Song".into(),
            renamed_to: None,
            rows_before: Some(3),
            rows_after: Some(3),
            deleted: None,
            inserted: None,
            within: None,
            columns: vec![
                column("id", Fate::Preserved),
                column("note", Fate::Moved { to: "Song.note".into() }),
                column("note", Fate::New),
                column("empty", Fate::Lost { values: 0 }),
                column("empty", Fate::New),
                column("artist", Fate::Lost { values: 3 }),
                column("plays", Fate::Moved { to: "Song.other".into() }),
            ],
        };
        assert_eq!(changed(&table), ["Song.artist", "Song.plays"]);
    }

    #[test]
    fn rows_that_went_are_missed_and_those_that_came_stay() {
        let table = |name: &str, rows: (Option<u64>, Option<u64>), by_key: Option<(u64, u64)>| TableFate {
            table: name.into(),
            renamed_to: None,
            rows_before: rows.0,
            rows_after: rows.1,
            deleted: by_key.map(|(gone, _)| gone),
            inserted: by_key.map(|(_, came)| came),
            within: None,
            columns: Vec::new(),
        };
        let tables = [
            table("Song", (Some(3), Some(3)), Some((1, 1))),
            table("Album", (Some(3), Some(4)), Some((0, 1))),
            table("Log", (Some(3), Some(2)), None),
            table("Back", (Some(3), None), None),
            table("Back", (None, Some(3)), None),
            table("Less", (Some(3), None), None),
            table("Less", (None, Some(2)), None),
        ];
        assert_eq!(rows_gone(&tables), ["Song", "Log", "Less"]);
        assert_eq!(rows_that_stay(&tables), ["1 row of Song", "1 row of Album"]);
    }
}
