//! Restoring a backup: loaded beside the live database, looked at there, and only then put in its place. What was there is
//! kept, and its name is printed.
//!
//! | module | what it is |
//! |---|---|
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
mod rows;
mod schemas;
mod side;
mod target;

use std::fs::File;
use std::path::Path;

use jiff::Timestamp;
use postgres::Client;

use self::target::Target;
use super::archive::Archive;
use super::create::create;
use super::load::Options;
use super::request::Request as BackupRequest;
use super::scan::TableName;
use super::{Backup, verify};
use crate::database::{DatabaseUrl, Identity, pooler};
use crate::digest::hash_of;
use crate::error::{Error, Explain as _, Result};
use crate::guard;
use crate::ui::interrupt::Guard;
use crate::ui::{Shell, moment};

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

/// What will happen; nothing has yet.
#[derive(Debug)]
pub struct Plan<'a> {
    request: Request<'a>,
    target: Target,
    swap: Swap,
    /// Said to the person before anything happens.
    pub notes: Vec<String>,
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

/// Looks at backup and server, and decides how to go about it. Reads only.
///
/// # Errors
/// Exit status 1 if the server is not reached, 3 if something stands in the way; it is named.
pub fn plan<'a>(request: Request<'a>) -> Result<Plan<'a>> {
    let mut target = Target::read(request.url)?;
    pooler::refuse(&target.reachable(), APPLICATION)?;
    let manifest = request.archive.manifest();
    target.offers(&manifest.source.extensions)?;
    let mut notes = Vec::new();
    if target.major < manifest.source.server_major {
        notes.push(format!(
            "the backup is of PostgreSQL {}, the server is {}: what only the newer one knows cannot be restored",
            manifest.source.server_major, target.major
        ));
    }
    if !request.owners {
        notes.push("owners and rights are not restored (--no-owner): grant them again afterwards".into());
    }
    if request.scope == Scope::Fill && !target.is_empty()? {
        return Err(Error::refused(format!("{} is not empty", request.url.identity()))
            .help("--into takes a database that is empty or does not exist yet"));
    }
    if let Some(without) = &manifest.without {
        notes.push(match request.scope {
            Scope::Replace => format!("the backup is without {}: that stays as it is now", without.said()),
            Scope::Fill | Scope::Table(_) => format!("the backup is without {}", without.said()),
        });
        if request.scope == Scope::Replace && request.swap == Some(Swap::Database) {
            return Err(Error::refused(format!("a swap of databases would lose {}", without.said()))
                .because("the backup was limited to some schemas (backup.schemas)")
                .help("swap these schemas within the database: --swap schemas"));
        }
    }
    let limited = manifest.without.is_some() && request.scope == Scope::Replace;
    let swap = match (request.scope, request.swap) {
        (Scope::Table(_), _) => Swap::Schemas,
        (_, None) if limited => Swap::Schemas,
        (_, Some(swap)) => swap,
        (_, None) if target.may_rename().is_ok() => Swap::Database,
        (_, None) => Swap::Schemas,
    };
    match (request.scope, swap) {
        (Scope::Table(_), _) => side::check(&mut target)?,
        (_, Swap::Database) => {
            target.may_rename()?;
            target.refuse_bound()?;
        }
        (_, Swap::Schemas) => {
            if request.swap.is_none()
                && !limited
                && let Err(why) = target.may_rename()
            {
                notes.push(format!("schemas are swapped within the database, because {}", why.causes().join(": ")));
            }
            schemas::check(&mut target, request.archive)?;
        }
    }
    Ok(Plan { request, target, swap, notes })
}

