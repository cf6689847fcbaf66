//! What was reviewed: each migration with its findings, and what it was held against.

use std::path::PathBuf;

use serde::Serialize;

use crate::project::Migration;
use crate::project::migrations::checksum;
use crate::rules::Finding;
use crate::sql::Sql;

/// What the migrations were reviewed against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// Always `postgresql`.
    pub provider: &'static str,
    /// As `15.18`; none offline.
    pub server_version: Option<String>,
    /// The file that stood for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalog: Option<Source>,
}

/// A catalog file that stands for the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// As named on the command line.
    pub file: String,
    /// When it was taken.
    pub taken_at: jiff::Timestamp,
}

/// A migration with what was found in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reviewed {
    /// The directory's name.
    pub name: String,
    /// Its `migration.sql`.
    pub path: PathBuf,
    /// Prisma's checksum of the text.
    pub checksum: String,
    /// The text; empty where the file is gone.
    pub sql: Sql,
    /// What Prisma drafted, where the text is a rewrite of it.
    pub draft: Option<String>,
    /// In the order of the text.
    pub findings: Vec<Finding>,
    /// How far it can be rolled back, where that was worked out.
    pub undo: Option<Graded>,
}

/// How far a migration can be rolled back, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Grade {
    /// Its reverse brings everything back, and nothing has to be kept for it.
    Reversible,
    /// By the values and definitions that a deploy keeps while it destroys them.
    Kept,
    /// Something stays, or is not known: only a backup holds the state before.
    Backup,
}

impl Grade {
    /// `reversible without loss`
    pub fn words(self) -> &'static str {
        match self {
            Self::Reversible => "reversible without loss",
            Self::Kept => "reversible from kept data",
            Self::Backup => "only from the backup",
        }
    }
}

/// A grade with what it goes by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Graded {
    pub grade: Grade,
    /// What has to be kept, or what stays: a phrase each.
    pub why: Vec<String>,
}

impl Graded {
    /// `reversible from kept data (column artist of Song)`
    pub fn said(&self) -> String {
        let words = self.grade.words();
        if self.why.is_empty() { words.to_owned() } else { format!("{words} ({})", self.why.join("; ")) }
    }
}

impl Reviewed {
    /// As it stands in the folder.
    pub fn migration(&self) -> Migration {
        Migration { name: self.name.clone(), path: self.path.clone(), sql: self.sql.clone() }
    }

    /// A migration with one standing finding (see [`crate::rules::history`]).
    pub fn standing(migration: Migration, finding: Finding) -> Self {
        Self {
            checksum: checksum(&migration.sql),
            name: migration.name,
            path: migration.path,
            sql: migration.sql,
            draft: None,
            findings: vec![finding],
            undo: None,
        }
    }
}
