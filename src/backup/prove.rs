//! The proofs that count: the dump is loaded into a scratch server of the same version, and every table counted there
//! (*restored*); dumped again from there, it is the same (*roundtrip*).
//!
//! The server listens on this machine only, and it and its files are gone afterwards, also after `kill -9`
//! ([`ScratchServer`] has a watcher).

use std::fs::File;
use std::io::Seek as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use postgres::Client;

use super::create::Request;
use super::manifest::{Manifest, Proof};
use super::snapshot::Relation;
use super::{load, normal};
use crate::database::{self, DatabaseUrl, Failure};
use crate::error::{Error, Explain as _, Result};
use crate::tools::pg_dump::PgDump;
use crate::tools::postgres::{self as programs, Package};
use crate::tools::scratch::{ScratchServer, server_programs_of};
use crate::ui::Shell;
use crate::ui::interrupt::Guard;
use crate::ui::progress::{Position, Progress};

const APPLICATION: &str = "prisma-safe proof";
const DATABASE: &str = "proof";
/// How often Ctrl-C is looked for.
const TICK: Duration = Duration::from_millis(100);
/// Free space demanded, as a multiple of the database's size: the rows come with write-ahead log at worst.
const SPACE_FACTOR: u64 = 2;

/// For a server that lives minutes and whose data nobody will miss.
const SETTINGS: &str = "
wal_level = minimal
max_wal_senders = 0
max_wal_size = 16GB
checkpoint_timeout = 1h
autovacuum = off
jit = off
shared_buffers = 256MB
maintenance_work_mem = 512MB
lc_messages = 'C'
";

/// Restores `dump` into a scratch server and compares it with `manifest`, as far as the settings ask for; gives the level
/// that is proved then.
///
/// # Errors
/// If no server of the same major version is installed, there is no room for it, a statement fails, or anything differs.
pub(super) fn prove(
    dump: &Path,
    manifest: &Manifest,
    pg_dump: &PgDump,
    request: &Request<'_>,
    guard: &Guard,
    shell: &Shell,
) -> Result<Proof> {
    let major = manifest.source.server_major;
    let bin = request.settings.pg_bin.as_deref();
    let programs = server_programs_of(major, request.env, bin).ok_or_else(|| {
        unproved(format!("no PostgreSQL {major} server is installed on this machine")).help(format!(
            "{}\nor be content with backup.proof = \"read\" in prisma-safe.toml",
            programs::install(Package::Server, major, request.env)
        ))
    })?;
    let directory = room(manifest.source.size, request)?.join(format!("prisma-safe-proof-{}", &manifest.id[..13]));
    let server = ScratchServer::start_with(&directory, std::process::id(), programs, SETTINGS)?;
    guard.check()?;
    let client = empty_database(&server, manifest)?;

    let file = File::open(dump).explain(|| format!("could not read {}", dump.display()))?;
    let progress = Progress::start(shell, "Proving");
    let again = (request.settings.proof == Proof::Roundtrip).then(|| pg_dump.clone());
    let work = Work { client, url: server.url(DATABASE)?, file, progress, manifest: manifest.clone(), again };
    let (sender, result) = mpsc::channel();
    // in a thread of its own: a long CREATE INDEX must not keep Ctrl-C waiting
    thread::spawn(move || {
        // nobody waits any more after Ctrl-C
        let _ = sender.send(work.run());
    });
    loop {
        match result.recv_timeout(TICK) {
            Ok(proved) => return proved,
            Err(mpsc::RecvTimeoutError::Timeout) => guard.check()?,
            Err(mpsc::RecvTimeoutError::Disconnected) => return Err(unproved("its thread ended unexpectedly".into())),
        }
    }
}

/// Everything that the thread needs.
struct Work {
    client: Client,
    url: DatabaseUrl,
    file: File,
    progress: Progress,
    manifest: Manifest,
    /// Dumps it again.
    again: Option<PgDump>,
}

impl Work {
    fn run(mut self) -> Result<Proof> {
        let total = self.manifest.bytes.max(1);
        let show = |bytes: u64, current: &str| {
            #[expect(clippy::cast_precision_loss, reason = "for the eye")]
            let fraction = bytes as f64 / total as f64;
            self.progress.show(Position { fraction, bytes, current });
        };
        load::load(&self.file, &self.manifest.tables, &mut self.client, show)?;
        for (table, rows) in self.manifest.rows_by_table() {
            let relation = Relation::named(table);
            let counted = relation.count(&mut self.client)?;
            // an extension's own table also holds the extension's own rows
            if counted != rows && !relation.is_extensions(&mut self.client)? {
                return Err(unproved(format!(
                    "table {table} holds {counted} instead of {rows} rows after the restore"
                )));
            }
        }
        let Some(pg_dump) = &self.again else { return Ok(Proof::Restored) };
        self.progress.show(Position { fraction: 1.0, bytes: total, current: "dumping it again" });
        let (running, stdout) = pg_dump.start(&self.url, None, 0)?;
        let again = normal::hash(stdout).explain(|| "could not read from pg_dump".into())?;
        running.wait()?;
        self.file.rewind().explain(|| "could not read the dump again".into())?;
        let original = normal::hash(&self.file).explain(|| "could not read the dump again".into())?;
        if again == original { Ok(Proof::Roundtrip) } else { Err(unproved("dumped again, it is not the same".into())) }
    }
}

/// A database like the original, as far as this machine has its locale.
fn empty_database(server: &ScratchServer, manifest: &Manifest) -> Result<Client> {
    let source = &manifest.source;
    let mut client = database::connect(&server.url("postgres")?, APPLICATION)?;
    let mut create = |collate: &str, ctype: &str| {
        let [encoding, collate, ctype] = [&*source.encoding, collate, ctype].map(crate::sql::quote_literal);
        client.batch_execute(&format!(
            "CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING {encoding} LC_COLLATE {collate} LC_CTYPE {ctype}"
        ))
    };
    let created = create(&source.collate, &source.ctype).or_else(|_| create("C", "C")).map_err(Failure::from);
    created.explain(|| format!("could not create a scratch database with the encoding {}", source.encoding))?;
    database::connect(&server.url(DATABASE)?, APPLICATION)
}

/// A temporary directory with room for a copy of the database, which the server's user can enter.
fn room(size: u64, request: &Request<'_>) -> Result<PathBuf> {
    let needed = size.saturating_mul(SPACE_FACTOR);
    let candidates = request.env.get("TMPDIR").into_iter().chain(["/tmp", "/var/tmp"]).map(PathBuf::from);
    let fits = |path: &PathBuf| {
        let open = !rustix::process::geteuid().is_root() || enterable(path);
        open && rustix::fs::statvfs(path).is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) >= needed)
    };
    candidates.into_iter().find(fits).ok_or_else(|| {
        unproved(format!("neither TMPDIR nor /tmp nor /var/tmp has room for {}", super::size(needed)))
            .help("set TMPDIR to a directory with more room, or backup.proof = \"read\" in prisma-safe.toml")
    })
}

/// Whether everybody may enter the directory: as root, the server runs as somebody else.
fn enterable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.ancestors().all(|path| path.metadata().is_ok_and(|found| found.permissions().mode() & 0o001 != 0))
}

fn unproved(why: String) -> Error {
    Error::failed("the backup could not be proved by restoring it").because(why)
}