impl Plan<'_> {
    /// What it does to the database, as a clause: `replaces all of its data by …`.
    pub fn describe(&self) -> String {
        let manifest = self.request.archive.manifest();
        let of = format!("{} of {}", manifest.file, moment(manifest.started_at));
        match self.request.scope {
            Scope::Replace => {
                format!("replaces all of its data by the backup {of}; what was written since is set aside")
            }
            Scope::Fill => format!("loads the backup {of} into it"),
            Scope::Table(table) => format!("brings table {table} of the backup {of} beside the live one"),
        }
    }

    /// Names exactly this backup and this database: what `--confirm` takes.
    pub fn hash(&self) -> String {
        let manifest = self.request.archive.manifest();
        let scope = format!("{:?} {:?} {}", self.request.scope, self.swap, self.request.owners);
        let server = Identity::of(self.request.url, "prisma-safe restore").ok();
        let (target, oid) = (Identity::name(self.request.url, server.as_ref()), self.target.oid().to_string());
        hash_of(["prisma-safe restore 1", &manifest.id, &manifest.sha256, &target, &oid, &scope].map(str::as_bytes))
    }

    /// Does it.
    ///
    /// # Errors
    /// Exit status 1 if a step or a check fails, 130 after Ctrl-C; then the live database is what it was, and what was
    /// loaded is gone again.
    pub fn carry_out(mut self, shell: &Shell) -> Result<Restored> {
        let guard = Guard::new()?;
        proved(self.request.archive, &guard, shell)?;
        let before = match self.request.before.filter(|_| self.request.scope == Scope::Replace) {
            Some(request) if self.target.exists() && super::needed(self.target.client()?)? => {
                shell.step("Backing up", format_args!("{}, as it is now", request.url));
                let backup = create(request, shell)?;
                shell.status("Backed up", &backup);
                Some(backup)
            }
            _ => None,
        };
        let guarded = match self.target.exists() {
            true => guarded(self.target.client()?)?,
            false => None,
        };
        let work = Work {
            guarded,
            guard: &guard,
            shell,
            archive: self.request.archive,
            url: self.request.url,
            owners: self.request.owners,
        };
        let mut restored = match (self.request.scope, self.swap) {
            (Scope::Table(table), _) => side::bring(table, &mut self.target, &work)?,
            (_, Swap::Database) => database::replace(self.target, self.request.scope, &work)?,
            (_, Swap::Schemas) => schemas::replace(self.target, &work)?,
        };
        restored.before = before;
        Ok(restored)
    }
}

/// What every way of restoring is given.
struct Work<'a> {
    /// The live database has a guard: with these settings, where this role may read them.
    guarded: Option<Option<guard::Settings>>,
    guard: &'a Guard,
    shell: &'a Shell,
    archive: &'a Archive,
    url: &'a DatabaseUrl,
    owners: bool,
}

impl Work<'_> {
    fn options(&self) -> Options {
        Options { owners: self.owners, privileges: self.owners, ..Options::live() }
    }

    /// What takes the place of a guarded database is guarded as it was. Where this role may not do that, it is said.
    fn guard_again(&self, client: &mut Client) {
        let why = match &self.guarded {
            None => return,
            Some(Some(settings)) => match guard::install::on(client, settings) {
                Ok(()) => return,
                Err(error) => error.causes().join(": "),
            },
            Some(None) => "this role may not read its settings".into(),
        };
        self.shell.warn(format_args!(
            "the restored database has no guard any more ({why}): an administrator switches it on with prisma-safe guard on"
        ));
    }

    /// A number that names this run: `3f9a01c27be4`.
    fn run_id() -> Result<String> {
        let mut bytes = [0; 6];
        getrandom::fill(&mut bytes).map_err(|error| Error::failed(format!("no random bytes: {error}")))?;
        Ok(super::hex(&bytes))
    }

    fn restored(&self) -> Restored {
        let manifest = self.archive.manifest();
        Restored {
            before: None,
            rows: manifest.rows(),
            tables: manifest.rows_by_table().len(),
            old: Vec::new(),
            sql: Vec::new(),
            side: None,
            left_out: Vec::new(),
        }
    }
}

/// The guard of the live database, if it has one.
fn guarded(client: &mut Client) -> Result<Option<Option<guard::Settings>>> {
    if !guard::pass::is_guarded(client)? {
        return Ok(None);
    }
    let settings = guard::Settings::read(client);
    settings.map(Some).explain(|| "could not read the settings of the guard".into())
}

/// Reads the whole backup before anything is touched: its hash, its end, its rows.
fn proved(archive: &Archive, guard: &Guard, shell: &Shell) -> Result<()> {
    let file = &archive.manifest().file;
    shell.step("Verifying", file);
    let problems = verify::problems(archive, guard, shell)?;
    if problems.is_empty() {
        return Ok(());
    }
    Err(Error::failed(format!("{file} is not the backup that was taken; nothing was restored"))
        .because(problems.join("\n"))
        .help("restore another one (prisma-safe backup list), or look for an undamaged copy of this one"))
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
