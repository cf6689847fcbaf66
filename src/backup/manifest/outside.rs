//! What a manifest says of a backup that another tool keeps.

use serde::{Deserialize, Serialize};

/// Who takes the backups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provider {
    /// pgBackRest: `[backup.pgbackrest]`.
    Pgbackrest,
    /// Any program: `[backup.command]`.
    Command,
}

impl std::fmt::Display for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Pgbackrest => "pgBackRest",
            Self::Command => "the backup command",
        })
    }
}

/// A backup that another tool keeps: the manifest's `outside`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outside {
    pub provider: Provider,
    /// How the tool calls the backup: `20250121-103000F`.
    pub label: String,
    /// Its size as the tool says, in bytes; 0 where it does not.
    pub bytes: u64,
    /// The command that restores it, word by word.
    pub restore: Vec<String>,
    /// What the tool itself says of it.
    pub says: serde_json::Value,
}
