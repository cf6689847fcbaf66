//! `[backup]` of prisma-safe.toml.

use std::path::PathBuf;

use serde::Deserialize;

use super::manifest::{Proof, Provider};
use super::retention::{LEAST_DAYS, Rules};
use crate::error::{Error, Result};

/// `[backup]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Where backups go, relative to the project.
    pub directory: PathBuf,
    /// `pg_dump` waits this long for its locks, in seconds.
    pub lock_wait_seconds: u64,
    /// Free space demanded before a dump, as a multiple of the tables' size.
    pub space_factor: f64,
    /// How backups are written.
    pub format: Written,
    /// How far a backup must be proved before it counts.
    pub proof: Proof,
    /// Where PostgreSQL's programs are, if they are where nobody looks. `PRISMA_SAFE_PG_BIN` beats it.
    #[serde(default)]
    pub pg_bin: Option<PathBuf>,
    /// The age recipients that backups are encrypted to; `None`: they are not.
    #[serde(default)]
    pub encrypt: Option<Vec<String>>,
    /// The file of an age identity that opens them.
    #[serde(default)]
    pub identity: Option<PathBuf>,
    /// Who takes backups instead of us.
    #[serde(default)]
    pub provider: Option<Provider>,
    #[serde(default)]
    pub pgbackrest: Pgbackrest,
    #[serde(default)]
    pub command: Command,
    /// Places of further copies: `s3://bucket/prefix`.
    #[serde(default)]
    pub copies: Vec<String>,
    /// So many copies must be there, read back, before a backup counts.
    #[serde(default)]
    pub required_copies: usize,
    pub retention: Retention,
}

/// `[backup.pgbackrest]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Pgbackrest {
    /// The program and what comes before its options; empty: `pgbackrest`.
    pub program: Vec<String>,
    pub stanza: Option<String>,
    /// Its configuration file, where it is another than its own default.
    pub config: Option<String>,
    /// `full`, `diff` or `incr`.
    #[serde(rename = "type")]
    pub kind: String,
}

impl Default for Pgbackrest {
    fn default() -> Self {
        Self { program: Vec::new(), stanza: None, config: None, kind: "incr".into() }
    }
}

/// `[backup.command]`: programs with their words.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Command {
    /// Takes a backup; its last line of output names it.
    pub create: Vec<String>,
    /// Fails unless the backup is good.
    pub check: Vec<String>,
    /// Restores it.
    pub restore: Vec<String>,
}

/// `[backup.retention]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Retention {
    /// Younger backups are kept as they are. At least [`LEAST_DAYS`](LEAST_DAYS).
    pub days: u32,
    /// So many of the newest proved ones are kept, however old.
    pub last: usize,
    /// The newest proved one of each of so many months is archived.
    pub months: u32,
    /// Whether each new backup is followed by thinning out the old ones.
    pub after_backup: bool,
}

impl Retention {
    /// The rules that the settings make.
    pub fn rules(self) -> Rules {
        let Self { days, last, months, .. } = self;
        Rules { days, last, months }
    }

    /// Refuses fewer days than the least.
    ///
    /// # Errors
    /// Exit status 2.
    pub fn check(self) -> Result<()> {
        if self.days >= LEAST_DAYS {
            return Ok(());
        }
        Err(Error::usage(format!("backup.retention.days = {} is less than {LEAST_DAYS}", self.days))
            .help("a mistake is often found only days later"))
    }
}

/// How backups are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Written {
    /// Compressed from some size on.
    #[serde(rename = "auto")]
    Auto,
    /// As they are.
    #[serde(rename = "sql")]
    Sql,
    /// Compressed.
    #[serde(rename = "sql.zst")]
    SqlZst,
}
