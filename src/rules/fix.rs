//! Ways out that a machine can apply: edits of the migration, and what moves into migrations after it.

use serde::Serialize;

use crate::sql::{Edit, Name};

/// A machine-applicable way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What it does, in a line.
    pub title: String,
    /// The edits of the migration itself.
    pub edits: Vec<Edit>,
    /// What runs in migrations of their own after it, in this order.
    pub following: Vec<Following>,
    /// An index that schema.prisma must declare as well, or Prisma would drop it again.
    pub index: Option<ModelIndex>,
}

/// SQL that moves into a following migration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Following {
    /// When it runs.
    pub stage: Stage,
    /// What it is about: `Song_title_idx`.
    pub object: String,
    /// The statements.
    pub sql: String,
}

/// The order of the migrations after the one that is fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    /// One statement that runs outside a transaction: each is a migration of its own.
    Alone,
    /// A constraint takes over an index that stands now; each is a migration of its own.
    Constraint,
    /// Constraints are proved on the rows that exist: one migration.
    Validate,
    /// Columns become required without a scan: one migration.
    Require,
}

impl Stage {
    /// Whether everything of this stage may share a migration.
    pub fn shared(self) -> bool {
        matches!(self, Self::Validate | Self::Require)
    }
}

/// `@@index` of a model, by the names of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelIndex {
    /// The table.
    pub table: Name,
    /// Its columns.
    pub columns: Vec<String>,
}
