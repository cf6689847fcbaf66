//! What of the replayed catalog stands on the target already, and under what name there: several pending migrations
//! may create a table, rename it and index it, and only what the target holds can lose data or block people.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::{Catalog, ObjectName};
use crate::sql::{ActionKind, Statement, StatementKind, code};

/// Follows names through the statements under review. What was never touched is as it is on the target.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    /// Tables that were created, renamed or altered, by their present name.
    tables: BTreeMap<ObjectName, Origin>,
    /// Target names of tables whose rows have been written.
    written: BTreeSet<ObjectName>,
    /// Code that could not be read has run: it may have written anything.
    opaque: bool,
}

#[derive(Debug, Clone, Default)]
struct Origin {
    /// The name on the target; none where these migrations created it.
    target: Option<ObjectName>,
    /// Columns that were added or renamed, by their present name, with the name on the target.
    columns: BTreeMap<String, Option<String>>,
}

impl Origins {
    /// The table's name on the target, or none if the migrations under review created it.
    pub fn table(&self, name: &ObjectName) -> Option<ObjectName> {
        self.tables.get(name).map_or_else(|| Some(name.clone()), |origin| origin.target.clone())
    }

    /// The column's name on the target, or none if the migrations under review added it.
    pub fn column(&self, table: &ObjectName, column: &str) -> Option<String> {
        match self.tables.get(table) {
            None => Some(column.to_owned()),
            Some(Origin { target: None, .. }) => None,
            Some(origin) => origin.columns.get(column).map_or_else(|| Some(column.to_owned()), Clone::clone),
        }
    }

    /// Whether a statement before this one changed the table's rows, so that what was measured no longer decides.
    pub fn written(&self, table: &ObjectName) -> bool {
        self.opaque || self.table(table).is_some_and(|target| self.written.contains(&target))
    }

    /// Whether code that could not be followed has run.
    pub fn ran_code(&self) -> bool {
        self.opaque
    }

    /// Follows one statement with its text; `catalog` is the one just before it.
    pub fn follow(&mut self, statement: &Statement, text: &str, catalog: &Catalog) {
        match &statement.kind {
            StatementKind::CreateTable { table, if_not_exists, .. } => {
                let table = catalog.resolve(table);
                // one that may find its table there proves nothing about its rows
                if !*if_not_exists || catalog.table(&table).is_absent() {
                    self.tables.insert(table, Origin::default());
                }
            }
            StatementKind::AlterTable { table, actions, .. } => {
                let mut table = catalog.resolve(table);
                for action in actions {
                    self.alter(&mut table, &action.kind, catalog);
                }
            }
            StatementKind::Insert { table }
            | StatementKind::Update { table, .. }
            | StatementKind::Delete { table, .. } => self.write(&catalog.resolve(table)),
            StatementKind::Truncate { tables, .. } => {
                for table in tables {
                    self.write(&catalog.resolve(table));
                }
            }
            StatementKind::Select => self.opaque |= !code::only_reads(text),
            StatementKind::Do { .. } | StatementKind::Other { .. } => self.opaque = true,
            _ => {}
        }
    }

    fn alter(&mut self, table: &mut ObjectName, action: &ActionKind, catalog: &Catalog) {
        match action {
            ActionKind::AddColumn { column, if_not_exists }
                if !*if_not_exists || catalog.column(table, &column.name).is_absent() =>
            {
                self.entry(table).columns.insert(column.name.clone(), None);
            }
            ActionKind::RenameColumn { from, to } => {
                let target = self.column(table, from);
                let columns = &mut self.entry(table).columns;
                columns.remove(from);
                columns.insert(to.clone(), target);
            }
            ActionKind::RenameTable { to } => {
                let name = ObjectName { schema: table.schema.clone(), name: to.clone() };
                self.rename(table, name);
            }
            ActionKind::SetSchema { schema } => {
                let name = ObjectName { schema: schema.clone(), name: table.name.clone() };
                self.rename(table, name);
            }
            _ => {}
        }
    }

    fn rename(&mut self, table: &mut ObjectName, to: ObjectName) {
        let _ = self.entry(table);
        if let Some(origin) = self.tables.remove(table) {
            self.tables.insert(to.clone(), origin);
        }
        *table = to;
    }

    fn entry(&mut self, table: &ObjectName) -> &mut Origin {
        self.tables
            .entry(table.clone())
            .or_insert_with(|| Origin { target: Some(table.clone()), columns: BTreeMap::new() })
    }

    fn write(&mut self, table: &ObjectName) {
        if let Some(target) = self.table(table) {
            self.written.insert(target);
        }
    }
}
