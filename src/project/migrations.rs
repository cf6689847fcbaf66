//! The migrations folder: every directory in it is a migration, sorted by name.

use std::path::PathBuf;

/// One migration as it stands on disk, or as Prisma sent it to its engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// The directory's name.
    pub name: String,
    /// Its `migration.sql`.
    pub path: PathBuf,
    /// The text; bytes that are no UTF-8 make reading fail.
    pub sql: String,
}
