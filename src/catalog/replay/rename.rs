//! Things are renamed or moved, and whatever names them follows.

use super::Replay;
use crate::catalog::{Catalog, Index, ObjectName, Table, UserType, expressions};
use crate::sql::{ConstraintKind, DataType, Expr, quote_identifier};

impl Replay<'_> {
    pub(super) fn rename_column(&mut self, name: &ObjectName, from: &str, to: &str) {
        let Some(table) = self.catalog.tables.get_mut(name) else { return };
        let Some(column) = table.columns.remove(from) else { return };
        table.columns.insert(to.to_owned(), column);
        rename_inside(table, from, to);
        let target = self.catalog.short(name);
        self.catalog.each_referring(&target, |table| {
            for constraint in table.constraints.values_mut() {
                if let ConstraintKind::ForeignKey { table, referenced, .. } = &mut constraint.kind
                    && *table == target
                {
                    swap(referenced, from, to);
                }
            }
        });
        for (owner, column) in self.catalog.sequences.values_mut().flatten() {
            if owner == name && column == from {
                to.clone_into(column);
            }
        }
    }

    /// Renames a table; `ALTER TABLE` renames sequences, views and indexes too.
    pub(super) fn rename_table(&mut self, from: &ObjectName, to: &str) {
        let to = ObjectName { schema: from.schema.clone(), name: to.to_owned() };
        if self.catalog.tables.contains_key(from) {
            self.move_table(from, to);
        } else if self.catalog.sequences.contains_key(from) {
            self.move_sequence(from, to);
        } else if self.catalog.views.remove(from) {
            self.catalog.sight.code.moved(from, Some(&to));
            self.catalog.views.insert(to);
        } else {
            self.rename_index(from, &to.name);
        }
    }

    pub(super) fn set_schema(&mut self, table: &ObjectName, schema: &str) {
        let to = ObjectName { schema: schema.to_owned(), name: table.name.clone() };
        let owned = self.catalog.sequences.iter();
        let owned = owned.filter(|(_, owner)| owner.as_ref().is_some_and(|(owner, _)| owner == table));
        for sequence in owned.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
            let to = ObjectName { schema: schema.to_owned(), name: sequence.name.clone() };
            self.move_sequence(&sequence, to);
        }
        self.move_table(table, to);
    }

    fn move_table(&mut self, from: &ObjectName, to: ObjectName) {
        let Some(mut table) = self.catalog.tables.remove(from) else { return };
        self.catalog.sight.gone.insert(from.clone());
        self.catalog.sight.renamed.values_mut().filter(|now| *now == from).for_each(|now| now.clone_from(&to));
        self.catalog.sight.renamed.insert(from.clone(), to.clone());
        if from.name != to.name {
            each_expression(&mut table, |text| expressions::rename_qualifier(text, &from.name, &to.name));
        }
        self.catalog.tables.insert(to.clone(), table);
        self.catalog.sight.code.moved(from, Some(&to));
        self.catalog.note_owners(&to);
        let (old, new) = (self.catalog.short(from), self.catalog.short(&to));
        self.catalog.redirect(&old, &new);
        let parts = self.catalog.tables.changing(|table| table.partition.of.is_some());
        for (whole, _) in parts.filter_map(|table| table.partition.of.as_mut()) {
            if whole == from {
                *whole = to.clone();
            }
        }
        let heirs = self.catalog.tables.changing(|table| !table.inheritance.from.is_empty());
        let parents = heirs.flat_map(|table| &mut table.inheritance.from);
        parents.filter(|parent| *parent == from).for_each(|parent| parent.clone_from(&to));
        for (owner, _) in self.catalog.sequences.values_mut().flatten() {
            if owner == from {
                *owner = to.clone();
            }
        }
    }

    pub(super) fn move_sequence(&mut self, from: &ObjectName, to: ObjectName) {
        let Some(owner) = self.catalog.sequences.remove(from) else { return };
        let (old, new) = (self.catalog.short(from), self.catalog.short(&to));
        self.catalog.sequences.insert(to, owner);
        let users = self.catalog.tables.changing(|table| table.draws_from(&old));
        for column in users.flat_map(|table| table.columns.values_mut()) {
            if let Some(default) = &mut column.default
                && expressions::nextval(&default.text).is_some_and(|used| used == old)
                && let Some(text) = expressions::with_nextval(&default.text, &new)
            {
                default.text = text;
            }
        }
    }

    /// Renames an index; one behind a constraint renames the constraint.
    pub(super) fn rename_index(&mut self, index: &ObjectName, to: &str) {
        let Some(table) = self.catalog.table_of_index(index).cloned() else { return };
        self.catalog.note_owner(&table, to);
        let Some(table) = self.catalog.tables.get_mut(&table) else { return };
        if let Some(value) = table.indexes.remove(&index.name) {
            table.indexes.insert(to.to_owned(), value);
        } else if let Some(value) = table.constraints.remove(&index.name) {
            table.constraints.insert(to.to_owned(), value);
        }
    }

    /// Renames or moves a type: the enum, the columns that have it, and casts to it.
    pub(super) fn move_type(&mut self, from: &ObjectName, to: &ObjectName) {
        if let Some(values) = self.catalog.enums.remove(from) {
            self.catalog.sight.gone.insert(from.clone());
            self.catalog.enums.insert(to.clone(), values);
        }
        if let Some(own) = self.catalog.types.remove(from) {
            self.catalog.sight.gone.insert(from.clone());
            self.catalog.types.insert(to.clone(), own);
        }
        let new = self.catalog.short(to);
        let resolver = Catalog::new(&self.catalog.default_schema);
        let follow = |own: &mut DataType| {
            // asked of every column of the database: no name is put together for it
            if own.name == from.name && own.schema.as_ref().unwrap_or(&resolver.default_schema) == &from.schema {
                own.schema.clone_from(&new.schema);
                own.name.clone_from(&new.name);
            }
        };
        for own in self.catalog.types.values_mut() {
            match own {
                UserType::Domain(domain) => follow(&mut domain.base),
                UserType::Composite(attributes) => attributes.iter_mut().for_each(|(_, own)| follow(own)),
            }
        }
        for table in self.catalog.tables.values_mut() {
            table.columns.values_mut().for_each(|column| follow(&mut column.data_type));
            each_expression(table, |text| expressions::rename_type(&resolver, text, from, to));
        }
    }
}

