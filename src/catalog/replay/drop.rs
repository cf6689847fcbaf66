//! Things go, and with them what depends on them.

use std::collections::BTreeSet;

use super::Replay;
use crate::catalog::{ObjectName, Table, expressions};
use crate::sql::{ConstraintKind, StatementKind};

impl Replay<'_> {
    /// Follows `DROP …`.
    pub(super) fn drop_statement(&mut self, statement: &StatementKind) {
        let cascade = match statement {
            StatementKind::DropTable { tables, cascade, .. } => {
                for table in tables {
                    // a temporary table stands in front of the one of its name
                    if table.schema.is_none() && self.catalog.sight.temporary.remove(&table.name) {
                        continue;
                    }
                    self.drop_table(&self.resolve(table), *cascade);
                }
                *cascade
            }
            StatementKind::DropIndex { indexes, cascade, .. } => {
                for index in indexes {
                    self.drop_index(&self.resolve(index), *cascade);
                }
                false
            }
            StatementKind::DropSequence { names, cascade } => {
                for name in names {
                    self.drop_sequence(&self.resolve(name), *cascade);
                }
                false
            }
            StatementKind::DropView { names, cascade, .. } => {
                for name in names {
                    let view = self.resolve(name);
                    self.catalog.views.remove(&view);
                    self.catalog.sight.code.moved(&view, None);
                }
                *cascade
            }
            StatementKind::DropSchema { names, cascade } => {
                for schema in names {
                    self.drop_schema(schema, *cascade);
                }
                *cascade
            }
            StatementKind::DropExtension { cascade: true, .. } => {
                self.opaque("DROP EXTENSION CASCADE");
                false
            }
            _ => false,
        };
        if cascade {
            self.views_may_go();
        }
    }

    /// What a view needs is not known here, so neither is whether `CASCADE` takes it along.
    fn views_may_go(&mut self) {
        if !self.catalog.views.is_empty() {
            self.opaque("CASCADE, which may drop views");
        }
    }

    fn drop_table(&mut self, name: &ObjectName, cascade: bool) {
        // they go with it, also without CASCADE
        for partition in self.catalog.partitions(name) {
            self.drop_table(&partition, cascade);
        }
        // without CASCADE it fails
        for heir in if cascade { self.catalog.heirs(name) } else { Vec::new() } {
            self.drop_table(&heir, cascade);
        }
        let known = self.catalog.tables.remove(name).is_some();
        self.catalog.sight.gone.insert(name.clone());
        self.catalog.sight.code.moved(name, None);
        if !known {
            return;
        }
        self.drop_owned_sequences(name, None);
        if cascade {
            self.drop_foreign_keys(name, |_| true);
        }
    }

    pub(super) fn drop_column(&mut self, name: &ObjectName, column: &str, cascade: bool) {
        let Some(table) = self.catalog.tables.get_mut(name) else { return };
        if table.columns.remove(column).is_none() {
            return;
        }
        table.indexes.retain(|_, index| !index.involves(column));
        table.constraints.retain(|_, constraint| !constraint.kind.involves(column));
        self.drop_owned_sequences(name, Some(column));
        if cascade {
            self.drop_foreign_keys(name, |referenced| referenced.iter().any(|own| own == column));
            for generated in self.generated_from(name, column) {
                self.drop_column(name, &generated, true);
            }
            self.views_may_go();
        }
    }

    fn generated_from(&self, table: &ObjectName, column: &str) -> Vec<String> {
        let columns = self.catalog.tables.get(table).into_iter().flat_map(|table| &table.columns);
        let generated = columns.filter(|(_, other)| other.generated.as_ref().is_some_and(|expr| expr.mentions(column)));
        generated.map(|(name, _)| name.clone()).collect()
    }

    pub(super) fn drop_constraint(&mut self, name: &ObjectName, constraint: &str, cascade: bool) {
        let removed = self.catalog.tables.get_mut(name).and_then(|table| table.constraints.remove(constraint));
        if let (Some(removed), true) = (removed, cascade) {
            self.drop_key(name, removed.kind.columns());
        }
    }

    fn drop_index(&mut self, index: &ObjectName, cascade: bool) {
        let Some(name) = self.catalog.table_of_index(index).cloned() else { return };
        let removed = self.catalog.tables.get_mut(&name).and_then(|table| table.indexes.remove(&index.name));
        if let (Some(removed), true) = (removed, cascade) {
            let columns: Vec<String> = removed.keys.into_iter().filter_map(|key| key.column).collect();
            self.drop_key(&name, &columns);
        }
    }

    /// Foreign keys that relied on a key of these columns go, unless another key is left for them.
    fn drop_key(&mut self, name: &ObjectName, columns: &[String]) {
        if self.catalog.tables.get(name).is_none_or(|table| !has_key(table, columns)) {
            self.drop_foreign_keys(name, |referenced| same_set(referenced, columns));
        }
    }

    /// Removes the foreign keys to a table whose referenced columns are `meant`.
    fn drop_foreign_keys(&mut self, to: &ObjectName, meant: impl Fn(&[String]) -> bool) {
        let target = self.catalog.short(to);
        self.catalog.each_referring(&target, |table| {
            table.constraints.retain(|_, constraint| match &constraint.kind {
                ConstraintKind::ForeignKey { table, referenced, .. } => *table != target || !meant(referenced),
                _ => true,
            });
        });
    }

    /// Sequences go with the table, or with the column, that owns them.
    pub(super) fn drop_owned_sequences(&mut self, table: &ObjectName, column: Option<&str>) {
        let goes = |owner: &Option<(ObjectName, String)>| {
            owner.as_ref().is_some_and(|(owner, own)| owner == table && column.is_none_or(|column| column == own))
        };
        let owned = self.catalog.sequences.iter().filter(|(_, owner)| goes(owner));
        for name in owned.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
            self.catalog.sequences.remove(&name);
        }
    }

    fn drop_sequence(&mut self, name: &ObjectName, cascade: bool) {
        self.catalog.sequences.remove(name);
        if !cascade {
            return;
        }
        let sequence = self.catalog.short(name);
        let users = self.catalog.tables.changing(|table| table.draws_from(&sequence));
        for column in users.flat_map(|table| table.columns.values_mut()) {
            let uses = |text: &str| expressions::nextval(text).is_some_and(|used| used == sequence);
            column.default.take_if(|default| uses(&default.text));
        }
    }

    fn drop_schema(&mut self, schema: &str, cascade: bool) {
        self.catalog.schemas.remove(schema);
        if !cascade {
            return;
        }
        let tables = self.catalog.tables.keys().filter(|name| name.schema == schema).cloned();
        for table in tables.collect::<Vec<_>>() {
            self.drop_table(&table, true);
        }
        let types = self.catalog.enums.keys().chain(self.catalog.types.keys());
        let enums = types.filter(|name| name.schema == schema).cloned();
        for name in enums.collect::<Vec<_>>() {
            self.drop_type(&name, true);
        }
        self.catalog.views.retain(|name| name.schema != schema);
        self.catalog.sequences.retain(|name, _| name.schema != schema);
    }

    /// A type goes; with `CASCADE`, also the domains over it, the columns that have one of them, and the attributes.
    pub(super) fn drop_type(&mut self, name: &ObjectName, cascade: bool) {
        let (columns, fallen) = match cascade {
            true => (self.catalog.columns_of_type(name), self.catalog.with_domains(name)),
            false => (Vec::new(), BTreeSet::from([name.clone()])),
        };
        for (table, column) in columns {
            self.drop_column(&table, &column, true);
        }
        for name in fallen {
            self.catalog.enums.remove(&name);
            self.catalog.types.remove(&name);
            self.forget_attributes_of(&name);
            self.catalog.sight.gone.insert(name);
        }
    }
}

/// Whether a primary key, unique constraint or plain unique index is on just these columns.
fn has_key(table: &Table, columns: &[String]) -> bool {
    let constraint = table.constraints.values().any(|constraint| match &constraint.kind {
        ConstraintKind::PrimaryKey { columns: own, .. } | ConstraintKind::Unique { columns: own, .. } => {
            same_set(own, columns)
        }
        _ => false,
    });
    constraint
        || table.indexes.values().any(|index| {
            let own: Option<Vec<String>> = index.keys.iter().map(|key| key.column.clone()).collect();
            index.unique && index.predicate.is_none() && own.is_some_and(|own| same_set(&own, columns))
        })
}

fn same_set(a: &[String], b: &[String]) -> bool {
    a.len() == b.len() && a.iter().all(|column| b.contains(column))
}
