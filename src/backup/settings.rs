//! `[backup]` of prisma-safe.toml.

use std::path::PathBuf;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::copies::Place;
use super::encryption;
use super::manifest::{Proof, Provider};
use super::retention::{LEAST_DAYS, Rules};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::setting::{factor, text, whole};

/// The longest time that PostgreSQL waits for a lock, in seconds.
const LONGEST_WAIT: u64 = 2_147_483;

/// `[backup]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// Where backups go, relative to the project.
    #[serde(deserialize_with = "directory")]
    pub directory: PathBuf,
    /// `pg_dump` waits this long for its locks, in seconds.
    #[serde(deserialize_with = "lock_wait")]
    pub lock_wait_seconds: u64,
    /// Free space demanded before a dump, as a multiple of the tables' size.
    #[serde(deserialize_with = "factor")]
    pub space_factor: f64,
    /// How backups are written.
    pub format: Written,
    /// How far a backup must be proved before it counts.
    pub proof: Proof,
    /// Where PostgreSQL's programs are, if not in a usual place. `PRISMA_SAFE_PG_BIN` beats it.
    pub pg_bin: Option<PathBuf>,
    /// The age recipients that backups are encrypted to; `None`: they are not.
    #[serde(deserialize_with = "recipients")]
    pub encrypt: Option<Vec<String>>,
    /// The file of an age identity that opens them.
    pub identity: Option<PathBuf>,
    /// The schemas that a backup is limited to; `None`: all.
    #[serde(deserialize_with = "schemas")]
    pub schemas: Option<Vec<String>>,
    /// Who takes backups instead of us.
    pub provider: Option<Provider>,
    pub pgbackrest: Pgbackrest,
    pub command: Command,
    /// Places of further copies: `s3://bucket/prefix`.
    #[serde(deserialize_with = "copies")]
    pub copies: Vec<String>,
    /// So many copies must be there, read back, before a backup counts.
    pub required_copies: usize,
    pub retention: Retention,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            directory: "backups".into(),
            lock_wait_seconds: 10,
            space_factor: 1.5,
            format: Written::Auto,
            proof: Proof::Restored,
            pg_bin: None,
            encrypt: None,
            identity: None,
            schemas: None,
            provider: None,
            pgbackrest: Pgbackrest::default(),
            command: Command::default(),
            copies: Vec::new(),
            required_copies: 0,
            retention: Retention::default(),
        }
    }
}

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // this is the derived one, which knows no more than one key at a time
        let settings = Self::deserialize(deserializer)?;
        settings.check().map_err(|error| D::Error::custom(whole(&error)))?;
        Ok(settings)
    }
}

impl Settings {
    /// What one setting asks of another.
    fn check(&self) -> Result<()> {
        match self.provider {
            Some(Provider::Pgbackrest) => drop(self.pgbackrest.stanza()?),
            Some(Provider::Command) => {
                self.command.words(Step::Create)?;
                // an unchecked backup does not count
                self.command.words(Step::Check)?;
            }
            None => {}
        }
        if self.required_copies > self.copies.len() {
            return Err(Error::usage(format!(
                "backup.required-copies = {}, but backup.copies names {}",
                self.required_copies,
                self.copies.len()
            )));
        }
        Ok(())
    }
}

fn directory<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    text(deserializer, |path| match path.trim() {
        "" => Err(Error::usage("the directory of backups has no name")),
        _ => Ok(path.into()),
    })
}

fn lock_wait<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match u64::deserialize(deserializer)? {
        seconds @ ..=LONGEST_WAIT => Ok(seconds),
        seconds => Err(D::Error::custom(format!("PostgreSQL waits {LONGEST_WAIT} seconds at most, not {seconds}"))),
    }
}

fn recipients<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    // a program built without encryption still reviews: it says so when it is to encrypt
    if cfg!(feature = "encrypt") {
        encryption::parse(&names).map_err(|error| D::Error::custom(whole(&error)))?;
    }
    Ok(Some(names))
}

fn schemas<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    match names.iter().any(|name| name.trim().is_empty()) || names.is_empty() {
        true => Err(D::Error::custom("backup.schemas names no schema")),
        false => Ok(Some(names)),
    }
}

fn copies<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let places = Vec::<String>::deserialize(deserializer)?;
    for place in &places {
        Place::parse(place, &Env::default()).map_err(|error| D::Error::custom(whole(&error)))?;
    }
    Ok(places)
}

/// `[backup.pgbackrest]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Pgbackrest {
    /// The program and what comes before its options; empty: `pgbackrest`.
    pub program: Vec<String>,
    pub stanza: Option<String>,
    /// Its configuration file, where it is another than its own default.
    pub config: Option<String>,
    #[serde(rename = "type")]
    pub kind: Kind,
}

/// What a backup of pgBackRest's builds on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Nothing.
    Full,
    /// The last full one.
    Diff,
    /// The last one.
    #[default]
    Incr,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Full => "full",
            Self::Diff => "diff",
            Self::Incr => "incr",
        })
    }
}

impl Pgbackrest {
    /// The stanza.
    ///
    /// # Errors
    /// Exit status 2 without one.
    pub fn stanza(&self) -> Result<&str> {
        self.stanza.as_deref().ok_or_else(|| {
            Error::usage("backup.provider = \"pgbackrest\" needs to know which stanza")
                .help("[backup.pgbackrest]\nstanza = \"main\"")
        })
    }
}

/// `[backup.command]`: programs with their words.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Command {
    /// Takes a backup; its last line of output names it.
    pub create: Vec<String>,
    /// Fails unless the backup is good.
    pub check: Vec<String>,
    /// Restores it.
    pub restore: Vec<String>,
}

/// One of the programs of `[backup.command]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Create,
    Check,
    Restore,
}

impl Command {
    /// A program and its words.
    ///
    /// # Errors
    /// Exit status 2 if there is none.
    pub fn words(&self, step: Step) -> Result<&[String]> {
        let (words, key) = match step {
            Step::Create => (&self.create, "create"),
            Step::Check => (&self.check, "check"),
            Step::Restore => (&self.restore, "restore"),
        };
        if words.is_empty() {
            return Err(Error::usage(format!("backup.provider = \"command\" needs [backup.command] {key}"))
                .help(format!("{key} = [\"/usr/local/bin/our-backup\", \"{key}\"]")));
        }
        Ok(words)
    }
}

/// `[backup.retention]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Retention {
    /// Younger backups are kept as they are. At least [`LEAST_DAYS`].
    #[serde(deserialize_with = "days")]
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
}

impl Default for Retention {
    fn default() -> Self {
        Self { days: LEAST_DAYS, last: 3, months: 12, after_backup: false }
    }
}

fn days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        days @ LEAST_DAYS.. => Ok(days),
        days => Err(D::Error::custom(format!(
            "backup.retention.days = {days} is less than {LEAST_DAYS}\na mistake is often found only days later"
        ))),
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
