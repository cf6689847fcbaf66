//! Questions to the target. Rules ask through this trait, so they are tested without a database.

use serde::Serialize;

use super::retype::Loss;
use crate::catalog::ObjectName;
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

/// Questions to the target, read-only and bounded in time. `None` is "not known": the table does not exist there, or the
/// answer did not come in time; the latter is listed in [`Live::unchecked`].
pub trait Live: std::fmt::Debug {
    /// `server_version_num`.
    fn server_version(&self) -> u32;
    /// Rows of a table: exact below some thousand, else estimated.
    fn rows(&self, table: &ObjectName) -> Option<u64>;
    /// Rows whose column is not null.
    fn non_null(&self, table: &ObjectName, column: &str) -> Option<u64>;
    /// Rows whose column is null.
    fn nulls(&self, table: &ObjectName, column: &str) -> Option<u64>;
    /// Groups of rows that agree in `columns`, among the rows of `predicate`. Null is equal to nothing, unless
    /// `nulls_equal`.
    fn duplicates(
        &self,
        table: &ObjectName,
        columns: &[String],
        predicate: Option<&Expr>,
        nulls_equal: bool,
    ) -> Option<u64>;
    /// Rows whose `columns` are all set and have no partner in `parent`'s `referenced` columns.
    fn orphans(
        &self,
        table: &ObjectName,
        columns: &[String],
        parent: &ObjectName,
        referenced: &[String],
    ) -> Option<u64>;
    /// Rows whose column, as text, is one of `values` (arrays: contains one).
    fn holding(&self, table: &ObjectName, column: &str, values: &[String], array: bool) -> Option<u64>;
    /// Rows whose value a change of type would refuse or alter.
    fn lost(&self, table: &ObjectName, column: &str, loss: &Loss) -> Option<Lost>;
    /// Bytes of a table without its indexes.
    fn bytes(&self, _table: &ObjectName) -> Option<u64> {
        None
    }
    /// Whether an index of this name exists and is invalid, as a failed `CONCURRENTLY` leaves it.
    fn invalid_index(&self, _index: &ObjectName) -> Option<bool> {
        None
    }
    /// Whether the table is partitioned.
    fn partitioned(&self, _table: &ObjectName) -> Option<bool> {
        None
    }
    /// Whether the session's time zone is UTC, as it is for a migration of the same user.
    fn utc(&self) -> Option<bool> {
        None
    }
    /// Questions that found no answer so far.
    fn unchecked(&self) -> Vec<Unchecked>;
}
