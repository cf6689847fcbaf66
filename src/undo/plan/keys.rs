//! Keys whose values a migration changes: rows with another key look gone and new, and cannot be found by the old one.

use crate::catalog::{Catalog, Column, ObjectName};
use crate::conservation::Written;
use crate::sql::{ConstraintKind, Script, Statement, StatementKind};

/// Whether rows were given another key, by which they look gone and new.
pub(super) fn rekeyed(written: &Written) -> bool {
    written.updated > 0 && written.deleted == 0 && written.inserted == 0 && written.lacks.rows && written.lacks.came
}

/// The columns that were written, if one of them is part of a key; none also where the migration changes the table itself, or one of
/// those that it is a part of, and a column may go by another name by then.
pub(super) fn changed_keys(before: &Catalog, script: &Script, written: &Written, tables: &[ObjectName]) -> Vec<String> {
    let (Some(known), Some(changed)) = (before.tables.get(&written.table), &written.lacks.values) else {
        return Vec::new();
    };
    let alters = |statement: &Statement| match &statement.kind {
        StatementKind::AlterTable { table, actions, .. } => {
            // one that is renamed may be this one
            tables.contains(&before.resolve(table)) || actions.iter().any(|action| action.kind.moves())
        }
        // a type takes columns along
        StatementKind::DropType { names, .. } => {
            let dropped =
                |column: &Column| names.iter().any(|name| before.resolve(name) == before.type_name(&column.data_type));
            known.columns.values().any(dropped)
        }
        StatementKind::DropSchema { .. } => true,
        StatementKind::Other { words } => words.starts_with("DROP "),
        _ => false,
    };
    let keys = known.constraints.values().filter_map(|constraint| match &constraint.kind {
        ConstraintKind::PrimaryKey { columns, .. } | ConstraintKind::Unique { columns, .. } => Some(columns.clone()),
        _ => None,
    });
    // rows are told apart by a unique index as well (facts.rs)
    let unique = known.indexes.values().filter(|index| index.unique && index.predicate.is_none());
    let indexed = unique.filter_map(|index| index.keys.iter().map(|key| key.column.clone()).collect());
    let keys: Vec<Vec<String>> = keys.chain(indexed).collect();
    let there = changed.iter().all(|column| known.columns.contains_key(column));
    if script.statements().iter().any(alters) {
        return Vec::new();
    }
    let hit = keys.iter().any(|columns| columns.iter().any(|column| changed.contains(column)));
    match rekeyed(written) {
        true => keys.into_iter().flatten().chain(changed.iter().cloned()).collect(),
        false if hit && there => changed.clone(),
        false => Vec::new(),
    }
}
