//! Which statement wrote to which table, by the copy's own counters: whatever code it runs is counted too.

use std::ops::Range;

use crate::catalog::ObjectName;

/// What one statement of a migration did to the rows of a table that was there before the migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub migration: String,
    /// The bytes of the statement in the file.
    pub statement: Range<usize>,
    /// As it was called just before the statement.
    pub table: ObjectName,
    pub inserted: u64,
    pub updated: u64,
    pub deleted: u64,
    /// The table was emptied or written anew as a whole, which counts no rows.
    pub anew: bool,
    /// The table is dropped.
    pub gone: bool,
    /// It is a materialized view.
    pub derived: bool,
    /// What the table lacks after all migrations.
    pub lacks: Lacks,
}

/// What a table lacks, or has in addition, once everything has run. What was not compared may be lacking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacks {
    /// Rows that were there before.
    pub rows: bool,
    /// Columns that hold other values in rows that were there before; `None` where that is not known.
    pub values: Option<Vec<String>>,
    /// Rows that were not there before.
    pub came: bool,
}

impl Lacks {
    /// Of a table that was not compared.
    pub fn unknown() -> Self {
        Self { rows: true, values: None, came: true }
    }

    /// Whether values of rows that were there before may be others.
    pub fn values(&self) -> bool {
        self.values.as_ref().is_none_or(|columns| !columns.is_empty())
    }
}
