//! Tables that the migration itself has made: the reverse drops them, with whatever was put into them.

use std::collections::BTreeSet;

use super::Scene;
use crate::catalog::ObjectName;
use crate::sql::{ActionKind, Name, StatementKind};

/// By the names they have now.
#[derive(Debug, Clone, Default)]
pub(super) struct Made(BTreeSet<ObjectName>);

impl Made {
    /// Behind a statement; none where it is as before.
    pub(super) fn behind(&self, scene: &Scene<'_>) -> Option<Self> {
        let moves = |kind: &ActionKind| matches!(kind, ActionKind::RenameTable { .. } | ActionKind::SetSchema { .. });
        let follows = match &scene.statement.kind {
            StatementKind::CreateTable { .. } | StatementKind::DropTable { .. } => true,
            StatementKind::AlterTable { actions, .. } => actions.iter().any(|action| moves(&action.kind)),
            _ => false,
        };
        follows.then(|| {
            let mut made = self.clone();
            made.follow(scene);
            made
        })
    }

    fn follow(&mut self, scene: &Scene<'_>) {
        let before = scene.before;
        match &scene.statement.kind {
            StatementKind::CreateTable { table, if_not_exists, .. } => {
                let table = before.resolve(table);
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
                    let to = match &action.kind {
                        ActionKind::RenameTable { to } => ObjectName { name: to.clone(), ..table.clone() },
                        ActionKind::SetSchema { schema } => ObjectName { schema: schema.clone(), ..table.clone() },
                        _ => continue,
                    };
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
