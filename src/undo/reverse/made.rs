//! Tables that the migration itself has made: the reverse drops them, with whatever was put into them.

use std::collections::BTreeSet;

use super::Scene;
use crate::catalog::{Catalog, ObjectName};
use crate::sql::{Name, Statement, StatementKind};

/// By the names they have now.
#[derive(Debug, Clone, Default)]
pub(super) struct Made(BTreeSet<ObjectName>);

impl Made {
    /// Follows a statement, of which `before` is the world before it.
    pub(super) fn follow(&mut self, statement: &Statement, before: &Catalog) {
        match &statement.kind {
            StatementKind::CreateTable { table, if_not_exists, .. } => {
                let table = before.made(table);
                // one that may have been there stays, and its rows with it
                if !if_not_exists || before.table(&table).is_absent() {
                    self.0.insert(table);
                }
            }
            StatementKind::DropTable { tables, .. } => {
                for table in tables {
                    self.0.remove(&before.resolve(table));
                }
            }
            StatementKind::AlterTable { table, actions, .. } => {
                let mut table = before.resolve(table);
                for action in actions {
                    let Some(to) = action.kind.moved(&table) else { continue };
                    if self.0.remove(&table) {
                        self.0.insert(to.clone());
                    }
                    table = to;
                }
            }
            _ => {}
        }
    }
}

impl Scene<'_> {
    /// Whether rows that are put into the table are still there behind the reverse.
    pub(super) fn keeps_rows_of(&self, table: &Name) -> bool {
        let table = self.before.resolve(table);
        self.before.tables.contains_key(&table) && !self.made.0.contains(&table)
    }
}
