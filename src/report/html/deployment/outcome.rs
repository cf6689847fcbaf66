//! What the rehearsal saw become of every column, and what was lost.

use serde::Serialize;
use serde_json::Value;

use super::list;

use crate::ui::{count, counted, rows};

#[derive(Serialize)]
pub(super) struct Outcome<'a> {
    tables: Vec<Table<'a>>,
    losses: Vec<Loss<'a>>,
}

#[derive(Serialize)]
struct Table<'a> {
    name: String,
    rows: String,
    columns: Vec<Column<'a>>,
}

#[derive(Serialize)]
struct Column<'a> {
    name: &'a str,
    fate: &'a str,
    note: String,
}

#[derive(Serialize)]
struct Loss<'a> {
    object: &'a str,
    what: &'a str,
    covered: String,
}

impl<'a> Outcome<'a> {
    pub(super) fn of(rehearsal: Option<&'a Value>) -> Self {
        let Some(rehearsal) = rehearsal else { return Self { tables: Vec::new(), losses: Vec::new() } };
        Self {
            tables: list(&rehearsal["tables"]).map(table).collect(),
            losses: list(&rehearsal["losses"]).map(loss).collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.losses.is_empty()
    }

    pub(super) fn brief(&self) -> String {
        let losses = match self.losses.len() {
            0 => "nothing lost".to_owned(),
            1 => "1 loss".to_owned(),
            number => format!("{number} losses"),
        };
        format!("{}, {losses}", counted(self.tables.len() as u64, "table"))
    }
}

fn table(value: &Value) -> Table<'_> {
    let name = value["table"].as_str().unwrap_or_default();
    let name = match value["renamedTo"].as_str() {
        Some(to) => format!("{name} → {to}"),
        None => name.to_owned(),
    };
    let number = |key: &str| value[key].as_u64();
    let mut rows = match (number("rowsBefore"), number("rowsAfter")) {
        (Some(before), Some(after)) => format!("{} before, {} after", rows(before), count(after)),
        (Some(before), None) => format!("{} before", rows(before)),
        (None, Some(after)) => format!("{} after", rows(after)),
        (None, None) => "rows not counted".to_owned(),
    };
    for (key, word) in [("deleted", "deleted"), ("inserted", "inserted")] {
        if let Some(changed) = number(key).filter(|changed| *changed > 0) {
            rows = format!("{rows}, {changed} {word}");
        }
    }
    Table { name, rows, columns: list(&value["columns"]).map(column).collect() }
}

fn column(value: &Value) -> Column<'_> {
    let text = |key: &str| value[key].as_str();
    let number = |key: &str| value[key].as_u64();
    let mut notes = Vec::new();
    notes.extend(text("to").map(|to| format!("to {to}")));
    if let (Some(from), Some(to)) = (text("fromType"), text("toType")) {
        notes.push(format!("{from} to {to}"));
    }
    notes.extend(number("rows").map(|number| format!("{} with another value", rows(number))));
    notes.extend(number("overwritten").filter(|rows| *rows > 0).map(|rows| format!("{rows} of them had one before")));
    notes.extend(number("values").map(|values| format!("{} lost", counted(values, "value"))));
    Column { name: text("column").unwrap_or_default(), fate: text("fate").unwrap_or("unknown"), note: notes.join(", ") }
}

fn loss(value: &Value) -> Loss<'_> {
    let text = |key: &str| value[key].as_str();
    let covered = text("coveredBy").map_or_else(|| "not accepted".to_owned(), |by| format!("covered by {by}"));
    Loss { object: text("object").unwrap_or_default(), what: text("what").unwrap_or_default(), covered }
}
