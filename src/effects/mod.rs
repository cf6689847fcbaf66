//! What a statement does to data, said once: rules, consent, undo and the rehearsal read it here.
//!
//! An effect is what the statement may do to the database before it. What it creates is not an effect. The kinds of
//! statements are matched without a wildcard: a new kind does not compile until its effects are written down.
//!
//! | module | what it is |
//! |---|---|
//! | `statement`, `action` | each kind of statement, each action of `ALTER TABLE` |
//! | `rows` | rows deleted and values overwritten, with what foreign keys add |
//! | `conversion`, `retype`, `using` | what a change of type does to values |
//! | `cast` | how a change of type is written, and what it does |
//! | `guarantees` | constraints, unique indexes and foreign keys that go or lead elsewhere |
//! | `types` | what is dropped along with a type, a domain's rule or a composite type's attribute |
//! | `words` | statements that are known by their first words only |
//! | `unknown` | unknown objects |

mod action;
pub mod cast;
pub mod conversion;
mod guarantees;
mod reach;
pub mod retype;
mod rows;
mod statement;
mod types;
pub mod unknown;
mod using;
mod words;

use std::ops::Range;

pub use self::conversion::Conversion;
pub use self::unknown::Reference;

use crate::catalog::code::Call;
use crate::catalog::{Catalog, ObjectName};
use crate::sql::{ConstraintKind, DataType, Expr, Script, Statement};

/// A statement between the world before it and the world after the migration.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    pub statement: &'a Statement,
    /// The statement as written.
    pub text: &'a str,
    /// The world just before the statement.
    pub before: &'a Catalog,
    /// The world after the whole migration: what is replaced further down is not lost.
    pub end: &'a Catalog,
}

impl<'a> Scene<'a> {
    /// A statement of a script.
    pub fn new(script: &'a Script, statement: &'a Statement, before: &'a Catalog, end: &'a Catalog) -> Self {
        let text = script.text().get(statement.range.clone()).unwrap_or_default();
        Self { statement, text, before, end }
    }
}

/// One effect, and which bytes of the migration cause it: an action of `ALTER TABLE`, or the whole statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    pub range: Range<usize>,
    pub what: What,
}

/// Which rows a statement may reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// Any.
    All,
    /// Every one, by `TRUNCATE`.
    Emptied,
    /// Those of a condition, in a statement that names the table `alias`.
    Where { alias: Option<String>, condition: String },
    /// Those that refer to rows of `to` that another effect of the same statement deletes.
    Referring { to: ObjectName, columns: Vec<String>, referenced: Vec<String> },
    /// Those that refer to rows of `to` whose key another effect of the same statement changes.
    Following { to: ObjectName },
}

/// How many rows are added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rows {
    /// As many as the statement names.
    Listed,
    /// Any number: they come from a query or a file.
    Any,
}

/// A kind of object whose definition Prisma's schema does not hold, or that PostgreSQL drops along with another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Definition {
    View,
    MaterializedView,
    Function,
    Trigger,
    Rule,
    Policy,
    Sequence,
    Domain,
    Enum,
    Schema,
    Extension,
    Publication,
    Statistics,
    /// A kind that has no name of its own here.
    Other,
}

impl Definition {
    /// As PostgreSQL calls it.
    pub fn word(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::MaterializedView => "materialized view",
            Self::Function => "function",
            Self::Trigger => "trigger",
            Self::Rule => "rule",
            Self::Policy => "policy",
            Self::Sequence => "sequence",
            Self::Domain => "domain",
            Self::Enum => "type",
            Self::Schema => "schema",
            Self::Extension => "extension",
            Self::Publication => "publication",
            Self::Statistics => "statistics object",
            Self::Other => "object",
        }
    }
}

