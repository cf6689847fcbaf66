//! Tables as written: columns, constraints, indexes, and the actions of `ALTER TABLE`.

use std::ops::Range;

use super::{DataType, Expr, Name};
use crate::sql::ObjectName;

/// A column of `CREATE TABLE` or `ADD COLUMN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnDef {
    /// The column's name.
    pub name: String,
    /// Its type.
    pub data_type: DataType,
    /// `NOT NULL` (or `PRIMARY KEY`) was written.
    pub not_null: bool,
    /// `DEFAULT expr`.
    pub default: Option<Expr>,
    /// `GENERATED … AS IDENTITY`.
    pub identity: bool,
    /// `GENERATED ALWAYS AS (expr)`.
    pub generated: Option<Expr>,
    /// The generated value is stored in each row; since PostgreSQL 18 it is computed when it is read, unless `STORED` is written.
    pub stored: bool,
    /// Constraints written with the column (`PRIMARY KEY`, `UNIQUE`, `REFERENCES`, `CHECK`), as table constraints on it.
    pub constraints: Vec<ConstraintDef>,
}

/// A table constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConstraintDef {
    /// The name, where written.
    pub name: Option<String>,
    /// What it demands.
    pub kind: ConstraintKind,
    /// `NOT VALID` was written.
    pub not_valid: bool,
}

/// What a constraint demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConstraintKind {
    /// `PRIMARY KEY (columns)`; with `USING INDEX`, the index's name and no columns.
    PrimaryKey { columns: Vec<String>, using_index: Option<String> },
    /// `UNIQUE (columns)`.
    Unique { columns: Vec<String>, using_index: Option<String> },
    /// `FOREIGN KEY (columns) REFERENCES table (referenced)`. Actions are canonical text (`CASCADE`, `SET NULL`, …).
    ForeignKey {
        columns: Vec<String>,
        table: Name,
        referenced: Vec<String>,
        on_delete: Option<String>,
        on_update: Option<String>,
    },
    /// `CHECK (expr)`.
    Check { expr: Expr },
    /// `EXCLUDE …`, as text.
    Exclude { text: String },
}

/// One action of `ALTER TABLE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// Its bytes in the script, without the comma before or after it.
    pub range: Range<usize>,
    /// What it does.
    pub kind: ActionKind,
}

/// What one action of `ALTER TABLE` does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionKind {
    AddColumn {
        column: ColumnDef,
        if_not_exists: bool,
    },
    DropColumn {
        name: String,
        if_exists: bool,
        cascade: bool,
    },
    SetType {
        column: String,
        data_type: DataType,
        using: Option<Expr>,
    },
    SetNotNull {
        column: String,
    },
    DropNotNull {
        column: String,
    },
    SetDefault {
        column: String,
        default: Expr,
    },
    DropDefault {
        column: String,
    },
    AddConstraint(ConstraintDef),
    DropConstraint {
        name: String,
        if_exists: bool,
        cascade: bool,
    },
    ValidateConstraint {
        name: String,
    },
    RenameColumn {
        from: String,
        to: String,
    },
    RenameTable {
        to: String,
    },
    RenameConstraint {
        from: String,
        to: String,
    },
    SetSchema {
        schema: String,
    },
    /// `ALTER COLUMN … ADD GENERATED … AS IDENTITY`.
    AddIdentity {
        column: String,
    },
    /// `ALTER COLUMN … DROP IDENTITY`.
    DropIdentity {
        column: String,
    },
    /// Anything else, by its first words in upper case (`ENABLE ROW LEVEL SECURITY`, `SET LOGGED`, `ATTACH PARTITION`).
    Other {
        words: String,
    },
}

/// A key of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexKey {
    /// A plain column's name, or none for an expression.
    pub column: Option<String>,
    /// The key as written, normalised (column or expression with operator class, collation and order).
    pub text: String,
}

impl ActionKind {
    /// The table's name behind this action, where it gives it another name or schema.
    pub fn moved(&self, table: &ObjectName) -> Option<ObjectName> {
        match self {
            Self::RenameTable { to } => Some(ObjectName { schema: table.schema.clone(), name: to.clone() }),
            Self::SetSchema { schema } => Some(ObjectName { schema: schema.clone(), name: table.name.clone() }),
            _ => None,
        }
    }

    /// Whether it gives its table another name or schema.
    pub fn moves(&self) -> bool {
        matches!(self, Self::RenameTable { .. } | Self::SetSchema { .. })
    }
}

/// `CREATE INDEX`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateIndex {
    pub name: Option<String>,
    pub table: Name,
    pub unique: bool,
    pub concurrently: bool,
    pub if_not_exists: bool,
    /// Lower case; `btree` when not written.
    pub method: String,
    pub keys: Vec<IndexKey>,
    /// `INCLUDE (columns)`.
    pub include: Vec<String>,
    /// `WHERE predicate`.
    pub predicate: Option<Expr>,
    /// `NULLS NOT DISTINCT`.
    pub nulls_not_distinct: bool,
}
