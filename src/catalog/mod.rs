//! What a database consists of, as far as Prisma's migrations define it: replayed from the migrations folder, compared with
//! names, and without column order. [`live`] reads the definitions of a server.

use std::collections::{BTreeMap, BTreeSet};

mod canonical;
pub mod code;
mod differences;
mod expressions;
mod known;
pub mod live;
mod owners;
mod replay;
mod tables;
mod user_type;
mod world;

pub(crate) use expressions::nextval;
pub use known::{Certainty, Coverage, Known};

pub use self::tables::Tables;
pub use self::user_type::{Domain, UserType};
pub use crate::sql::ObjectName;
use crate::sql::{ConstraintKind, DataType, Expr, IndexKey, Name, SearchPath};

/// Everything the replayed statements have built.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Catalog {
    /// The schema that unqualified names mean (`?schema=`, `public` by default).
    pub default_schema: String,
    pub schemas: BTreeSet<String>,
    pub tables: Tables,
    /// Values in order.
    pub enums: BTreeMap<ObjectName, Vec<String>>,
    /// Domains and composite types.
    pub types: BTreeMap<ObjectName, UserType>,
    /// Sequences with the column that owns them.
    pub sequences: BTreeMap<ObjectName, Option<(ObjectName, String)>>,
    /// Views and materialized views, by name only.
    pub views: BTreeSet<ObjectName>,
    /// Statements the replay could not follow (`DO` blocks, functions, dynamic SQL): what they did is unknown.
    pub opaque: Vec<Opaque>,
    /// Where names of indexes and constraints were seen.
    pub(crate) owners: owners::Owners,
    /// Where it comes from, and which names are free.
    pub(crate) sight: known::Sight,
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
    /// How far the definition is known.
    pub certainty: Certainty,
    pub partition: Partition,
    pub inheritance: Inheritance,
}

/// What a table has from the tables of `INHERITS`: its rows are read and written through those too, and what happens to their columns
/// happens to its own. Not compared by [`Catalog::differences`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inheritance {
    /// The tables that it inherits from, in their order.
    pub from: Vec<ObjectName>,
    /// Columns that it has from them alone, so that it loses them with theirs.
    pub columns: BTreeSet<String>,
}

/// What a table has to do with partitions; not compared by [`Catalog::differences`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Partition {
    /// `RANGE (day)`: the table has no rows but those of its partitions.
    pub key: Option<String>,
    /// The table that it is a partition of, and which of its rows it has: `FOR VALUES …`, `DEFAULT`.
    pub of: Option<(ObjectName, String)>,
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
    /// Where it stood when created, counting from 0; not compared by [`Catalog::differences`].
    pub position: u32,
}

