//! The migrations of a plan.

use serde::{Deserialize, Serialize};

use super::written;

/// The migrations that are written so far, by their directories' names.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Steps {
    #[serde(deserialize_with = "written::migration")]
    pub expand: String,
    /// Indexes of the new column, each alone since it is built while everyone writes.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "written::migrations")]
    pub indexes: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "written::some_migration")]
    pub backfill: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "written::some_migration")]
    pub contract: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "written::some_migration")]
    pub abort: Option<String>,
}

impl Steps {
    /// Every migration that is written so far.
    pub fn all(&self) -> impl Iterator<Item = &String> {
        let first = std::iter::once(&self.expand).chain(&self.indexes);
        first.chain(&self.backfill).chain(&self.contract).chain(&self.abort)
    }
}

/// The last migration, until it is written into the migrations folder.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Contract {
    #[serde(deserialize_with = "written::script")]
    pub sql: String,
}
