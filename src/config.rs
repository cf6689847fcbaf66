//! `prisma-safe.toml`: the defaults stand in `config/default.toml`, which is also the reference. Unknown keys are refused.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::backup::Proof;
use crate::backup::provider::Provider;
use crate::backup::retention::{LEAST_DAYS, Rules};
use crate::env::Env;
use crate::error::{Error, Explain as _, Result};
use crate::rules::Levels;
use crate::tools::scratch::Search;

/// The file that a project may have beside its package.json.
pub const FILE_NAME: &str = "prisma-safe.toml";

const DEFAULTS: &str = include_str!("config/default.toml");

/// Every setting, as meant: defaults, overlaid by the project's file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    pub backup: Backup,
    pub deploy: Deploy,
    pub rehearsal: Rehearsal,
    pub rename: Rename,
    pub review: Review,
    pub verify: Verify,
    pub undo: Undo,
    /// `[environments.NAME]`, in order of name.
    #[serde(default)]
    pub environments: BTreeMap<String, Environment>,
    /// The file it was read from, if there is one.
    #[serde(skip)]
    pub path: Option<PathBuf>,
}

/// `[backup]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Backup {
    /// Where backups go, relative to the project.
    pub directory: PathBuf,
    /// `pg_dump` waits this long for its locks, in seconds.
    pub lock_wait_seconds: u64,
    /// Free space demanded before a dump, as a multiple of the tables' size.
    pub space_factor: f64,
    /// How backups are written.
    pub format: BackupFormat,
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
    pub command: BackupCommand,
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
pub struct BackupCommand {
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
    /// Younger backups are kept as they are. At least [`LEAST_DAYS`](crate::backup::retention::LEAST_DAYS).
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

    fn check(self) -> Result<()> {
        if self.days >= LEAST_DAYS {
            return Ok(());
        }
        Err(Error::usage(format!("backup.retention.days = {} is less than {LEAST_DAYS}", self.days))
            .help("a mistake is often found only days later"))
    }
}

/// How backups are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum BackupFormat {
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

/// `[deploy]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Deploy {
    /// Each statement waits this long for a lock, in seconds.
    pub lock_timeout_seconds: f64,
    /// Each statement may run this long, in seconds; 0 is without limit.
    pub statement_timeout_seconds: f64,
    /// How often a migration is tried again when a lock was not free.
    pub lock_retries: u32,
    /// How long another deploy is waited for, in seconds.
    pub deploy_wait_seconds: f64,
    /// Whether the queries of sessions that are in the way are shown.
    pub show_queries: bool,
    /// Sessions that do nothing in a transaction for so many seconds, and are in the way, are ended; 0 ends none.
    pub end_idle_in_transaction_seconds: f64,
    /// When the database may be changed: `22:00-04:00 Europe/Berlin`.
    #[serde(default)]
    pub maintenance_window: Option<String>,
}

/// `[rename]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rename {
    /// Whether a rewrite is also proved on a scratch server.
    pub scratch_proof: bool,
}

/// How much of a deploy is rehearsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RehearsalMode {
    /// On a copy with every row.
    Full,
    /// On a copy of the tables without their rows.
    Schema,
    /// Not at all.
    Off,
}

/// `[rehearsal]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rehearsal {
    pub mode: RehearsalMode,
    /// Why there is none, with `mode = "off"`.
    #[serde(default)]
    pub reason: Option<String>,
    /// A lock that keeps others waiting may be held this long, in seconds; 0 is without limit.
    pub max_lock_seconds: f64,
    /// All migrations together may take this long, in seconds; 0 is without limit.
    pub max_duration_seconds: f64,
}

/// `[review]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Review {
    /// A table with fewer rows counts as small: no lock or scan of it is worth a finding.
    pub small_table_rows: u64,
    /// Keeping others out of a table for longer than this, in seconds, is an error.
    pub lock_budget_seconds: u64,
    /// The release that runs: a schema.prisma, its folder, or a git revision.
    #[serde(default)]
    pub deployed: Option<String>,
    /// Severities of rules, or whether they look at all.
    #[serde(default)]
    pub rules: Levels,
    /// So many rows are named by their primary key where a probe finds some; 0 names none.
    pub sample_keys: usize,
}

/// `[verify]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Verify {
    /// What a difference between schema.prisma and the database means.
    pub drift: Drift,
    /// Critical queries, `[[verify.query]]`.
    #[serde(default)]
    pub query: Vec<Query>,
}

/// What a difference between schema.prisma and the database after a deploy means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Drift {
    /// Nobody looks.
    Off,
    /// It is said.
    Warn,
    /// The verification fails.
    Fail,
}

