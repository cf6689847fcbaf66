//! What a database consists of, as far as Prisma's migrations define it: replayed from the migrations folder (and later
//! read from a server), compared with names, and without column order.

use std::collections::{BTreeMap, BTreeSet};

use crate::sql::{ConstraintKind, DataType, Expr, IndexKey, Name};

/// A schema-qualified name; the default schema is filled in, so equal objects have equal keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectName {
    /// The schema, always known.
    pub schema: String,
    /// The name.
    pub name: String,
}

/// Everything the replayed statements have built.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Catalog {
    /// The schema that unqualified names mean (`?schema=`, `public` by default).
    pub default_schema: String,
    pub schemas: BTreeSet<String>,
    pub tables: BTreeMap<ObjectName, Table>,
    /// Values in order.
    pub enums: BTreeMap<ObjectName, Vec<String>>,
    /// Sequences with the column that owns them.
    pub sequences: BTreeMap<ObjectName, Option<(ObjectName, String)>>,
    /// Views and materialized views, by name only.
    pub views: BTreeSet<ObjectName>,
    /// Statements the replay could not follow (`DO` blocks, functions, dynamic SQL): what they did is unknown.
    pub opaque: Vec<Opaque>,
}

/// A statement the replay could not follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opaque {
    /// The migration it stands in.
    pub migration: String,
    /// Its first words.
    pub words: String,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    pub columns: BTreeMap<String, Column>,
    /// By constraint name. PostgreSQL's default names are filled in where none was written.
    pub constraints: BTreeMap<String, Constraint>,
    /// Indexes that belong to no constraint, by name.
    pub indexes: BTreeMap<String, Index>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// `serial` is resolved: `integer` with a default.
    pub data_type: DataType,
    pub not_null: bool,
    pub default: Option<Expr>,
    pub identity: bool,
    pub generated: Option<Expr>,
    /// Where it stood when created, counting from 0; not compared by [`Catalog::equals`].
    pub position: u32,
}

/// A table constraint. Names inside [`ConstraintKind`] are kept up to date through renames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    pub kind: ConstraintKind,
    pub valid: bool,
}

/// An index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    pub unique: bool,
    pub method: String,
    pub keys: Vec<IndexKey>,
    pub include: Vec<String>,
    pub predicate: Option<Expr>,
    pub nulls_not_distinct: bool,
}

impl Catalog {
    /// Fills in the default schema.
    pub fn resolve(&self, name: &Name) -> ObjectName {
        ObjectName {
            schema: name.schema.clone().unwrap_or_else(|| self.default_schema.clone()),
            name: name.name.clone(),
        }
    }
}
