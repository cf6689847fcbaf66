//! A column that a plan is about, and what makes phases impossible for it.

use super::fields::kind_of;
use super::plan::{Kind, Side};
use crate::catalog::{Catalog, Column, ObjectName, Table};
use crate::error::{Error, Result};
use crate::rename::directive::path;
use crate::rename::schema::{Field, Model, Schema, lines};
use crate::sql::{ConstraintKind, data_type};

/// A column, in the database and in schema.prisma.
#[derive(Debug, Clone)]
pub struct Subject {
    pub table: ObjectName,
    pub model: Model,
    pub field: Field,
    pub column: Column,
    /// The field's line.
    pub line: String,
}

impl Subject {
    /// Finds the column.
    ///
    /// # Errors
    /// Exit status 2 where schema.prisma or the migrations do not have it.
    pub fn find(asked: &str, catalog: &Catalog, texts: &[String]) -> Result<Self> {
        let parts = path(asked).filter(|(_, rest)| rest.is_empty()).map(|(parts, _)| parts);
        let (schema, table, column) = match parts.as_deref() {
            Some([table, column]) => (None, table, column),
            Some([schema, table, column]) => (Some(schema), table, column),
            _ => {
                return Err(Error::usage(format!("{asked}: cannot be read")).help("write it like Song.artist"));
            }
        };
        let declared = Schema::read(texts);
        let named = |model: &&Model| {
            (model.name == *table || model.table == *table)
                && schema.is_none_or(|schema| model.schema.as_ref().unwrap_or(&catalog.default_schema) == schema)
        };
        let models: Vec<&Model> = declared.models.iter().filter(named).collect();
        let model = match models.as_slice() {
            [one] => *one,
            [] => return Err(Error::usage(format!("schema.prisma has no model {table}"))),
            _ => {
                return Err(
                    Error::usage(format!("{table} is ambiguous")).help("name its schema too: schema.Table.column")
                );
            }
        };
        let field = model.field_of_column(column).or_else(|| model.field(column)).ok_or_else(|| {
            Error::usage(format!("the model {} has no field or column {column}", model.name))
                .help("a new column begins as an optional field: add it, and run `prisma-safe migrate dev`")
        })?;
        if field.relation {
            return Err(Error::usage(format!("{asked} is a relation and no column"))
                .help("name the scalar field that the relation stands on"));
        }
        let object = ObjectName {
            schema: model.schema.clone().unwrap_or_else(|| catalog.default_schema.clone()),
            name: model.table.clone(),
        };
        let known = catalog.tables.get(&object).and_then(|table| table.columns.get(&field.column));
        let Some(known) = known else {
            return Err(Error::usage(format!("the migrations do not create {object}.{}", field.column))
                .help("draft that migration first: prisma-safe migrate dev"));
        };
        let line = texts.iter().find_map(|text| text.get(lines::field(text, &model.name, &field.name)?));
        let Some(line) = line else {
            return Err(Error::usage(format!(
                "{} is a view, or its field cannot be found in schema.prisma",
                model.name
            )));
        };
        if field.attributes.contains("@ignore") {
            return Err(Error::usage(format!("{asked} is ignored in schema.prisma already")));
        }
        Ok(Self {
            table: object,
            field: field.clone(),
            column: known.clone(),
            line: line.to_owned(),
            model: model.clone(),
        })
    }

    /// It as a plan has it.
    pub fn side(&self) -> Side {
        Side {
            field: self.field.name.clone(),
            column: self.field.column.clone(),
            data_type: data_type::spelled(&self.column.data_type),
            default: self.column.default.as_ref().map(|default| default.text.clone()),
            required: self.column.not_null,
            value: None,
            becomes: None,
            before: Some(self.line.clone()),
        }
    }

    /// The field's type in Prisma.
    pub fn kind(&self) -> &str {
        kind_of(&self.line).unwrap_or(&self.field.kind)
    }

    fn named(&self) -> String {
        format!("{}.{}", self.model.name, self.field.name)
    }

    fn refuse(&self, why: impl Into<String>, help: impl Into<String>) -> Error {
        Error::refused(format!("{} cannot change in phases: {}", self.named(), why.into())).help(help)
    }