/// `[[verify.query]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Query {
    /// What it is called in reports.
    pub name: String,
    /// One statement that reads.
    pub sql: String,
    /// The first column of its first row.
    #[serde(default)]
    pub expect: Option<toml::Value>,
    /// It may take this long, in seconds.
    #[serde(default)]
    pub max_seconds: Option<f64>,
    /// It may take this many times as long as before the deploy.
    #[serde(default)]
    pub max_times_slower: Option<f64>,
}

/// `[undo]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Undo {
    /// Whether deploys keep what migrations destroy.
    pub enabled: bool,
    /// For how long: `7d`, `36h`.
    pub keep: String,
    /// No more than this is copied for one migration: `2GB`, `500MB`.
    pub max_size: String,
    /// What a deploy does where it cannot be kept.
    pub otherwise: Otherwise,
}

/// What a deploy does where it cannot keep what a migration destroys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Otherwise {
    /// It goes on if it took a backup just before.
    Backup,
    /// It does not deploy.
    Refuse,
    /// It goes on.
    Continue,
}

/// Whether deploys to an environment take a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BackupPolicy {
    /// Before each deploy.
    #[default]
    Always,
    /// Never: a CI database, say.
    Never,
}

/// `[environments.NAME]`
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Environment {
    /// The direct database URL itself. Better left to `url-env`.
    pub url: Option<String>,
    /// The environment variable that holds the direct database URL.
    pub url_env: Option<String>,
    /// Hosts that belong to it: `db.example.com`, `*.example.com`, `127.0.0.1`, `127.0.0.1:5433`, `localhost/music` (host/database).
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Whether real users' data lives there.
    #[serde(default)]
    pub production: bool,
    /// Whether deploys take a backup.
    #[serde(default)]
    pub backup: BackupPolicy,
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment")
            .field("url", &self.url.as_ref().map(|_| "(hidden)"))
            .field("url_env", &self.url_env)
            .field("hosts", &self.hosts)
            .field("production", &self.production)
            .field("backup", &self.backup)
            .finish()
    }
}

impl Config {
    /// Where a scratch server for proofs of renames is looked for; nowhere if none is wanted.
    pub fn scratch_proof<'a>(&'a self, env: &'a Env, project: &'a Path) -> Option<Search<'a>> {
        self.rename.scratch_proof.then_some(Search { env, pg_bin: self.backup.pg_bin.as_deref(), project })
    }

    /// Reads the project's file, if it has one, over the defaults.
    ///
    /// # Errors
    /// Exit status 2 with the line and the key if the file is no TOML or has unknown keys.
    pub fn load(root: &Path) -> Result<Self> {
        let path = find(root);
        let mut table: toml::Table = DEFAULTS.parse().explain(|| "the built-in defaults are broken".into())?;
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).explain(|| format!("could not read {}", path.display())),
        };
        let found = text.is_some();
        if let Some(text) = text {
            let wrong = |error: toml::de::Error| {
                Error::usage(format!("{} is not understood", path.display()))
                    .because(error.to_string().trim_end().to_owned())
            };
            // parsed on its own first: the error then shows the line in the person's own file
            let _: Partial = toml::from_str(&text).map_err(wrong)?;
            overlay(&mut table, text.parse().map_err(wrong)?);
        }
        let mut config: Self = table
            .try_into()
            .map_err(|error| Error::usage(format!("{} is not understood", path.display())).because(error))?;
        config.backup.retention.check()?;
        config.path = found.then_some(path);
        Ok(config)
    }
}

/// The text of a new file: every setting with what it means, commented out, so that later defaults apply.
pub fn commented() -> String {
    let settings = DEFAULTS.lines().skip(1).map(|line| match line {
        setting if setting.contains(" = ") && !setting.starts_with('#') => format!("# {setting}\n"),
        other => format!("{other}\n"),
    });
    let head = "# Settings of prisma-safe. What is commented out stands at its default.\n";
    std::iter::once(head.to_owned()).chain(settings).collect()
}

/// The nearest file from the project upwards, but not beyond the repository; the project's own place if there is none.
fn find(root: &Path) -> PathBuf {
    for directory in root.ancestors() {
        let path = directory.join(FILE_NAME);
        if path.is_file() {
            return path;
        }
        if directory.join(".git").exists() {
            break;
        }
    }
    root.join(FILE_NAME)
}

/// The file's shape with every key optional; only used to refuse unknown keys with their place.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(dead_code, reason = "only the keys matter")]
struct Partial {
    backup: Option<toml::Table>,
    deploy: Option<toml::Table>,
    rehearsal: Option<toml::Table>,
    rename: Option<toml::Table>,
    review: Option<toml::Table>,
    verify: Option<toml::Table>,
    undo: Option<toml::Table>,
    environments: Option<BTreeMap<String, Environment>>,
}

fn overlay(base: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(base)), toml::Value::Table(over)) => overlay(base, over),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}
