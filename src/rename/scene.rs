//! What every stage needs to know of a draft, worked out once.

use std::collections::{BTreeMap, BTreeSet};

use super::Draft;
use super::schema::{Field, Model, Schema};
use crate::catalog::{Catalog, ObjectName, Table};
use crate::sql::{ActionKind, ConstraintKind, StatementKind};

/// A draft with the catalog after it and the schema's two states.
pub(crate) struct Scene<'a> {
    pub(crate) draft: &'a Draft<'a>,
    pub(crate) before: &'a Catalog,
    pub(crate) after: Catalog,
    pub(crate) head: Schema,
    pub(crate) work: Schema,
    /// Columns that the draft drops and adds again under the same name.
    pub(crate) recreated: BTreeSet<(ObjectName, String)>,
    /// Non-null values that Prisma counted in a dropped column, by its words (which leave out the schema).
    pub(crate) values: BTreeMap<(String, String), u64>,
}

/// A table before and after: the same, or a renamed one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pair {
    pub(crate) from: ObjectName,
    pub(crate) to: ObjectName,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(draft: &'a Draft<'a>) -> Self {
        let mut after = draft.before.clone();
        after.apply(draft.migration, draft.script);
        Self {
            draft,
            before: draft.before,
            after,
            head: Schema::read(&draft.hints.schema_before),
            work: Schema::read(&draft.hints.schema_after),
            recreated: recreated(draft),
            values: counted_values(&draft.hints.warnings),
        }
    }

    /// Tables the draft drops, and tables it creates.
    pub(crate) fn tables(&self) -> (Vec<&ObjectName>, Vec<&ObjectName>) {
        let gone = self.before.tables.keys().filter(|name| !self.after.tables.contains_key(name)).collect();
        let come = self.after.tables.keys().filter(|name| !self.before.tables.contains_key(name)).collect();
        (gone, come)
    }

    /// Tables that stay under their name.
    pub(crate) fn kept_tables(&self) -> impl Iterator<Item = Pair> + '_ {
        let kept = self.before.tables.keys().filter(|name| self.after.tables.contains_key(name));
        kept.map(|name| Pair { from: name.clone(), to: name.clone() })
    }

    /// Columns dropped from and added to a table; those recreated with another type are in both.
    pub(crate) fn columns(&self, pair: &Pair) -> (Vec<String>, Vec<String>) {
        let (Some(old), Some(new)) = (self.before.tables.get(&pair.from), self.after.tables.get(&pair.to)) else {
            return (Vec::new(), Vec::new());
        };
        let again = |name: &String| self.recreated.contains(&(pair.from.clone(), name.clone()));
        let gone = old.columns.keys().filter(|name| !new.columns.contains_key(*name) || again(name)).cloned().collect();
        let come = new.columns.keys().filter(|name| !old.columns.contains_key(*name) || again(name)).cloned().collect();
        (gone, come)
    }

    /// The models behind a table before and after.
    pub(crate) fn models(&self, pair: &Pair) -> (Option<&Model>, Option<&Model>) {
        (
            self.head.model_of_table(&pair.from.schema, &pair.from.name),
            self.work.model_of_table(&pair.to.schema, &pair.to.name),
        )
    }

    /// The fields behind two columns.
    pub(crate) fn fields(&self, pair: &Pair, from: &str, to: &str) -> (Option<&Field>, Option<&Field>) {
        let (old, new) = self.models(pair);
        (old.and_then(|model| model.field_of_column(from)), new.and_then(|model| model.field_of_column(to)))
    }
}

/// The table that a column alone references, as the catalog resolves it.
pub(crate) fn target(catalog: &Catalog, table: &Table, column: &str) -> Option<ObjectName> {
    table.constraints.values().find_map(|constraint| match &constraint.kind {
        ConstraintKind::ForeignKey { columns, table, .. } if columns.iter().any(|name| name == column) => {
            Some(catalog.resolve(table))
        }
        _ => None,
    })
}

/// In how many indexes and keys a column stands: primary key, unique, plain.
pub(crate) fn memberships(table: &Table, column: &str) -> [usize; 3] {
    let mut counts = [0; 3];
    for constraint in table.constraints.values() {
        match &constraint.kind {
            ConstraintKind::PrimaryKey { columns, .. } if columns.iter().any(|name| name == column) => counts[0] += 1,
            ConstraintKind::Unique { columns, .. } if columns.iter().any(|name| name == column) => counts[1] += 1,
            _ => {}
        }
    }
    for index in table.indexes.values().filter(|index| index.keys.iter().any(|key| key.column.as_deref() == Some(column))) {
        counts[if index.unique { 1 } else { 2 }] += 1;
    }
    counts
}

fn recreated(draft: &Draft<'_>) -> BTreeSet<(ObjectName, String)> {
    let mut dropped = BTreeSet::new();
    let mut again = BTreeSet::new();
    for statement in draft.script.statements() {
        let StatementKind::AlterTable { table, actions, .. } = &statement.kind else { continue };
        let table = draft.before.resolve(table);
        for action in actions {
            match &action.kind {
                ActionKind::DropColumn { name, .. } => {
                    dropped.insert((table.clone(), name.clone()));
                }
                ActionKind::AddColumn { column, .. } if dropped.contains(&(table.clone(), column.name.clone())) => {
                    again.insert((table.clone(), column.name.clone()));
                }
                _ => {}
            }
        }
    }
    again.retain(|(table, column)| draft.before.tables.get(table).is_some_and(|table| table.columns.contains_key(column)));
    again
}

/// Reads Prisma's warnings: ``You are about to drop the column `c` on the `T` table, which still contains N non-null values.``
fn counted_values(warnings: &[String]) -> BTreeMap<(String, String), u64> {
    warnings
        .iter()
        .filter_map(|warning| {
            let rest = warning.split_once("drop the column `")?.1;
            let (column, rest) = rest.split_once("` on the `")?;
            let (table, rest) = rest.split_once("` table, which still contains ")?;
            let count = rest.split_once(' ')?.0.parse().ok()?;
            Some(((table.to_owned(), column.to_owned()), count))
        })
        .collect()
}
