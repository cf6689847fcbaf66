//! Restoring a backup: loaded beside the live database, looked at there, and only then put in its place. What was there is
//! kept, and its name is printed.
//!
//! | module | what it is |
//! |---|---|
//! | `plan` | how it will be done |
//! | `work` | what every way of doing it is given |
//! | `target` | what the server allows, and what stands in the way |
//! | `database` | a new database beside the old one, swapped by renaming both in one transaction |
//! | `attributes` | what belongs to a database and is in no dump: its settings, rights, comment |
//! | `schemas` | the same within one database, where a host does not allow renaming one: its schemas are swapped |
//! | `side` | one table beside the live one, and how to merge it |
//! | `rows` | whether the restored rows are those of the backup |
//! | `leftovers` | what a killed restore left on the server |

mod attributes;
mod database;
mod leftovers;
mod plan;
mod rows;
mod schemas;
mod side;
mod target;
mod work;

use std::fs::File;
use std::path::Path;

use jiff::Timestamp;
use postgres::Client;

pub use self::plan::{Plan, plan};
use self::work::Work;
use super::Backup;
use super::archive::Archive;
use super::request::Request as BackupRequest;
use super::scan::TableName;
use crate::database::DatabaseUrl;
use crate::error::{Explain as _, Result};

/// The name that the server shows for our sessions.
const APPLICATION: &str = "prisma-safe restore";

/// What to restore, and where to.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The backup; it is read once from end to end before anything happens.
    pub archive: &'a Archive,
    /// The direct URL.
    pub url: &'a DatabaseUrl,
    pub scope: Scope<'a>,
    /// How the restored data takes its place; found out by what the server allows where it is not said.
    pub swap: Option<Swap>,
    /// Objects belong to whom they belonged and rights are as they were; without it everything belongs to the user of the
    /// URL.
    pub owners: bool,
    /// The backup that is taken first. Without one nothing keeps what is there but the old database itself.
    pub before: Option<&'a BackupRequest<'a>>,
}

/// How much of a backup, and into what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// All of it, in the place of the database that is there.
    Replace,
    /// All of it, into a database that is empty or does not exist yet.
    Fill,
    /// One table, into a schema of its own beside the live one.
    Table(&'a TableName),
}

/// How restored data takes the place of the live one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Swap {
    /// Two databases change names.
    Database,
    /// The schemas of one database change names.
    Schemas,
}

/// What was done.
#[derive(Debug)]
pub struct Restored {
    /// The backup of the replaced database.
    pub before: Option<Backup>,
    pub rows: u64,
    pub tables: usize,
    /// What was there before, and is still: databases or schemas by name.
    pub old: Vec<String>,
    /// The SQL that drops the old for good; for a table, the SQL that merges it.
    pub sql: Vec<String>,
    /// The table beside the live one.
    pub side: Option<String>,
    /// Statements that the options left out because of a role.
    pub left_out: Vec<String>,
}

/// Says that a backup is being read, until the file is closed: `prune` leaves it alone for as long.
///
/// # Errors
/// If it cannot be opened.
pub fn hold(file: &Path) -> Result<File> {
    let held = File::open(file).explain(|| format!("could not open {}", file.display()))?;
    // a file system without locks has no run that prunes by them either
    let _ = held.try_lock_shared();
    Ok(held)
}

/// `20250121_103000`, for names of what is set aside.
fn stamp() -> String {
    Timestamp::now().strftime("%Y%m%d_%H%M%S").to_string()
}

/// `name` with `suffix`, cut so that PostgreSQL does not cut it.
fn named(name: &str, suffix: &str) -> String {
    const LONGEST: usize = 63;
    let length = name.floor_char_boundary(LONGEST.saturating_sub(suffix.len()));
    format!("{}{suffix}", &name[..length])
}

/// A session with another database of the same server.
fn connect(url: &DatabaseUrl, database: &str) -> Result<Client> {
    crate::database::connect(&url.with_database(database), APPLICATION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_within_what_postgresql_keeps() {
        assert_eq!(named("music", "_old_20250121_103000"), "music_old_20250121_103000");
        let long = named(&"ü".repeat(40), "_ps_restore_0123456789ab");
        assert!(long.len() <= 63 && long.ends_with("_ps_restore_0123456789ab"), "{long}");
    }
}
