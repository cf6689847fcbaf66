//! What a draft's statements drop, by their effects, and what they create; and what Prisma counted in it.

use std::collections::{BTreeMap, BTreeSet};

use super::Draft;
use crate::catalog::{Catalog, ObjectName};
use crate::effects::{self, Definition, What};
use crate::sql::{ActionKind, StatementKind};

/// What a draft's statements drop and create.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    pub(crate) dropped_tables: BTreeSet<ObjectName>,
    pub(crate) created_tables: BTreeSet<ObjectName>,
    pub(crate) dropped_types: BTreeSet<ObjectName>,
    pub(crate) created_types: BTreeSet<ObjectName>,
    /// Types that are dropped although nothing known created them.
    pub(super) strange_types: BTreeSet<ObjectName>,
    pub(crate) dropped_columns: BTreeSet<(ObjectName, String)>,
    pub(crate) added_columns: BTreeSet<(ObjectName, String)>,
    /// Columns that are given another type in place.
    pub(crate) retyped_columns: BTreeSet<(ObjectName, String)>,
    /// Enum values that a statement renames already.
    pub(crate) renamed_values: BTreeSet<(ObjectName, String)>,
}

impl Pool {
    /// Tables that lose, gain or change columns.
    pub(crate) fn touched_tables(&self) -> BTreeSet<&ObjectName> {
        let columns = self.dropped_columns.iter().chain(&self.added_columns).chain(&self.retyped_columns);
        columns.map(|(table, _)| table).collect()
    }

    /// Whether something of a kind is dropped and something of that kind is created.
    pub(super) fn is_two_sided(&self) -> bool {
        (!self.dropped_tables.is_empty() && !self.created_tables.is_empty())
            || (!self.dropped_types.is_empty() && !self.created_types.is_empty())
            || (!self.dropped_columns.is_empty() && !self.added_columns.is_empty())
    }

    /// Reads a draft; `after` is the world behind it.
    pub(super) fn read(draft: &Draft<'_>, after: &Catalog) -> Self {
        let mut pool = Self::default();
        draft.before.clone().walk(draft.script, draft.migration, |catalog, statement| {
            let scene = effects::Scene::new(draft.script, statement, catalog, after);
            for effect in effects::of(&scene) {
                pool.drop(effect.what);
            }
        });
        // `"Role_old"` has its name from the script itself
        let mut named: BTreeSet<ObjectName> = BTreeSet::new();
        let resolve = |name| draft.before.resolve(name);
        for statement in draft.script.statements() {
            match &statement.kind {
                StatementKind::CreateTable { table, .. } => pool.created_tables.extend([resolve(table)]),
                StatementKind::CreateEnum { name, .. } => pool.created_types.extend([resolve(name)]),
                StatementKind::RenameType { name, to } => {
                    named.insert(ObjectName { name: to.clone(), ..resolve(name) });
                }
                StatementKind::RenameEnumValue { name, from, to } => {
                    pool.renamed_values.extend([from, to].map(|value| (resolve(name), value.clone())));
                }
                StatementKind::AlterTable { table, actions, .. } => {
                    for action in actions {
                        match &action.kind {
                            ActionKind::SetType { column, .. } => {
                                pool.retyped_columns.extend([(resolve(table), column.clone())]);
                            }
                            ActionKind::AddColumn { column, .. } => {
                                pool.added_columns.extend([(resolve(table), column.name.clone())]);
                            }
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        let made = |name: &&ObjectName| {
            draft.before.enums.contains_key(name) || pool.created_types.contains(name) || named.contains(name)
        };
        pool.strange_types = pool.dropped_types.iter().filter(|name| !made(name)).cloned().collect();
        pool
    }

    fn drop(&mut self, what: What) {
        match what {
            What::TableGone { table, .. } => {
                self.dropped_tables.insert(table);
            }
            What::ColumnGone { table, column, .. } => {
                self.dropped_columns.insert((table, column));
            }
            What::DefinitionGone { kind: Definition::Enum, name, .. } => {
                self.dropped_types.insert(name);
            }
            _ => {}
        }
    }
}

/// What Prisma counted, by its words, which leave out the schema.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    /// Values other than NULL, by table and column that is dropped.
    pub(crate) values: BTreeMap<(String, String), u64>,
    /// Rows, by table that is dropped.
    pub(crate) rows: BTreeMap<String, u64>,
}

impl Counted {
    /// Reads Prisma's warnings: ``You are about to drop the column `c` on the `T` table, which still contains N non-null
    /// values.`` and ``You are about to drop the `T` table, which is not empty (N rows).``
    pub(super) fn read(warnings: &[String]) -> Self {
        let mut counted = Self::default();
        for warning in warnings {
            let rest = warning.strip_prefix("You are about to drop the ").unwrap_or_default();
            let number = |text: &str| text.split(' ').next().and_then(|number| number.parse().ok());
            if let Some((column, rest)) = rest.strip_prefix("column `").and_then(|rest| rest.split_once("` on the `"))
                && let Some((table, rest)) = rest.split_once("` table, which still contains ")
                && let Some(count) = number(rest)
            {
                counted.values.insert((table.to_owned(), column.to_owned()), count);
            } else if let Some((table, rest)) =
                rest.strip_prefix('`').and_then(|rest| rest.split_once("` table, which is not empty ("))
                && let Some(count) = number(rest)
            {
                counted.rows.insert(table.to_owned(), count);
            }
        }
        counted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_stand_in_prismas_words() {
        let counted = Counted::read(&[
            "You are about to drop the column `artist` on the `Song` table, which still contains 120 non-null values."
                .into(),
            "You are about to drop the `Album` table, which is not empty (7 rows).".into(),
            "You are about to drop the column `x` on the `Song` table. All the data in the column will be lost.".into(),
        ]);
        assert_eq!(counted.values, BTreeMap::from([(("Song".into(), "artist".into()), 120)]));
        assert_eq!(counted.rows, BTreeMap::from([("Album".into(), 7)]));
    }
}