    /// What the definitions say against it.
    ///
    /// # Errors
    /// Exit status 3 with the reason.
    pub fn admit(&self, kind: Kind, catalog: &Catalog) -> Result<()> {
        let column = self.field.column.as_str();
        let Some(table) = catalog.tables.get(&self.table) else { return Ok(()) };
        if let Some((whole, _)) = &table.partition.of {
            return Err(self.refuse(format!("its table is a partition of {whole}"), "name the partitioned table"));
        }
        if self.column.generated.is_some() || self.column.identity {
            return Err(self.refuse("the database computes it", "change the expression in a migration of its own"));
        }
        if kind == Kind::Require {
            return Ok(());
        }
        if table
            .partition
            .key
            .as_ref()
            .is_some_and(|key| key.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == column))
        {
            return Err(self.refuse("it decides which partition a row is in", "make a new table, and move the rows"));
        }
        self.admit_keys(catalog, table)?;
        if kind.regroups() && self.is_unique(catalog) {
            return Err(self.refuse(
                "no two rows may have the same value, and which of the new columns that is true of is not known",
                "drop that index in a migration of its own first, and build one on the new columns after the expand",
            ));
        }
        if let Some(default) = self.column.default.as_ref().filter(|default| !is_stable(&default.text)) {
            return Err(self.refuse(
                format!(
                    "its default ({}) gives another value each time, so the trigger could not tell which release wrote",
                    default.text
                ),
                "take the default away in a migration of its own first",
            ));
        }
        if self.field.kind.starts_with("Unsupported") {
            return Err(self.refuse("Prisma does not know its type", "change it by hand"));
        }
        Ok(())
    }

    fn admit_keys(&self, catalog: &Catalog, table: &Table) -> Result<()> {
        let column = self.field.column.as_str();
        for (name, constraint) in &table.constraints {
            if !constraint.kind.involves(column) {
                continue;
            }
            let (what, help) = match &constraint.kind {
                ConstraintKind::PrimaryKey { .. } => {
                    ("the primary key", "add a new key beside it, and move the references one by one")
                }
                ConstraintKind::ForeignKey { .. } => (
                    "the foreign key",
                    "drop the relation in a migration of its own, and add it again for the new column",
                ),
                ConstraintKind::Check { .. } => {
                    ("the check", "drop it in a migration of its own, and add one for the new column after the expand")
                }
                ConstraintKind::Exclude { .. } => (
                    "the exclusion",
                    "drop it in a migration of its own, and add one for the new column after the expand",
                ),
                ConstraintKind::Unique { .. } => continue,
            };
            return Err(self.refuse(format!("{what} {name} is on it"), help));
        }
        if self.model.relation_through(&self.field.name).is_some() {
            return Err(self.refuse("a relation stands on it", "drop the relation in a migration of its own first"));
        }
        for (other, elsewhere) in &catalog.tables {
            let refers = elsewhere.constraints.iter().find(|(_, constraint)| {
                matches!(&constraint.kind, ConstraintKind::ForeignKey { table, referenced, .. }
                    if catalog.resolve(table) == self.table && referenced.iter().any(|own| own == column))
            });
            if let Some((name, _)) = refers {
                return Err(
                    self.refuse(format!("{name} of {other} refers to it"), "move the relation to another key first")
                );
            }
        }
        for (name, index) in table.indexes.iter().filter(|(_, index)| index.involves(column)) {
            let columns: Option<Vec<String>> = index.keys.iter().map(|key| key.column.clone()).collect();
            let plain = index.predicate.is_none() && index.include.is_empty() && !index.nulls_not_distinct;
            if !columns.is_some_and(|columns| plain && self.model.declares_index(&columns)) {
                return Err(self.refuse(
                    format!("the index {name} is on it, and schema.prisma does not declare it"),
                    "drop it in a migration of its own, and build one on the new column after the expand",
                ));
            }
        }
        Ok(())
    }

    /// Whether an index that schema.prisma declares forbids equal values.
    pub fn is_unique(&self, catalog: &Catalog) -> bool {
        let column = self.field.column.as_str();
        let Some(table) = catalog.tables.get(&self.table) else { return false };
        let by_constraint = table.constraints.values().any(|constraint| {
            matches!(constraint.kind, ConstraintKind::Unique { .. }) && constraint.kind.involves(column)
        });
        by_constraint || table.indexes.values().any(|index| index.unique && index.involves(column))
    }
}

/// A default that gives one value throughout a transaction.
fn is_stable(default: &str) -> bool {
    let text = default.trim().trim_start_matches('(');
    let upper = text.to_ascii_uppercase();
    text.starts_with(|c: char| c == '\'' || c == '-' || c.is_ascii_digit())
        || ["TRUE", "FALSE", "NULL", "CURRENT_TIMESTAMP", "CURRENT_DATE", "NOW()", "ARRAY["]
            .iter()
            .any(|word| upper.starts_with(word))
}
