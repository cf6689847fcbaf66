//! Rows, values, columns and tables that went, from what the comparison of values found.

use super::{Census, Kind, Loss};
use crate::ui::{count, counted};
use crate::values::{ColumnFate, Fate, TableFate};

/// What went of the rows. `before` knows which tables are parts of others. A row that moves between the parts of a table has not gone.
pub(super) fn rows(tables: &[TableFate], before: &Census, schema: &str) -> Vec<Loss> {
    let mut losses = Vec::new();
    for table in tables.iter().filter(|table| table.rows_before.is_some()) {
        let mut parents = vec![table.table.clone()];
        parents.extend(before.table(&table.table, schema).map(|id| before.wholes(id, schema)).unwrap_or_default());
        // where a key tells rows apart, those that went are counted as soon as any value is another
        let (keyless, parted) = (table.deleted.is_none(), table.within.is_some());
        let of_table = losses_of(table).into_iter();
        losses.extend(of_table.map(|loss| Loss { parents: parents.clone(), keyless, parted, ..loss }));
    }
    losses
}

fn losses_of(table: &TableFate) -> Vec<Loss> {
    let name = &table.table;
    let rows_before = table.rows_before.unwrap_or_default();
    let lost = |column: &ColumnFate| matches!(column.fate, Fate::Lost { values } if values > 0);
    let Some(rows_after) = table.rows_after else {
        // what was copied elsewhere before the table went is not lost, but queries of the table miss it
        let elsewhere = rows_before > 0 && !table.columns.iter().any(lost);
        let (number, what) = match rows_before {
            0 => (0, "(table) is gone; it held no rows".to_owned()),
            _ if elsewhere => (0, "(table) is gone; its values are elsewhere".to_owned()),
            rows => (rows, format!("is lost with {}", counted(rows, "row"))),
        };
        return vec![Loss { count: Some(number), ..Loss::new(Kind::Table, name, bare(name), what) }];
    };
    let mut losses: Vec<Loss> = gone(table, rows_before, rows_after).into_iter().collect();
    for ColumnFate { column, fate } in &table.columns {
        let (kind, count, what) = match fate {
            Fate::Lost { values: 0 } => (Kind::Column, Some(0), "(column) is gone; it held nothing".to_owned()),
            Fate::Lost { values } => {
                (Kind::Column, Some(*values), format!("is lost with {}", counted(*values, "value")))
            }
            Fate::Moved { to } if *to != format!("{name}.{column}") => {
                (Kind::Column, Some(0), format!("(column) is gone; its values are in {to}"))
            }
            Fate::Changed { overwritten: Some(0), .. } => continue,
            Fate::Changed { overwritten: Some(rows), .. } => {
                (Kind::Values, Some(*rows), format!("holds other values in {}", counted(*rows, "row")))
            }
            Fate::Changed { overwritten: None, .. } => {
                (Kind::Values, None, "holds other values (no key tells in how many rows)".to_owned())
            }
            _ => continue,
        };
        losses.push(Loss { count, ..Loss::new(kind, format!("{name}.{column}"), column, what) });
    }
    losses
}

/// Rows that went of a table that is still there, also where as many came.
fn gone(table: &TableFate, before: u64, after: u64) -> Option<Loss> {
    let went = table.deleted.unwrap_or_else(|| before.saturating_sub(after)) - table.within.unwrap_or_default();
    let came = table.inserted.filter(|came| *came > 0).map(|came| format!(" and {} came", count(came)));
    let what = format!("loses {}{}", counted(went, "row"), came.unwrap_or_default());
    let name = &table.table;
    (went > 0).then(|| Loss { count: Some(went), ..Loss::new(Kind::Rows, name, bare(name), what) })
}

/// A name without its schema.
fn bare(label: &str) -> &str {
    label.rsplit('.').next().unwrap_or(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, after: Option<u64>, columns: &[(&str, Fate)]) -> TableFate {
        let fate = |(column, fate): &(&str, Fate)| ColumnFate { column: (*column).into(), fate: fate.clone() };
        TableFate {
            table: name.into(),
            renamed_to: None,
            rows_before: Some(7),
            rows_after: after,
            deleted: None,
            inserted: None,
            within: None,
            columns: columns.iter().map(fate).collect(),
        }
    }

    #[test]
    fn what_moved_or_was_never_there_loses_no_value() {
        let replaced = TableFate { deleted: Some(7), inserted: Some(7), ..table("Zone", Some(7), &[]) };
        let tables = [
            table("Song", Some(7), &[("artist", Fate::Lost { values: 5 }), ("empty", Fate::Lost { values: 0 })]),
            table("Old", None, &[("id", Fate::Lost { values: 7 }), ("note", Fate::Lost { values: 1 })]),
            table("Kept", Some(7), &[("id", Fate::Preserved), ("x", Fate::Moved { to: "Kept.y".into() })]),
            table("Filled", Some(7), &[("x", Fate::Changed { rows: Some(7), overwritten: Some(0) })]),
            table("Cut", Some(7), &[("x", Fate::Changed { rows: Some(7), overwritten: Some(3) })]),
            table("Away", None, &[("x", Fate::Moved { to: "Kept.y".into() })]),
            replaced,
        ];
        let found: Vec<_> = rows(&tables, &Census::default(), "public")
            .into_iter()
            .map(|loss| (loss.kind, loss.object, loss.count))
            .collect();
        let expected = [
            (Kind::Column, "Song.artist", 5),
            (Kind::Column, "Song.empty", 0),
            (Kind::Table, "Old", 7),
            // a query that reads it there misses it, though nothing of it is lost
            (Kind::Column, "Kept.x", 0),
            (Kind::Values, "Cut.x", 3),
            (Kind::Table, "Away", 0),
            (Kind::Rows, "Zone", 7),
        ];
        assert_eq!(found, expected.map(|(kind, object, count)| (kind, object.to_owned(), Some(count))));
    }
}
