//! A rehearsal in one line, where nothing in it needs attention.

use super::budget::seconds;
use super::locks::Stops;
use super::{Data, Rehearsal};
use crate::ui::{counted, rows};
use crate::values::{Fate, TableFate};

/// `1 migration on a copy of the backup: 43 ms; Tram locked for 15 ms; 5,000 rows in 1 table compared, every value kept`
pub(super) fn summary(rehearsal: &Rehearsal) -> String {
    let migrations = counted(rehearsal.migrations.len() as u64, "migration");
    let took = rehearsal.migrations.iter().map(|migration| migration.took).sum();
    let mut parts = vec![format!("{migrations} on a copy of the backup: {}", seconds(took))];
    let longest = rehearsal.locks.iter().filter(|hold| hold.stops != Stops::Nobody).max_by_key(|hold| hold.held);
    if let Some(longest) = longest {
        let whom = if longest.stops == Stops::Everybody { "locked" } else { "locked for writers" };
        parts.push(format!("{} {whom} for {}", longest.table, seconds(longest.held)));
    }
    parts.extend(values(rehearsal));
    parts.join("; ")
}

/// What the comparison of the rows came to.
fn values(rehearsal: &Rehearsal) -> Option<String> {
    if rehearsal.data == Data::Schema {
        return Some("no rows were rehearsed".into());
    }
    let compared: Vec<_> = rehearsal.tables.iter().filter_map(|table| table.rows_before).collect();
    if compared.is_empty() {
        return None;
    }
    let rows = rows(compared.iter().sum());
    let outcome =
        if rehearsal.tables.iter().any(is_notable) { "with the differences below" } else { "every value kept" };
    Some(format!("{rows} in {} compared, {outcome}", counted(compared.len() as u64, "table")))
}

/// Whether a table lost something or holds other values than before.
pub(super) fn is_notable(table: &TableFate) -> bool {
    let kept = match (table.rows_before, table.rows_after) {
        (Some(before), Some(after)) => before == after,
        (Some(_), None) => false,
        (None, _) => true,
    };
    let moved = table.deleted.unwrap_or_default() > 0 || table.inserted.unwrap_or_default() > 0;
    let harmless = |fate: &Fate| {
        matches!(fate, Fate::Preserved | Fate::New | Fate::Renamed { .. } | Fate::Converted { .. } | Fate::Moved { .. })
    };
    !kept || moved && table.rows_before.is_some() || !table.columns.iter().all(|column| harmless(&column.fate))
}
