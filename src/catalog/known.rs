//! What is known of an object: there, absent, or unknown. Migration files alone prove nothing about a database: tables are made
//! by hand, by other tools, by functions, and `IF NOT EXISTS` is a question.

use std::collections::{BTreeMap, BTreeSet};

use super::code::Code;
use super::{Catalog, Column, Constraint, ObjectName, Table};
use crate::sql::SearchPath;

/// What is known of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known<T> {
    /// It is there, with this definition.
    There(T),
    /// It was looked for, and is not there.
    Absent,
    /// Nobody could be asked.
    Unknown,
}

impl<T> Known<T> {
    /// The definition, if it is there.
    pub fn there(self) -> Option<T> {
        match self {
            Self::There(definition) => Some(definition),
            Self::Absent | Self::Unknown => None,
        }
    }

    /// Whether it is known not to be there.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Whether it is unknown, because no database could be asked.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }
}

/// Where a catalog comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Coverage {
    /// From migration files: what they do not make may be there all the same.
    #[default]
    Files,
    /// From the target itself: what it does not have is absent.
    Target,
}

/// How far a table's definition is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Certainty {
    /// All of it.
    #[default]
    Whole,
    /// Further columns and constraints come from elsewhere (`LIKE`, `AS SELECT`, `INHERITS`, `PARTITION OF`).
    Partial,
    /// `CREATE TABLE IF NOT EXISTS` of a table that may have been there: the definition, and the rows, may be others.
    Doubtful,
}

/// What a catalog has seen besides what it holds. No part of what a catalog is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sight {
    pub(super) coverage: Coverage,
    /// Names whose objects were dropped or renamed: they are known to be free.
    pub(super) gone: BTreeSet<ObjectName>,
    /// What tables that were renamed or moved are called now.
    pub(super) renamed: BTreeMap<ObjectName, ObjectName>,
    /// Where bare names are looked for, by the script that is replayed just now; without a schema, in the default one.
    pub(super) path: SearchPath,
    /// What that is again at the end of the script's own transaction, in which it may be set for that alone.
    pub(super) path_behind: Option<SearchPath>,
    /// What that is once a script resets it, where the target was asked.
    pub(super) own_path: Option<Vec<String>>,
    /// Temporary tables of the script that is replayed just now.
    pub(super) temporary: BTreeSet<String>,
    /// Relations of the target that were not read.
    pub(super) unread: BTreeSet<ObjectName>,
    /// What was added to unknown tables.
    pub(super) sketches: BTreeMap<ObjectName, Table>,
    /// Functions, triggers and rules.
    pub(super) code: Code,
    /// Whether a table has ever inherited from another: looked at for every action of every statement.
    pub(super) inherits: bool,
}

impl PartialEq for Sight {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Sight {}

impl Catalog {
    /// Whether what is not here is absent: the target was asked, and no code has run since that could not be followed.
    pub fn is_complete(&self) -> bool {
        self.sight.coverage == Coverage::Target
    }

    /// What a table that was called so is called now, where it was renamed or moved.
    pub fn renamed(&self, table: &ObjectName) -> Option<ObjectName> {
        self.sight.renamed.get(table).cloned()
    }

    /// A table.
    pub fn table(&self, name: &ObjectName) -> Known<&Table> {
        self.known(self.tables.get(name), name)
    }

    /// Whether a temporary table of the running script has this name. No statement about it reaches what is kept.
    pub fn is_temporary(&self, name: &ObjectName) -> bool {
        self.sight.temporary.contains(&name.name)
    }

    /// A column. One of a view, or of a table that is known in part, is unknown.
    pub fn column(&self, table: &ObjectName, column: &str) -> Known<&Column> {
        match self.table(table) {
            Known::There(Table { certainty: Certainty::Doubtful, .. }) => Known::Unknown,
            Known::There(known) => match known.columns.get(column) {
                Some(column) => Known::There(column),
                None if known.certainty == Certainty::Partial => Known::Unknown,
                None => Known::Absent,
            },
            Known::Absent if self.views.contains(table) => Known::Unknown,
            Known::Absent => Known::Absent,
            Known::Unknown => self
                .sight
                .sketches
                .get(table)
                .and_then(|sketch| sketch.columns.get(column))
                .map_or(Known::Unknown, Known::There),
        }
    }

    /// A constraint of a table.
    pub fn constraint(&self, table: &ObjectName, name: &str) -> Known<&Constraint> {
        match self.table(table) {
            Known::There(known) => match known.constraints.get(name) {
                Some(constraint) => Known::There(constraint),
                None if known.certainty == Certainty::Whole => Known::Absent,
                None => Known::Unknown,
            },
            Known::Absent => Known::Absent,
            Known::Unknown => self
                .sight
                .sketches
                .get(table)
                .and_then(|sketch| sketch.constraints.get(name))
                .map_or(Known::Unknown, Known::There),
        }
    }

    /// What is known of a table: all of it, or what these migrations have added to an unknown one.
    pub fn parts(&self, name: &ObjectName) -> Option<&Table> {
        self.tables.get(name).or_else(|| self.sight.sketches.get(name))
    }

    /// The labels of an enum.
    pub fn enumeration(&self, name: &ObjectName) -> Known<&[String]> {
        self.known(self.enums.get(name).map(Vec::as_slice), name)
    }

    /// Whether a view is there.
    pub fn view(&self, name: &ObjectName) -> Known<()> {
        self.known(self.views.contains(name).then_some(()), name)
    }

    /// The table of an index.
    pub fn index_owner(&self, index: &ObjectName) -> Known<&ObjectName> {
        self.known(self.table_of_index(index), index)
    }

    fn known<T>(&self, found: Option<T>, name: &ObjectName) -> Known<T> {
        match found {
            Some(found) => Known::There(found),
            None if self.is_temporary(name) || self.sight.gone.contains(name) => Known::Absent,
            None if self.sight.unread.contains(name) => Known::Unknown,
            None if self.is_complete() => Known::Absent,
            None => Known::Unknown,
        }
    }
}
