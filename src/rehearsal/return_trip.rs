//! The way back, rehearsed: up and down again, the copy must be what it was.

use std::time::{Duration, Instant};

use postgres::Client;
use serde::Serialize;

use super::milliseconds;
use crate::catalog::live::{Live, Without, differences};
use crate::database::{DatabaseUrl, Failure};
use crate::error::Result;
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
    #[serde(rename = "milliseconds", serialize_with = "milliseconds")]
    pub took: Duration,
}

impl ReturnTrip {
    /// Whether everything is as before.
    pub fn is_whole(&self) -> bool {
        self.differences.is_empty() && self.values.is_empty()
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
        Ok(ReturnTrip { migrations, differences, values: tables.iter().flat_map(changed).collect(), took })
    };
    Ok(look())
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
}
