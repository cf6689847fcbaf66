//! What reading a database tells besides its definitions.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// No part of what a database is: two that differ in this alone are equal.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Beside {
    /// The columns' names, each table's in the order they stand in.
    pub columns: Vec<String>,
    /// Relations that are there and were not read: an extension's, Prisma's history, our own.
    pub unread: BTreeSet<String>,
    /// Columns that a table has from those that it inherits from, and not by itself.
    pub inherited: BTreeSet<String>,
    /// Functions of extensions that only compute or read, as the server says.
    pub harmless: BTreeSet<String>,
    /// Casts and operators with functions of the database's own, each as the statement that makes it, as far as it matters.
    pub operators: BTreeSet<String>,
    /// The schemas in which a session looks for bare names if no statement says where, in order: none where that was not asked.
    pub path: Option<Vec<String>>,
    /// The last number that each sequence has given out.
    pub positions: BTreeMap<String, i64>,
}

impl Beside {
    /// Whether nothing was read.
    pub(super) fn is_empty(&self) -> bool {
        let Self { columns, unread, inherited, harmless, operators, path, positions } = self;
        let lists = [unread, inherited, harmless, operators];
        columns.is_empty() && lists.iter().all(|list| list.is_empty()) && path.is_none() && positions.is_empty()
    }
}

impl PartialEq for Beside {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Beside {}
