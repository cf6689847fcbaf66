//! What prisma-safe understands of PostgreSQL's DDL: plain values with byte ranges, lowered from the lossless tree.
//!
//! Everything outside `sql/` reads these types and never names the parser. What is not understood is
//! [`StatementKind::Other`] and stays visible as such: it is never taken for harmless.

use std::fmt;
use std::ops::Range;

/// A possibly qualified name, with quotes removed and unquoted parts folded to lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    /// The schema, where written.
    pub schema: Option<String>,
    /// The name itself.
    pub name: String,
}

impl Name {
    /// A name without a schema.
    pub fn bare(name: impl Into<String>) -> Self {
        Self { schema: None, name: name.into() }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}.")?;
        }
        f.write_str(&self.name)
    }
}

/// A type as `format_type` would print it: aliases resolved (`int4` and `INTEGER` are `integer`, `VARCHAR(9)` is
/// `character varying` with modifier 9, `TIMESTAMP(3)` is `timestamp without time zone` with modifier 3).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DataType {
    /// The schema, where written.
    pub schema: Option<String>,
    /// Canonical name; `serial`, `bigserial` and `smallserial` stay as written.
    pub name: String,
    /// Length, precision, scale.
    pub modifiers: Vec<i64>,
    /// Whether it is an array (PostgreSQL ignores the number of dimensions).
    pub array: bool,
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}.")?;
        }
        // `timestamp(3) without time zone`: the modifier stands after the first word
        let (head, tail) = match self.name.as_str() {
            name @ ("timestamp without time zone"
            | "timestamp with time zone"
            | "time without time zone"
            | "time with time zone") => name.split_once(' ').map_or((name, ""), |(head, tail)| (head, tail)),
            name => (name, ""),
        };
        f.write_str(head)?;
        if !self.modifiers.is_empty() {
            let modifiers: Vec<String> = self.modifiers.iter().map(ToString::to_string).collect();
            write!(f, "({})", modifiers.join(","))?;
        }
        if !tail.is_empty() {
            write!(f, " {tail}")?;
        }
        if self.array {
            f.write_str("[]")?;
        }
        Ok(())
    }
}

/// An expression, kept as text with white space collapsed outside quotes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Expr {
    /// Normalised text.
    pub text: String,
}

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
    /// `GENERATED ALWAYS AS (expr) STORED`.
    pub generated: Option<Expr>,
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

/// What kind of object a `DROP` names, where it is none of those with a statement kind of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatementKind {
    CreateSchema {
        name: String,
        if_not_exists: bool,
    },
    DropSchema {
        names: Vec<String>,
        cascade: bool,
    },
    CreateTable {
        table: Name,
        if_not_exists: bool,
        temporary: bool,
        columns: Vec<ColumnDef>,
        constraints: Vec<ConstraintDef>,
        as_query: bool,
    },
    AlterTable {
        table: Name,
        if_exists: bool,
        actions: Vec<Action>,
    },
    DropTable {
        tables: Vec<Name>,
        if_exists: bool,
        cascade: bool,
    },
    CreateIndex(CreateIndex),
    DropIndex {
        indexes: Vec<Name>,
        if_exists: bool,
        concurrently: bool,
        cascade: bool,
    },
    /// `ALTER INDEX … RENAME TO`; other forms are `Other`.
    RenameIndex {
        index: Name,
        to: String,
    },
    CreateEnum {
        name: Name,
        values: Vec<String>,
    },
    AddEnumValue {
        name: Name,
        value: String,
        before: Option<String>,
        after: Option<String>,
        if_not_exists: bool,
    },
    RenameEnumValue {
        name: Name,
        from: String,
        to: String,
    },
    /// `ALTER TYPE … RENAME TO`.
    RenameType {
        name: Name,
        to: String,
    },
    /// `ALTER TYPE … SET SCHEMA`.
    SetTypeSchema {
        name: Name,
        schema: String,
    },
    DropType {
        names: Vec<Name>,
        if_exists: bool,
        cascade: bool,
    },
    CreateSequence {
        name: Name,
        owned_by: Option<(Name, String)>,
    },
    /// `ALTER SEQUENCE`: rename, owner column, or other options.
    AlterSequence {
        name: Name,
        rename_to: Option<String>,
        owned_by: Option<(Name, String)>,
    },
    DropSequence {
        names: Vec<Name>,
        cascade: bool,
    },
    CreateView {
        name: Name,
        materialized: bool,
        or_replace: bool,
    },
    DropView {
        names: Vec<Name>,
        materialized: bool,
        cascade: bool,
    },
    CreateExtension {
        name: String,
    },
    DropExtension {
        names: Vec<String>,
        cascade: bool,
    },
    CreateFunction {
        name: Name,
    },
    CreateTrigger {
        name: String,
        table: Name,
    },
    /// `DO $$ … $$`: opaque code.
    Do {
        body: String,
    },
    Insert {
        table: Name,
    },
    Update {
        table: Name,
        has_where: bool,
        columns: Vec<String>,
    },
    Delete {
        table: Name,
        has_where: bool,
    },
    Truncate {
        tables: Vec<Name>,
        cascade: bool,
    },
    Select,
    Begin,
    Commit,
    Rollback,
    /// `SET name …`; lower-case name; `local` for `SET LOCAL`.
    Set {
        name: String,
        local: bool,
    },
    Comment,
    /// Anything else, by its first words in upper case (`VACUUM`, `GRANT`, `ALTER SYSTEM`).
    Other {
        words: String,
    },
}

/// A statement and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// From its first keyword through its semicolon (if it has one). Comments before it are outside.
    pub range: Range<usize>,
    /// What it does.
    pub kind: StatementKind,
}

/// Why a script could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// Where.
    pub range: Range<usize>,
    /// The parser's sentence.
    pub message: String,
}
