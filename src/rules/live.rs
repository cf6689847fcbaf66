//! Questions to the target. Rules ask through this trait, so they are tested without a database.

use serde::Serialize;

use crate::catalog::ObjectName;
use crate::database::dependents::Dependent;
use crate::database::victims::Dropped;
use crate::effects::retype::Loss;
use crate::sql::Expr;

/// Something that was not checked, and why. It is said in every report: unknown is never printed as safe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unchecked {
    /// What.
    pub what: String,
    /// Why not.
    pub why: String,
}

/// How many values a change of type would refuse or alter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// In so many rows.
    Rows(u64),
    /// In one row at least: the database refused the cast.
    Some,
}

/// Which rows of a table a question is about. Names are the target's.
#[derive(Debug, Clone, Copy)]
pub enum Which<'a> {
    /// The column is not null.
    Set { column: &'a str },
    /// The column is null.
    Null { column: &'a str },
    /// They agree with another row in `keys` (columns, or expressions in SQL), among the rows of `predicate`. Null is
    /// equal to nothing, unless `nulls_equal`.
    Duplicated { keys: &'a [Key], predicate: Option<&'a Expr>, nulls_equal: bool },
    /// `columns` are all set and have no partner in `parent`'s `referenced` columns.
    Orphaned { columns: &'a [String], parent: &'a ObjectName, referenced: &'a [String] },
    /// The check is false for them.
    Breaking { check: &'a Expr },
    /// The column, as text, is one of `values` (arrays: contains one).
    Holding { column: &'a str, values: &'a [String], array: bool },
    /// A change of type would refuse or alter the column's value.
    Unfit { column: &'a str, loss: &'a Loss },
}

/// What a unique index compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// A column, by name.
    Column(String),
    /// An expression, in SQL.
    Expression(String),
}

/// Questions to the target, read-only and bounded in time. `None` is "not known": the table does not exist there, or the
/// answer did not come in time; the latter is listed in [`Live::unchecked`].
pub trait Live: std::fmt::Debug {
    /// `server_version_num`.
    fn server_version(&self) -> u32;
    /// Rows of a table: exact below some thousand, else estimated.
    fn rows(&self, table: &ObjectName) -> Option<u64>;
    /// Bytes of a table, without its indexes and its values out of line.
    fn bytes(&self, table: &ObjectName) -> Option<u64>;
    /// How many rows; of [`Which::Duplicated`], how many groups of them.
    fn count(&self, table: &ObjectName, which: &Which<'_>) -> Option<u64>;
    /// The primary keys of a few of these rows, as `id 4, 7, 9, …`; none where the table has no key, or none are to be
    /// shown. No other column is ever told.
    fn keys(&self, table: &ObjectName, which: &Which<'_>) -> Option<String>;
    /// Rows whose value a change of type would refuse or alter.
    fn lost(&self, table: &ObjectName, column: &str, loss: &Loss) -> Option<Lost>;
    /// Whether an index of this name exists and is invalid, as a failed `CONCURRENTLY` leaves it.
    fn invalid_index(&self, _index: &ObjectName) -> Option<bool> {
        None
    }
    /// Whether the table is partitioned.
    fn partitioned(&self, _table: &ObjectName) -> Option<bool> {
        None
    }
    /// The partition that takes the rows that belong to no other.
    fn default_partition(&self, _table: &ObjectName) -> Option<ObjectName> {
        None
    }
    /// Whether the session's time zone is UTC, as it is for a migration of the same user.
    fn utc(&self) -> Option<bool> {
        None
    }
    /// What mentions the table, or its column.
    fn dependents(&self, _table: &ObjectName, _column: Option<&str>) -> Option<Vec<Dependent>> {
        None
    }
    /// What CASCADE takes along, by kind and name, `view public.v`; none of these is dropped by name.
    fn victims(&self, _dropped: &Dropped) -> Option<Vec<String>> {
        None
    }
    /// The publications that send updates or deletes of the table, where its primary key tells its rows apart on replicas (replica
    /// identity `DEFAULT`).
    fn published_by_key(&self, _table: &ObjectName) -> Option<Vec<String>> {
        None
    }
    /// Whether a file answers, and not the target: nothing is measured then.
    fn recorded(&self) -> bool {
        false
    }
    /// Questions that found no answer so far.
    fn unchecked(&self) -> Vec<Unchecked>;
}
