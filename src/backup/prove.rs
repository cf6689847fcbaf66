//! The proofs that count: the dump is loaded into a scratch server of the same version, and every table counted there
//! (*restored*); dumped again from there, it is the same (*roundtrip*).
//!
//! The server listens on this machine only, and it and its files are gone afterwards ([`scratch`]).

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::ahead::Starting;
use super::archive::Archive;
use super::lacking::{Lacking, plural};
use super::load::{self, Options};
use super::manifest::Proof;
use super::normal;
use super::snapshot::Relation;
use crate::database::DatabaseUrl;
use crate::error::{Error, Explain as _, Result};
use crate::exit::Exit;
use crate::guard::dump::TABLES;
use crate::tools::pg_dump::{PgDump, What};
use crate::tools::scratch::{self, Asking, Locale, Need, Opened, ScratchServer, Search};
use crate::ui::Shell;
use crate::ui::interrupt::Guard;
use crate::ui::progress::{Position, Progress};

const DATABASE: &str = scratch::RESTORED;
/// How often Ctrl-C is looked for.
const TICK: Duration = Duration::from_millis(100);

/// A backup that was restored into a scratch server; both are gone when it is dropped.
#[derive(Debug)]
pub struct Restored {
    pub server: ScratchServer,
    /// The database's name there.
    pub database: String,
    /// The backup's file name.
    pub file: String,
    /// How it is unlike the original.
    pub unlike: Vec<String>,
    /// What it is without.
    pub lacking: Lacking,
}

/// Restores a backup into a scratch server, one that has begun to start if there is one, and counts it there.
///
/// # Errors
/// If no server of the same major version is installed, there is no room for it, a statement fails, or a table holds other
/// rows than the manifest says.
pub fn restore(
    archive: &Archive,
    options: &Options,
    (starting, search): (Option<Starting>, &Search<'_>),
    guard: &Guard,
    progress: &mut Progress,
) -> Result<Restored> {
    let server = starting.map_or_else(|| server(archive, search), Starting::wait)?;
    restore_into(server, archive, options, guard, progress)
}

/// A scratch server that can take the backup, and the extensions that it has not.
fn server(archive: &Archive, search: &Search<'_>) -> Result<Opened> {
    let source = &archive.manifest().source;
    let need = Need { major: source.server_major, extensions: &source.extensions, created: &[], bytes: source.size };
    scratch::open(&need, search)
}

/// Whether a backup is proved by a server that has not these extensions.
///
/// # Errors
/// If a package could bring them, or the proof is to show that nothing is missing.
pub(super) fn demand_extensions(missing: &[String], level: Proof, major: u32) -> Result<()> {
    if missing.is_empty() || level == Proof::Read {
        return Ok(());
    }
    let packaged: Vec<String> = missing.iter().filter(|name| scratch::installable(name)).cloned().collect();
    if packaged.is_empty() && level < Proof::Roundtrip {
        return Ok(());
    }
    let error = Error::failed(format!("no PostgreSQL {major} server on this machine has the {}", plural(missing)));
    Err(unprovable(match scratch::install_extensions(&packaged, major) {
        Some(install) => error.help(install),
        None if packaged.is_empty() => error.help(
            "these come with the database's host alone: proof = \"restored\" restores what does not need them, and says so",
        ),
        None => error,
    }))
}

fn restore_into(
    (server, missing): Opened,
    archive: &Archive,
    options: &Options,
    guard: &Guard,
    progress: &mut Progress,
) -> Result<Restored> {
    let source = &archive.manifest().source;
    guard.check()?;
    let locale = Locale { encoding: &source.encoding, collate: &source.collate, ctype: &source.ctype };
    let mut unlike = Vec::new();
    if !server.create_database(DATABASE, locale)? {
        unlike.push(format!("this machine has no locale {}: texts sort as in C", source.collate));
    }
    let url = server.url(DATABASE)?;
    let options = Options { lacking: !missing.is_empty(), ..*options };
    let loaded = load::load(archive, &url, &options, &mut |position| {
        progress.show(position);
        guard.check()
    })
    .map_err(incomplete)?;
    unlike.extend(loaded.left_out);
    let lacking = Lacking::of_load(missing, &loaded.lacked);
    unlike.extend(lacking.said());
    unlike.extend(archive.manifest().without.as_ref().map(|without| format!("the copy is without {}", without.said())));
    if options.rows {
        count(archive, &server, !lacking.is_empty(), guard)?;
    }
    let (database, file) = (DATABASE.to_owned(), archive.manifest().file.clone());
    Ok(Restored { server, database, file, unlike, lacking })
}

/// Restores a backup into a scratch server and compares it with its manifest, as far as `level` asks for; gives the level
/// that is proved then.
///
/// # Errors
/// Those of [`restore`], or if anything differs.
pub(super) fn prove(
    archive: &Archive,
    level: Proof,
    pg_dump: &PgDump,
    (starting, search): (Option<Starting>, &Search<'_>),
    guard: &Guard,
    shell: &Shell,
) -> Result<(Proof, Restored)> {
    let server = starting.map_or_else(|| server(archive, search), Starting::wait).map_err(unprovable)?;
    demand_extensions(&server.1, level, archive.manifest().source.server_major)?;
    let mut progress = Progress::start(shell, "Proving");
    let restored = restore_into(server, archive, &Options::scratch(), guard, &mut progress)?;
    if level < Proof::Roundtrip {
        return Ok((Proof::Restored, restored));
    }
    let bytes = archive.manifest().dump.bytes;
    progress.show(Position { fraction: 1.0, bytes, tables: None, current: "dumping it again" });
    let url = restored.server.url(&restored.database)?;
    let (again, original) = (dumped_again(pg_dump.clone(), url), normalised(archive.clone()));
    if aside(again, guard)? == aside(original, guard)? {
        return Ok((Proof::Roundtrip, restored));
    }
    Err(unproved("dumped again, it is not the same"))
}

/// Looks whether there can be a scratch server at all, before a dump is taken in vain.
///
/// # Errors
/// If there cannot, with what would help.
pub(super) fn demand(major: u32, search: &Search<'_>) -> Result<()> {
    scratch::demand(major, search, Asking::May).map_err(unprovable)
}

/// Compares the rows of every table with those that the source had.
fn count(archive: &Archive, server: &ScratchServer, lacking: bool, guard: &Guard) -> Result<()> {
    let mut client = server.connect(DATABASE)?;
    for (table, rows) in archive.manifest().rows_by_table() {
        guard.check()?;
        let relation = Relation::named(table);
        if lacking && !relation.exists(&mut client)? {
            continue;
        }
        let counted = relation.count(&mut client)?;
        // an extension's own table also holds the extension's own rows
        if counted != rows && !relation.is_extensions(&mut client)? {
            return Err(unproved(format!("table {table} holds {counted} instead of {rows} rows after the restore")));
        }
    }
    Ok(())
}

fn dumped_again(pg_dump: PgDump, url: DatabaseUrl) -> impl FnOnce() -> Result<[u8; 32]> + Send + 'static {
    move || {
        let (running, stdout) = pg_dump.start(&url, &What { without_tables: TABLES, ..What::default() })?;
        let hash = normal::hash(stdout).explain(|| "could not read from pg_dump".into())?;
        running.wait()?;
        Ok(hash)
    }
}

fn normalised(archive: Archive) -> impl FnOnce() -> Result<[u8; 32]> + Send + 'static {
    move || normal::hash(archive.read_all()?).explain(|| "could not read the dump again".into())
}