/// What an effect is. Names are those just before the statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A table is dropped with its rows.
    TableGone { table: ObjectName, cascade: bool },
    /// A column is dropped with its values; those of a generated one are computed from other columns.
    ColumnGone { table: ObjectName, column: String, generated: bool, cascade: bool },
    /// The values of a column are of a composite type, or made of it, that loses an attribute or a part of it.
    AttributeGone { table: ObjectName, column: String, of: ObjectName },
    /// Rows are deleted.
    RowsDeleted { table: ObjectName, which: Which },
    /// Values are overwritten; without columns, any column's.
    ValuesOverwritten { table: ObjectName, which: Which, columns: Vec<String> },
    /// A column's values are converted to another type.
    Converted { table: ObjectName, column: String, from: DataType, to: DataType, using: Option<Expr>, how: Conversion },
    /// Labels of an enum are not in the type that takes its place.
    LabelsGone { enumeration: ObjectName, labels: Vec<String>, table: ObjectName, column: String },
    /// A constraint, a unique index or a `NOT NULL` is dropped, and nothing in the migration takes its place.
    GuaranteeGone { table: ObjectName, name: String, guarantee: Guarantee },
    /// A foreign key is replaced by one to another table: the values stay and are read as other rows' keys.
    KeyLed { table: ObjectName, columns: Vec<String>, from: ObjectName, to: ObjectName },
    /// A column's default is changed or dropped.
    DefaultChanged { table: ObjectName, column: String },
    /// A column no longer counts by itself, or counts otherwise.
    IdentityChanged { table: ObjectName, column: String },
    /// A generated column becomes a plain one, or is computed otherwise.
    ExpressionChanged { table: ObjectName, column: String },
    /// Rows stay in their own table, but are no longer part of this one (`DETACH PARTITION`, `NO INHERIT`).
    RowsDetached { table: ObjectName, part: ObjectName },
    /// Rows are added. Nothing goes; but the table is not empty from then on.
    RowsAdded { table: ObjectName, rows: Rows },
    /// Another table's rows are part of the table from now on, and its own may go there (`ATTACH PARTITION`, `PARTITION OF`,
    /// `INHERIT`).
    PartJoined { table: ObjectName, part: ObjectName, partition: bool },
    /// A definition is dropped; `replaced` where the migration creates one of this name again.
    DefinitionGone { kind: Definition, name: ObjectName, cascade: bool, replaced: bool },
    /// A definition that may have been there is replaced (`OR REPLACE`) or altered.
    DefinitionReplaced { kind: Definition, name: ObjectName },
    /// A sequence's position or limits are set.
    SequenceSet { name: ObjectName },
    /// Rights, an owner, or row security are changed.
    AccessChanged { words: String },
    /// What it does depends on an unknown object.
    UnknownObject(Reference),
    /// Another server, or a file or program of the server's machine is reached: no transaction holds that.
    ReachesOutside { what: &'static str },
    /// Code runs that no review can follow.
    UnknownCode { words: String },
    /// A function runs that may do more than compute.
    UnknownCall(Call),
}

/// What a table loses of what kept its rows right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guarantee {
    /// Of any kind.
    Constraint(ConstraintKind),
    /// A unique index without a constraint, by its keys as written.
    UniqueIndex(Vec<String>),
    /// The column may be null from now on.
    NotNull(String),
}

impl What {
    /// The table that it is about, where it is about one.
    pub fn table(&self) -> Option<&ObjectName> {
        match self {
            Self::TableGone { table, .. }
            | Self::ColumnGone { table, .. }
            | Self::AttributeGone { table, .. }
            | Self::RowsDeleted { table, .. }
            | Self::ValuesOverwritten { table, .. }
            | Self::Converted { table, .. }
            | Self::LabelsGone { table, .. }
            | Self::GuaranteeGone { table, .. }
            | Self::KeyLed { table, .. }
            | Self::DefaultChanged { table, .. }
            | Self::IdentityChanged { table, .. }
            | Self::ExpressionChanged { table, .. }
            | Self::RowsDetached { table, .. }
            | Self::RowsAdded { table, .. }
            | Self::PartJoined { table, .. } => Some(table),
            Self::DefinitionGone { .. }
            | Self::DefinitionReplaced { .. }
            | Self::SequenceSet { .. }
            | Self::AccessChanged { .. }
            | Self::UnknownObject(_)
            | Self::ReachesOutside { .. }
            | Self::UnknownCode { .. }
            | Self::UnknownCall(_) => None,
        }
    }

    /// Whether code runs that no review can follow.
    pub fn is_code(&self) -> bool {
        matches!(self, Self::UnknownCode { .. } | Self::UnknownCall(_))
    }
}

/// What one statement does to data.
pub fn of(scene: &Scene<'_>) -> Vec<Effect> {
    statement::effects(scene)
}

/// What a script does: for each statement, in order. `before` is the world before the script.
pub fn of_script(before: &Catalog, script: &Script) -> Vec<Vec<Effect>> {
    let mut end = before.clone();
    end.apply(script, "");
    let mut effects = Vec::with_capacity(script.statements().len());
    before.clone().walk(script, "", |catalog, statement| {
        effects.push(of(&Scene::new(script, statement, catalog, &end)));
    });
    effects
}
