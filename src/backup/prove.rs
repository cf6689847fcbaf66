//! The proofs that count: the dump is loaded into a scratch server of the same version, and every table counted there
//! (*restored*); dumped again from there, it is the same (*roundtrip*).
//!
//! The server listens on this machine only, and it and its files are gone afterwards ([`scratch`]).

use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::archive::Archive;
use super::load::{self, Options};
use super::manifest::Proof;
use super::normal;
use super::server::Server;
use super::snapshot::Relation;
use crate::database::DatabaseUrl;
use crate::error::{Error, Explain as _, Result};
use crate::guard::dump::TABLES;
use crate::tools::pg_dump::PgDump;
use crate::tools::scratch::{self, Locale, Need, ScratchServer, Search};
use crate::ui::Shell;
use crate::ui::interrupt::Guard;
use crate::ui::progress::{Position, Progress};

const DATABASE: &str = "proof";
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
}

/// Restores a backup into a scratch server, and counts it there.
///
/// # Errors
/// If no server of the same major version is installed, there is no room for it, a statement fails, or a table holds other
/// rows than the manifest says.
pub fn restore(
    archive: &Archive,
    options: &Options,
    search: &Search<'_>,
    guard: &Guard,
    progress: &mut Progress,
) -> Result<Restored> {
    restore_into(server(archive, search)?, archive, options, guard, progress)
}

/// A scratch server that can take the backup.
fn server(archive: &Archive, search: &Search<'_>) -> Result<ScratchServer> {
    let source = &archive.manifest().source;
    scratch::open(&Need { major: source.server_major, extensions: &source.extensions, bytes: source.size }, search)
}

/// A scratch server that starts while the dump is taken.
pub(super) struct Starting(Option<thread::JoinHandle<Result<ScratchServer>>>);

impl Starting {
    /// For a backup of this server.
    pub(super) fn begin(source: &Server, search: &Search<'_>) -> Self {
        let (major, bytes, extensions) = (source.major, source.size, source.extensions.clone());
        let (env, pg_bin, project) = (search.env.clone(), search.pg_bin.map(Path::to_owned), search.project.to_owned());
        Self(Some(thread::spawn(move || {
            let search = Search { env: &env, pg_bin: pg_bin.as_deref(), project: &project };
            scratch::open(&Need { major, extensions: &extensions, bytes }, &search)
        })))
    }

    fn wait(mut self) -> Result<ScratchServer> {
        let ended = || Error::failed("the scratch server's thread ended unexpectedly");
        self.0.take().ok_or_else(ended)?.join().map_err(|_| ended())?
    }
}

/// A dump that failed needs no server: it is removed before the error is printed.
impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            let _ = thread.join();
        }
    }
}

fn restore_into(
    server: ScratchServer,
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
    let loaded = load::load(archive, &url, options, &mut |position| {
        progress.show(position);
        guard.check()
    })?;
    unlike.extend(loaded.left_out);
    if options.rows {
        count(archive, &server, guard)?;
    }
    Ok(Restored { server, database: DATABASE.to_owned(), file: archive.manifest().file.clone(), unlike })
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
    scratch::demand(major, search).map_err(unprovable)
}

/// Compares the rows of every table with those that the source had.
fn count(archive: &Archive, server: &ScratchServer, guard: &Guard) -> Result<()> {
    let mut client = server.connect(DATABASE)?;
    for (table, rows) in archive.manifest().rows_by_table() {
        guard.check()?;
        let relation = Relation::named(table);
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
        let (running, stdout) = pg_dump.start(&url, None, 0, &[], TABLES)?;
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

fn unprovable(error: Error) -> Error {
    let help = error.help_text().unwrap_or_default().to_owned();
    unproved(error).help(format!(
        "{help}\nor be content with a backup that was read back and counted, but never restored: set\n    [backup]\n    proof = \"read\"\nin prisma-safe.toml (for one backup: prisma-safe backup --proof read)"
    ))
}

fn unproved(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::failed("the backup could not be proved by restoring it").because(why)
}
