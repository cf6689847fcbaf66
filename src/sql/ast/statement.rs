//! Statements as written.

use std::ops::Range;

use super::{Action, ColumnDef, ConstraintDef, CreateIndex, DataType, Name};

/// What a statement does, as far as its text says.
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
        /// Columns also come from elsewhere: `AS query`, `LIKE`, `PARTITION OF`, `OF type`.
        as_query: bool,
        /// Rows come along: `AS query`, unless it says `WITH NO DATA`.
        with_data: bool,
        /// `RANGE (day)`, of `PARTITION BY`.
        partition_by: Option<String>,
        /// The tables of `INHERITS`.
        inherits: Vec<Name>,
        /// The table of `PARTITION OF`, and which of its rows: `FOR VALUES …`, `DEFAULT`.
        partition_of: Option<(Name, String)>,
    },
    AlterTable {
        table: Name,
        if_exists: bool,
        /// `ONLY`: not the tables that inherit from it.
        only: bool,
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
    CreateDomain {
        name: Name,
        /// What a value of it is and must obey, as if the domain were a column.
        definition: Box<ColumnDef>,
    },
    /// `CREATE TYPE … AS (…)`.
    CreateComposite {
        name: Name,
        attributes: Vec<(String, DataType)>,
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
        if_not_exists: bool,
        owned_by: Option<SequenceOwner>,
    },
    /// `ALTER SEQUENCE`: rename, schema, owner column, or other options.
    AlterSequence {
        name: Name,
        rename_to: Option<String>,
        set_schema: Option<String>,
        owned_by: Option<SequenceOwner>,
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
    /// `ALTER [MATERIALIZED] VIEW … RENAME TO`.
    RenameView {
        name: Name,
        to: String,
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
        /// The value's items with quotes removed (`search_path` may have several); empty for `DEFAULT`.
        values: Vec<String>,
    },
    Comment,
    /// Anything else, by its first words in upper case (`VACUUM`, `GRANT`, `ALTER SYSTEM`).
    Other {
        words: String,
    },
}

/// Who a sequence goes away with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SequenceOwner {
    /// `OWNED BY NONE`.
    Nobody,
    /// `OWNED BY table.column`.
    Column(Name, String),
}

/// A statement and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// From its first keyword through its semicolon (if it has one). Comments before it are outside.
    pub range: Range<usize>,
    /// What it does.
    pub kind: StatementKind,
    /// The functions that it calls while it runs, in lower case, each once; those that PostgreSQL brings are among them.
    pub calls: Vec<String>,
}

/// Why a script could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// Where.
    pub range: Range<usize>,
    /// The parser's sentence.
    pub message: String,
}
