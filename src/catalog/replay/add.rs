//! Columns and constraints are added.

use super::Replay;
use crate::catalog::{Column, Constraint, ObjectName, expressions};
use crate::sql::{ColumnDef, ConstraintDef, ConstraintKind, DataType, DefaultName, Expr, Name};

impl Replay<'_> {
    /// Adds a column without its constraints.
    pub(super) fn add_column(&mut self, table: &ObjectName, def: &ColumnDef) {
        let integer = match def.data_type.name.as_str() {
            "smallserial" => Some("smallint"),
            "serial" => Some("integer"),
            "bigserial" => Some("bigint"),
            _ => None,
        };
        let mut column = Column {
            data_type: self.bind_type(&def.data_type),
            not_null: def.not_null,
            default: def.default.as_ref().and_then(|default| self.bind_default(default)),
            identity: def.identity,
            generated: def.generated.clone(),
            position: 0,
        };
        if let Some(integer) = integer {
            let sequence = self.own_sequence(table, &def.name);
            column.data_type = DataType { schema: None, name: integer.to_owned(), modifiers: Vec::new(), array: false };
            column.default = Some(expressions::nextval_of(&self.catalog.short(&sequence)));
            column.not_null = true;
        } else if def.identity {
            self.own_sequence(table, &def.name);
        }
        if let Some(table) = self.catalog.tables.get_mut(table) {
            column.position = table.columns.values().map(|column| column.position + 1).max().unwrap_or(0);
            table.columns.insert(def.name.clone(), column);
        }
    }

    /// A type in the catalog's form: without the schema where it is the default one.
    pub(super) fn bind_type(&self, data_type: &DataType) -> DataType {
        let mut data_type = data_type.clone();
        if data_type.schema.is_none() && !self.catalog.sight.path.schemas().is_empty() {
            let own = self.resolve(&Name::bare(&data_type.name));
            let known = self.catalog.enums.contains_key(&own) || self.catalog.types.contains_key(&own);
            data_type.schema = known.then_some(own.schema);
        }
        data_type.schema = data_type.schema.filter(|schema| *schema != self.catalog.default_schema);
        data_type
    }

    /// A default in the catalog's form: `NULL` is none, and sequences are found however they are written.
    pub(super) fn bind_default(&self, default: &Expr) -> Option<Expr> {
        if expressions::is_null(&default.text) {
            return None;
        }
        let sequence = expressions::nextval(&default.text);
        let bound = sequence.and_then(|name| expressions::with_nextval(&default.text, &self.short(&name)));
        Some(bound.map_or_else(|| default.clone(), |text| Expr { text }))
    }

    pub(super) fn add_constraint(&mut self, table: &ObjectName, def: &ConstraintDef) {
        let mut kind = def.kind.clone();
        let mut own_name = None;
        match &mut kind {
            ConstraintKind::PrimaryKey { columns, using_index } | ConstraintKind::Unique { columns, using_index } => {
                if let Some(index) = using_index.take() {
                    *columns = self.take_index(table, &index);
                    own_name = Some(index);
                }
            }
            ConstraintKind::ForeignKey { table: target, referenced, on_delete, on_update, .. } => {
                if referenced.is_empty() {
                    *referenced = self.primary_key(&self.resolve(target));
                }
                *target = self.short(target);
                self.catalog.note_referrer(table, target);
                on_delete.take_if(|action| action == "NO ACTION"); // the default
                on_update.take_if(|action| action == "NO ACTION");
            }
            ConstraintKind::Check { .. } | ConstraintKind::Exclude { .. } => {}
        }
        let name = def.name.clone().or(own_name).unwrap_or_else(|| self.choose_name(table, &kind));
        self.catalog.note_owner(table, &name);
        let Some(table) = self.catalog.tables.get_mut(table) else { return };
        if let ConstraintKind::PrimaryKey { columns, .. } = &kind {
            for column in columns {
                if let Some(column) = table.columns.get_mut(column) {
                    column.not_null = true;
                }
            }
        }
        table.constraints.insert(name, Constraint { kind, valid: !def.not_valid });
    }

    /// An index becomes a constraint's: it leaves the table's own, and its columns are the constraint's.
    fn take_index(&mut self, table: &ObjectName, index: &str) -> Vec<String> {
        let index = self.catalog.tables.get_mut(table).and_then(|table| table.indexes.remove(index));
        index.into_iter().flat_map(|index| index.keys).filter_map(|key| key.column).collect()
    }

    fn primary_key(&self, table: &ObjectName) -> Vec<String> {
        let constraints = self.catalog.tables.get(table).into_iter().flat_map(|table| table.constraints.values());
        let mut primary = constraints.filter(|constraint| matches!(constraint.kind, ConstraintKind::PrimaryKey { .. }));
        primary.next().map(|constraint| constraint.kind.columns().to_vec()).unwrap_or_default()
    }

    /// The name PostgreSQL gives to an unnamed constraint.
    fn choose_name(&self, table: &ObjectName, kind: &ConstraintKind) -> String {
        let columns: Vec<&str> = kind.columns().iter().map(String::as_str).collect();
        match kind {
            ConstraintKind::PrimaryKey { .. } => self.choose_relation(DefaultName::PrimaryKey, table, &[]),
            ConstraintKind::Unique { .. } => self.choose_relation(DefaultName::Unique, table, &columns),
            ConstraintKind::ForeignKey { .. } => self.choose_constraint(DefaultName::ForeignKey, table, &columns),
            ConstraintKind::Check { expr } => {
                // named after its column if it has just one
                let mentioned = self.mentioned(table, &expr.text);
                let columns: Vec<&str> = mentioned.iter().map(String::as_str).collect();
                let columns = if columns.len() == 1 { columns } else { Vec::new() };
                self.choose_constraint(DefaultName::Check, table, &columns)
            }
            ConstraintKind::Exclude { text } => {
                let mentioned = self.mentioned(table, text);
                let columns: Vec<&str> = mentioned.iter().map(String::as_str).collect();
                self.choose_relation(DefaultName::Exclude, table, &columns)
            }
        }
    }
}
