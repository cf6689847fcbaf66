//! Enums: created, given values, renamed, moved, dropped.

use super::Replay;
use super::rename::each_expression;
use crate::catalog::{ObjectName, expressions};
use crate::sql::StatementKind;

impl Replay<'_> {
    /// Follows a statement about a type; false if it is none.
    pub(super) fn type_statement(&mut self, statement: &StatementKind) -> bool {
        match statement {
            StatementKind::CreateEnum { name, values } => {
                let name = self.catalog.made(name);
                self.catalog.enums.insert(name, values.clone());
            }
            StatementKind::CreateDomain { name, definition } => self.create_domain(name, definition),
            StatementKind::CreateComposite { name, attributes } => self.create_composite(name, attributes),
            StatementKind::AddEnumValue { name, value, before, after, .. } => {
                self.add_value(&self.resolve(name), value, before.as_deref(), after.as_deref());
            }
            StatementKind::RenameEnumValue { name, from, to } => self.rename_value(&self.resolve(name), from, to),
            StatementKind::RenameType { name, to } => {
                let from = self.resolve(name);
                let to = ObjectName { schema: from.schema.clone(), name: to.clone() };
                self.move_type(&from, &to);
            }
            StatementKind::SetTypeSchema { name, schema } => {
                let from = self.resolve(name);
                let to = ObjectName { schema: schema.clone(), name: from.name.clone() };
                self.move_type(&from, &to);
            }
            StatementKind::DropType { names, cascade, .. } => {
                for name in names {
                    self.drop_type(&self.resolve(name), *cascade);
                }
            }
            _ => return false,
        }
        true
    }

    fn add_value(&mut self, name: &ObjectName, value: &str, before: Option<&str>, after: Option<&str>) {
        let Some(values) = self.catalog.enums.get_mut(name) else { return };
        if values.iter().any(|own| own == value) {
            return; // IF NOT EXISTS
        }
        let place = |neighbour: &str| values.iter().position(|own| own == neighbour);
        let at = before.and_then(place).or_else(|| after.and_then(place).map(|at| at + 1));
        values.insert(at.unwrap_or(values.len()), value.to_owned());
    }

    /// Renames a value, also where columns of the type have it in an expression: PostgreSQL stores which value it is, not
    /// its text.
    fn rename_value(&mut self, name: &ObjectName, from: &str, to: &str) {
        let Some(values) = self.catalog.enums.get_mut(name) else { return };
        for value in values.iter_mut().filter(|value| *value == from) {
            to.clone_into(value);
        }
        let own_type = self.catalog.short(name);
        for table in self.catalog.tables.values_mut() {
            let own: Vec<String> = table
                .columns
                .iter()
                .filter(|(_, column)| {
                    column.data_type.name == own_type.name && column.data_type.schema == own_type.schema
                })
                .map(|(name, _)| name.clone())
                .collect();
            for column in &own {
                let default = table.columns.get_mut(column).and_then(|column| column.default.as_mut());
                if let Some(default) = default
                    && let Some(text) = expressions::rename_value(&default.text, from, to)
                {
                    default.text = text;
                }
            }
            each_expression(table, |text| {
                let about = own.iter().any(|column| expressions::mentions(text, column));
                about.then(|| expressions::rename_value(text, from, to)).flatten()
            });
        }
    }
}
