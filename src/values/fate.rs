//! What a rehearsal can find about tables and columns.

use std::collections::BTreeSet;

use serde::Serialize;

/// What became of a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "fate", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Fate {
    /// Every row that stayed holds its value.
    Preserved,
    /// The same under another name.
    Renamed { to: String },
    /// Another type, and each value is what the server's own cast makes of it and leads back.
    Converted { to: String, from_type: String, to_type: String },
    /// Gone, and its values are in another column.
    Moved { to: String },
    /// In this many rows another value, and in this many of them in place of one; none where that cannot be counted.
    Changed { rows: Option<u64>, overwritten: Option<u64> },
    /// Gone with this many values.
    Lost { values: u64 },
    /// It was not there before.
    New,
}

/// A column and its fate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnFate {
    /// Its name before; of a new one, its name now.
    pub column: String,
    #[serde(flatten)]
    pub fate: Fate,
}

/// A table that the migrations touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TableFate {
    /// Its name before; of a new one, its name now.
    pub table: String,
    /// Its name now, if that is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renamed_to: Option<String>,
    /// None of a new table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_before: Option<u64>,
    /// None of a table that is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_after: Option<u64>,
    /// Rows that went, where they can be counted by a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted: Option<u64>,
    /// Rows that came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inserted: Option<u64>,
    /// Of a part of a partitioned table: rows of those that went which are in another part now; none where none came there.
    #[serde(skip)]
    pub within: Option<u64>,
    /// Its columns, in their order.
    pub columns: Vec<ColumnFate>,
}

/// Which tables are worth a look. One that was not locked for writing is as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Touched {
    /// It is not known: all of them.
    All,
    /// Those with these object ids.
    These(BTreeSet<u32>),
}

impl Touched {
    pub(crate) fn includes(&self, id: u32) -> bool {
        match self {
            Self::All => true,
            Self::These(ids) => ids.contains(&id),
        }
    }

    pub(crate) fn add(&mut self, more: BTreeSet<u32>) {
        if let Self::These(ids) = self {
            ids.extend(more);
        }
    }
}