/// A table constraint. Names inside [`ConstraintKind`] are kept up to date through renames. What Prisma's differ does not see
/// either is not kept: deferrability, `MATCH`, `INCLUDE` and `NULLS NOT DISTINCT` of a constraint, a column's collation.
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
    /// An empty database with its default schema.
    pub fn new(default_schema: &str) -> Self {
        Self {
            default_schema: default_schema.to_owned(),
            schemas: BTreeSet::from([default_schema.to_owned()]),
            ..Self::default()
        }
    }

    /// What a name means in a statement: a bare one is looked for along the `search_path` in force, and is the first schema's if none
    /// has it.
    pub fn resolve(&self, name: &Name) -> ObjectName {
        let bare = |schema: &String| ObjectName { schema: schema.clone(), name: name.name.clone() };
        if let Some(schema) = &name.schema {
            return bare(schema);
        }
        self.sight.path.schemas().iter().map(bare).find(|own| self.holds(own)).unwrap_or_else(|| self.made(name))
    }

    /// Where something new of this name is made: in the first schema of the `search_path` in force.
    pub fn made(&self, name: &Name) -> ObjectName {
        let first = || self.sight.path.schemas().first().unwrap_or(&self.default_schema);
        ObjectName { schema: name.schema.as_ref().unwrap_or_else(first).clone(), name: name.name.clone() }
    }

    /// The `search_path` in force just now.
    pub(crate) fn search_path(&self) -> &SearchPath {
        &self.sight.path
    }

    /// Whether something has this name.
    fn holds(&self, name: &ObjectName) -> bool {
        self.tables.contains_key(name)
            || self.views.contains(name)
            || self.sequences.contains_key(name)
            || self.enums.contains_key(name)
            || self.types.contains_key(name)
            || self.table_of_index(name).is_some()
    }

    /// The name as the catalog itself holds it, where the default schema goes without saying.
    pub fn short(&self, object: &ObjectName) -> Name {
        let schema = (object.schema != self.default_schema).then(|| object.schema.clone());
        Name { schema, name: object.name.clone() }
    }

    /// The type that a column's type names, whether it is an enum or not known here; arrays name their elements' type.
    pub fn type_name(&self, data_type: &DataType) -> ObjectName {
        let schema = data_type.schema.as_ref().unwrap_or(&self.default_schema);
        ObjectName { schema: schema.clone(), name: data_type.name.clone() }
    }

    /// What a check demands of a row, one by one, in a spelling that can be compared.
    pub(crate) fn demands(&self, check: &Expr) -> BTreeSet<String> {
        canonical::demands(&check.text, &self.default_schema)
    }

    /// The partitions of a table, with theirs.
    pub fn partitions(&self, whole: &ObjectName) -> Vec<ObjectName> {
        let own = |(_, table): &(&ObjectName, &Table)| table.partition.of.as_ref().is_some_and(|(of, _)| of == whole);
        let own: Vec<&ObjectName> = self.tables.iter().filter(own).map(|(name, _)| name).collect();
        own.into_iter().flat_map(|name| std::iter::once(name.clone()).chain(self.partitions(name))).collect()
    }

    /// The tables that inherit from a table, with those that inherit from them, each once. Partitions are none.
    pub fn heirs(&self, table: &ObjectName) -> Vec<ObjectName> {
        let mut found: Vec<ObjectName> = Vec::new();
        if !self.sight.inherits {
            return found;
        }
        let mut waiting = vec![table.clone()];
        while let Some(parent) = waiting.pop() {
            let own = self.tables.iter().filter(|(_, own)| own.inheritance.from.contains(&parent));
            let new: Vec<ObjectName> = own.map(|(name, _)| name.clone()).filter(|name| !found.contains(name)).collect();
            waiting.extend(new.iter().cloned());
            found.extend(new);
        }
        found
    }

    /// The values of a column's enum type, if it is one.
    pub fn enum_values(&self, data_type: &DataType) -> Option<&[String]> {
        self.enums.get(&self.type_name(data_type)).map(Vec::as_slice)
    }
}

impl ConstraintKind {
    /// Whether an index of the same name stands behind it.
    pub fn has_index(&self) -> bool {
        matches!(self, Self::PrimaryKey { .. } | Self::Unique { .. } | Self::Exclude { .. })
    }

    /// The columns it is on; for checks and exclusions, those are in their text.
    pub fn columns(&self) -> &[String] {
        match self {
            Self::PrimaryKey { columns, .. } | Self::Unique { columns, .. } | Self::ForeignKey { columns, .. } => {
                columns
            }
            Self::Check { .. } | Self::Exclude { .. } => &[],
        }
    }

    /// Whether it involves a column of its own table.
    pub fn involves(&self, column: &str) -> bool {
        match self {
            Self::Check { expr } => expr.mentions(column),
            Self::Exclude { text } => expressions::mentions(text, column),
            other => other.columns().iter().any(|own| own == column),
        }
    }
}

impl Index {
    /// Whether it involves a column, by a key, `INCLUDE` or its predicate.
    pub fn involves(&self, column: &str) -> bool {
        let key = |key: &IndexKey| match &key.column {
            Some(name) => name == column,
            None => expressions::mentions(&key.text, column),
        };
        self.keys.iter().any(key)
            || self.include.iter().any(|included| included == column)
            || self.predicate.as_ref().is_some_and(|predicate| predicate.mentions(column))
    }
}