/// Works in a thread of its own: Ctrl-C must not wait for it.
fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static, guard: &Guard) -> Result<T> {
    let (sender, result) = mpsc::channel();
    thread::spawn(move || {
        // the receiver is gone after Ctrl-C
        let _ = sender.send(work());
    });
    loop {
        match result.recv_timeout(TICK) {
            Ok(result) => return result,
            Err(mpsc::RecvTimeoutError::Timeout) => guard.check()?,
            Err(mpsc::RecvTimeoutError::Disconnected) => return Err(unproved("its thread ended unexpectedly")),
        }
    }
}

const UNPROVED: &str = "the backup could not be proved by restoring it";

pub(super) fn unprovable(error: Error) -> Error {
    let help = error.help_text().map(|help| format!("{help}\nor ")).unwrap_or_default();
    error.within(UNPROVED).help(format!(
        "{help}be content with a backup that was read back and counted, but never restored: set\n    [backup]\n    proof = \"read\"\nin prisma-safe.toml (for one backup: prisma-safe backup --proof read)"
    ))
}

/// The database refuses its own dump: it would do so on the day that the backup is needed.
fn incomplete(error: Error) -> Error {
    if error.exit() != Exit::Failed || error.help_text().is_some() {
        return error;
    }
    error.help(
        "the database holds what its own backup does not bring back: rows that break a constraint, or code that only works \
         under another search_path; correct that, or go on without this backup: --skip-backup --reason TEXT",
    )
}

fn unproved(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::failed(UNPROVED).because(why)
}
