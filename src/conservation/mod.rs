//! What went: everything that was in a database and is not in it any more, measured between it and its copy.
//!
//! | module | what it is |
//! |---|---|
//! | `census`, `queries` | the objects of a database, with their rights, by object id |
//! | `objects` | two of them compared: what is gone, disabled, taken away, set back |
//! | `rows` | the same for rows, values, columns and tables, from what the comparison of values found |
//! | `references` | foreign keys that rows break which nothing has checked |
//! | `written` | which statement wrote to which table |

mod census;
mod objects;
mod queries;
mod references;
mod rows;
mod written;

use std::fmt;

use serde::Serialize;

use crate::values::TableFate;

pub use self::census::Census;
use self::objects::objects;
pub use self::references::{broken, skips_checks};
use self::rows::rows;
pub use self::written::{Lacks, Written};

/// What kind of thing went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Rows of a table that stays.
    Rows,
    /// Values of a column that stays: others stand in their place.
    Values,
    Column,
    Table,
    /// A value of an enum.
    Label,
    Schema,
    Extension,
    View,
    MaterializedView,
    Sequence,
    /// A type, an enum or a domain.
    Type,
    Constraint,
    Index,
    Function,
    Trigger,
    Rule,
    Policy,
    Publication,
    /// A table in a publication.
    Published,
    Statistics,
    EventTrigger,
    LargeObject,
    DefaultPrivileges,
    /// Rights that others than the owner have.
    Privileges,
    Owner,
    Comment,
    /// A column's default, identity or generating expression.
    Default,
    NotNull,
    RowSecurity,
    /// A function is there with another body.
    Definition,
    /// A trigger or rule that fires no more, a constraint or index that is not valid any more.
    State,
    /// A materialized view that is there without rows.
    Population,
    /// A sequence's position, which went backwards: numbers are given a second time.
    Position,
}

/// Something that was there before the migrations and is not there after them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Loss {
    pub kind: Kind,
    /// As an accepting line names it: `Song`, `Song.artist`, `Role.USER`, `privileges on v_song`.
    pub object: String,
    /// How many rows, values or rights; none where that is not known or makes no sense.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// What happened, as the end of a sentence that begins with the object.
    pub what: String,
    /// The migration that did it, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub migration: Option<String>,
    /// The line of the statement that did it, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Why it may go; none where it was not accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub covered_by: Option<String>,
    /// Its own name, as a statement that names it would.
    #[serde(skip)]
    pub name: String,
    /// The table or type that it belongs to, and what that is a part of: their names before.
    #[serde(skip)]
    pub parents: Vec<String>,
    /// No key tells the table's rows apart: those that go and those that come are compared by their values alone.
    #[serde(skip)]
    pub keyless: bool,
    /// Rows came into other parts of the same table: they may be the same ones with other values.
    #[serde(skip)]
    pub parted: bool,
}

/// What went between two censuses, and of the rows by what became of the `tables`.
pub fn losses(tables: &[TableFate], (before, after): (&Census, &Census), schema: &str) -> Vec<Loss> {
    let mut losses = rows(tables, before, schema);
    losses.extend(objects(before, after, schema));
    losses
}

impl Loss {
    pub(crate) fn new(kind: Kind, object: impl Into<String>, name: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            kind,
            object: object.into(),
            count: None,
            what: what.into(),
            migration: None,
            line: None,
            covered_by: None,
            name: name.into(),
            parents: Vec::new(),
            keyless: false,
            parted: false,
        }
    }
}

impl Loss {
    /// What stands before the object in a line that accepts this kind of loss of it, and no other: its rows may go, and the table
    /// stay. Nothing where the object says so itself, or can be lost in one way only.
    pub fn kind_words(&self) -> &'static str {
        match self.kind {
            Kind::Rows => "rows of ",
            Kind::Values => "values of ",
            Kind::Column => "column ",
            Kind::Table => "table ",
            _ => "",
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.migration, self.line) {
            (Some(migration), Some(line)) => write!(f, "{migration}, line {line}: ")?,
            (Some(migration), None) => write!(f, "{migration}: ")?,
            (None, _) => {}
        }
        write!(f, "{} {}", self.object, self.what)
    }
}
