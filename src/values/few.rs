//! Few rows, read into memory and compared as a whole: columns may be computed, and the order of rows does not count.

use postgres::Client;
use serde_json::Value;

use crate::catalog::ObjectName;
use crate::database::Failure;

/// How two readings of a table differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Differing {
    /// In the number of rows.
    Rows,
    /// In the values of the column at this place.
    Column(usize),
    /// In no column by itself: the values stand in other rows.
    Order,
}

/// The rows of a table, each an object with `c0`, `c1`, … for the expressions of `select`.
pub(crate) fn read(client: &mut Client, table: &ObjectName, select: &[String]) -> Result<Vec<Value>, Failure> {
    let select: Vec<String> = select.iter().enumerate().map(|(at, value)| format!("{value} AS c{at}")).collect();
    let from = table.quoted();
    let query = format!("SELECT to_jsonb(t) FROM (SELECT {} FROM {from}) t", select.join(", "));
    let rows = client.query_typed(&query, &[])?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}

/// Compares two readings of `columns` columns; none if they hold the same rows.
pub(crate) fn difference(expected: &[Value], found: &[Value], columns: usize) -> Option<Differing> {
    if expected.len() != found.len() {
        return Some(Differing::Rows);
    }
    let sorted = |rows: &[Value], column: Option<usize>| {
        let text = |row: &Value| column.map_or_else(|| row.to_string(), |at| row[format!("c{at}")].to_string());
        let mut rows: Vec<String> = rows.iter().map(text).collect();
        rows.sort();
        rows
    };
    if sorted(expected, None) == sorted(found, None) {
        return None;
    }
    let differs = |at: &usize| sorted(expected, Some(*at)) != sorted(found, Some(*at));
    Some((0..columns).find(differs).map_or(Differing::Order, Differing::Column))
}