/// A column's new name in the indexes, constraints and expressions of its table.
fn rename_inside(table: &mut Table, from: &str, to: &str) {
    for constraint in table.constraints.values_mut() {
        match &mut constraint.kind {
            ConstraintKind::PrimaryKey { columns, .. }
            | ConstraintKind::Unique { columns, .. }
            | ConstraintKind::ForeignKey { columns, .. } => swap(columns, from, to),
            ConstraintKind::Check { .. } | ConstraintKind::Exclude { .. } => {}
        }
    }
    for Index { keys, include, .. } in table.indexes.values_mut() {
        swap(include, from, to);
        for key in keys.iter_mut().filter(|key| key.column.as_deref() == Some(from)) {
            key.column = Some(to.to_owned());
            if !key.text.contains(char::is_whitespace) {
                key.text = quote_identifier(to); // a plain key may have a word's name that expressions may not
            }
        }
    }
    each_expression(table, |text| expressions::rename_column(text, from, to));
}

fn swap(columns: &mut [String], from: &str, to: &str) {
    for column in columns.iter_mut().filter(|column| *column == from) {
        to.clone_into(column);
    }
}

/// Rewrites the expressions of a table: defaults, generated columns, checks, exclusions, index keys and predicates.
pub(super) fn each_expression(table: &mut Table, rewrite: impl Fn(&str) -> Option<String>) {
    let set = |text: &mut String| {
        if let Some(new) = rewrite(text) {
            *text = new;
        }
    };
    let set_expr = |expr: &mut Expr| set(&mut expr.text);
    for column in table.columns.values_mut() {
        column.default.iter_mut().for_each(set_expr);
        column.generated.iter_mut().for_each(set_expr);
    }
    for constraint in table.constraints.values_mut() {
        match &mut constraint.kind {
            ConstraintKind::Check { expr } => set_expr(expr),
            ConstraintKind::Exclude { text } => set(text),
            _ => {}
        }
    }
    for index in table.indexes.values_mut() {
        index.keys.iter_mut().for_each(|key| set(&mut key.text));
        index.predicate.iter_mut().for_each(set_expr);
    }
}
