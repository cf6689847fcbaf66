//! Taking a backup: the order of steps, and what must agree before it counts as one.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::archive::Archive;
use super::aside::Aside;
use super::contents::{Contents, Reader};
use super::directory::Directory;
use super::encryption::{self, Keys, Recipients, Sealing};
use super::frames::Encoded;
use super::manifest::{self, Format, Manifest, Proof, Source, Sum, Table};
use super::names::{self, Name};
use super::prove::{self, Restored};
use super::scan::TableName;
use super::server::Server;
use super::snapshot::{Counting, Relation, Snapshot};
use super::stream::{self, Estimate, Written};
use super::{provider, verify};
use crate::config::{self, BackupFormat};
use crate::context::Env;
use crate::database::{self, DatabaseUrl, PoolMode, pooler};
use crate::error::{Error, Explain as _, Result};
use crate::tools::pg_dump::PgDump;
use crate::tools::scratch::Search;
use crate::ui::Shell;
use crate::ui::interrupt::Guard;
use crate::ui::progress::Progress;

/// The name that the server shows for our sessions.
const APPLICATION: &str = "prisma-safe backup";

/// Tables of this many bytes are worth compressing: less is read by people, and its size troubles nobody.
const WORTH_PACKING: u64 = 64 * 1024 * 1024;
/// How much of a dump's size its compressed file needs at most, if it is one that compresses at all.
const PACKED: f64 = 1.0 / 3.0;

/// What to back up, and where to.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The direct URL.
    pub url: &'a DatabaseUrl,
    /// Where backups go.
    pub directory: &'a Path,
    /// The project's root, where npm may have installed a server for the proof.
    pub project: &'a Path,
    /// Real users' data: the backup's name begins with `prod`.
    pub production: bool,
    /// The environment of `prisma-safe.toml`, which otherwise begins its name.
    pub environment: Option<&'a str>,
    /// The migrations that are to be deployed next.
    pub precedes: &'a [String],
    pub settings: &'a config::Backup,
    pub env: &'a Env,
}

impl Request<'_> {
    /// Where a scratch server may be found.
    fn search(&self) -> Search<'_> {
        Search { env: self.env, pg_bin: self.settings.pg_bin.as_deref(), project: self.project }
    }
}

/// A backup that exists.
#[derive(Debug, Clone)]
pub struct Backup {
    pub path: PathBuf,
    pub manifest: Manifest,
}

/// Takes a backup. It exists, whole and on the disk, when this returns; after an error or Ctrl-C nothing of it is left.
///
/// # Errors
/// Exit status 1 if any step or check fails, 3 through a pooler that mixes sessions, 130 after Ctrl-C.
pub fn create(request: &Request<'_>, shell: &Shell) -> Result<Backup> {
    create_and_keep(request, shell).map(|(backup, _)| backup)
}

/// [`create`], which also hands over the scratch server with the restored backup, where it was proved by one.
///
/// # Errors
/// Those of [`create`].
pub fn create_and_keep(request: &Request<'_>, shell: &Shell) -> Result<(Backup, Option<Restored>)> {
    if let Some(provider) = request.settings.provider {
        return provider::create(provider, request, shell).map(|backup| (backup, None));
    }
    let guard = Guard::new()?;
    let sealing = Seal::read(request)?;
    refuse_pooler(request.url)?;
    let mut client = database::connect(request.url, APPLICATION)?;
    let server = Server::read(&mut client)?;
    let settings = request.settings;
    let pg_dump = PgDump::find(server.major, request.env, settings.pg_bin.as_deref())?;
    if settings.proof > Proof::Read {
        prove::demand(server.major, &request.search())?;
    }

    let mut snapshot = Snapshot::open(client, settings.lock_wait_seconds)?;
    let started_at = Timestamp::now();
    let relations = snapshot.relations()?;
    let migrations = snapshot.applied_migrations(&request.url.schema())?;
    let expected = relations.iter().map(|relation| relation.bytes).sum::<u64>() + snapshot.large_objects()?;

    let directory = Directory::prepare(request.directory)?;
    let format = format(settings.format, expected);
    let packed = if format.compressed() { PACKED } else { 1.0 };
    directory.demand(times(expected, settings.space_factor * packed))?;
    let prefix = names::prefix(request.production, request.environment);
    let format = if sealing.recipients.is_some() { format.sealed() } else { format };
    let (name, mut aside) = directory.create(&prefix, started_at, format)?;
    guard.check()?;

    let id = snapshot.id().to_owned();
    let dump = Dump {
        pg_dump: &pg_dump,
        snapshot: &id,
        request,
        directory: &directory,
        guard: &guard,
        format,
        seal: &sealing,
    };
    let taken = dump.run(snapshot, &relations, &mut aside, shell)?;
    let tables = agree(&relations, &taken)?;
    aside.sync()?;
    read_back(&aside, &taken.on_disk, &guard)?;
    sealing.opens(aside.partial())?;

    let proved_at = Timestamp::now();
    let mut manifest = Manifest {
        schema_version: manifest::SCHEMA_VERSION,
        id: manifest::new_id(started_at)?,
        file: name.as_str().to_owned(),
        started_at,
        finished_at: proved_at,
        bytes: taken.on_disk.bytes,
        sha256: taken.on_disk.sha256,
        format,
        dump: taken.dump,
        source: source(request.url, server, prefix),
        pg_dump_version: pg_dump.version().to_owned(),
        snapshot: id,
        tables,
        frames: taken.file.frames,
        encrypted_to: sealing.recipients.as_ref().map(Recipients::names).unwrap_or_default(),
        outside: None,
        migrations,
        precedes: request.precedes.to_vec(),
        proof: Proof::Read,
        proved_at,
    };
    let mut kept = None;
    if settings.proof > manifest.proof {
        let archive = Archive::at(aside.partial(), manifest.clone(), &sealing.keys);
        let (proof, restored) = prove::prove(&archive, settings.proof, &pg_dump, &request.search(), &guard, shell)?;
        (manifest.proof, kept) = (proof, Some(restored));
        manifest.proved_at = Timestamp::now();
    }
    let path = publish(&directory, &name, aside, &manifest)?;
    Ok((Backup { path, manifest }, kept))
}

/// Whom a backup is encrypted to, and with what it can be read again here.
struct Seal {
    recipients: Option<Recipients>,
    keys: Keys,
}

impl Seal {
    fn read(request: &Request<'_>) -> Result<Self> {
        let recipients = encryption::recipients(request.settings)?;
        let keys = encryption::keys(request.settings, request.env)?;
        if recipients.is_some() && keys.is_empty() && request.settings.proof > Proof::Read {
            return Err(Error::usage(format!(
                "backup.proof = \"{}\" needs a key that opens the backups",
                request.settings.proof
            ))
            .because("they are encrypted, and no identity is at hand on this machine")
            .help("give one (backup.identity), or be content with backup.proof = \"read\" in prisma-safe.toml"));
        }
        Ok(Self { recipients, keys })
    }

    /// Where there is a key, it must open what was just encrypted: a wrong one is better known now.
    fn opens(&self, file: &Path) -> Result<()> {
        if self.recipients.is_none() || self.keys.is_empty() {
            return Ok(());
        }
        let opened = File::open(file).explain(|| format!("could not read {}", file.display()))?;
        self.keys.fit(opened, "the new backup")
    }
}

/// Through a transaction pooler `pg_dump` changes the settings of other clients' sessions, and may dump something else.
pub(super) fn refuse_pooler(url: &DatabaseUrl) -> Result<()> {
    let named = url.pooled();
    let (provider, evidence) = match &named {
        Some(pooler) if pooler.mode == PoolMode::Transaction => (pooler.provider, pooler.evidence.as_str()),
        _ if pooler::probe(url, APPLICATION)?.sessions_mix => {
            ("a pooler", "one session ran on several server processes")
        }
        _ => return Ok(()),
    };
    let direct = named.as_ref().and_then(|pooler| pooler.direct_suggestion());
    let suggestion = direct.map(|direct| format!(", probably {direct}")).unwrap_or_default();
    Err(Error::refused(format!("{url} goes through {provider}, which shares connections between transactions"))
        .because(format!("{evidence}; a dump through it disturbs other clients and may be wrong"))
        .help(format!(
            "give the direct URL{suggestion}: with --url, in prisma-safe.toml (url-env), or in one of {}",
            pooler::DIRECT_VARIABLES.join(", ")
        )))
}

/// What a dump needs besides its snapshot.
struct Dump<'a> {
    pg_dump: &'a PgDump,
    snapshot: &'a str,
    request: &'a Request<'a>,
    directory: &'a Directory,
    guard: &'a Guard,
    format: Format,
    seal: &'a Seal,
}

impl Dump<'_> {
    /// Dumps and counts at the same time; what pg_dump says of itself goes before what we find.
    fn run(&self, snapshot: Snapshot, relations: &[Relation], aside: &mut Aside, shell: &Shell) -> Result<Taken> {
        let url = self.request.url;
        let mut progress = Progress::start(shell, "Dumping");
        let mut estimate = Estimate::new(relations);
        // counting holds the snapshot open until the dump has ended
        let mut counting = Counting::start(snapshot, relations.to_vec(), url);
        let wait = self.request.settings.lock_wait_seconds;
        let (running, stdout) = self.pg_dump.start(url, Some(self.snapshot), wait)?;
        let check = || self.guard.check().and_then(|()| counting.check());
        let show = |reader: &Reader| estimate.show(reader, &mut progress);
        let mut sealing = Sealing::begin(aside, self.seal.recipients.as_ref())?;
        let sink = |bytes: &[u8]| sealing.write(bytes);
        let to = stream::Destination { format: self.format, sink, directory: self.directory };
        let written = stream::write(stdout, to, check, show)?;
        // a dump that is cut short has a cause, and pg_dump knows it
        running.wait()?;
        let Written { contents, dump, file } = written;
        let contents = contents.map_err(|defect| Error::failed("the dump is not whole").because(defect))?;
        let counts = counting.finish(self.guard)?;
        let on_disk = sealing.finish()?.unwrap_or_else(|| Sum::new(file.bytes, &file.sha256));
        Ok(Taken { contents, counts, dump, file, on_disk })
    }
}

/// A whole dump, and the rows that the server counted meanwhile.
struct Taken {
    contents: Contents,
    counts: Vec<u64>,
    dump: Sum,
    /// Before it was encrypted.
    file: Encoded,
    on_disk: Sum,
}

/// Compares the rows that were dumped with those that the server counted in the same snapshot.
fn agree(relations: &[Relation], taken: &Taken) -> Result<Vec<Table>> {
    let Taken { contents, counts, file, .. } = taken;
    let mut dumped: BTreeMap<&TableName, u64> = BTreeMap::new();
    for block in &contents.blocks {
        *dumped.entry(&block.table).or_default() += block.rows;
    }
    let differs = |table: &TableName, what: String| {
        Err(Error::failed(format!("the dump does not hold what the database holds: {what} of table {table}"))
            .because("the dump and the count saw the same snapshot, so one of them is wrong")
            .help("try again; if it stays so, please report it with the versions of PostgreSQL and pg_dump"))
    };
    for (relation, count) in relations.iter().zip(counts) {
        match dumped.remove(&relation.name) {
            Some(rows) if rows == *count => {}
            Some(rows) => return differs(&relation.name, format!("{rows} instead of {count} rows")),
            None => return differs(&relation.name, format!("none of the {count} rows")),
        }
    }
    if let Some((table, rows)) = dumped.first_key_value() {
        return differs(table, format!("{rows} rows that were not counted"));
    }
    let tables = contents.blocks.iter().zip(&file.digests).map(|(block, digest)| Table {
        name: block.table.clone(),
        rows: block.rows,
        offset: block.offset,
        length: block.length,
        digest: Some(digest.to_string()),
    });
    Ok(tables.collect())
}

/// Reads the file again: what the disk gives back must be what was written.
fn read_back(aside: &Aside, written: &Sum, guard: &Guard) -> Result<()> {
    let file = File::open(aside.partial()).explain(|| format!("could not read {}", aside.partial().display()))?;
    if verify::hash(file, |_| guard.check())? == *written {
        return Ok(());
    }
    Err(Error::failed("the disk does not give back what was written to it").help("check the disk and its file system"))
}

/// Gives dump and manifest their names, the manifest last: a backup exists only with it.
pub(super) fn publish(directory: &Directory, name: &Name, dump: Aside, manifest: &Manifest) -> Result<PathBuf> {
    let target = names::manifest_path(&directory.path().join(name.as_str()));
    let partial = directory.path().join(names::manifest_partial(name));
    let mut beside = Aside::create(&partial, &target)?
        .ok_or_else(|| Error::failed(format!("another run writes {}", target.display())))?;
    beside.write(manifest.to_json()?.as_bytes())?;
    beside.sync()?;
    let path = dump.finish()?;
    if let Err(error) = beside.finish() {
        // a dump without a manifest would be taken for a backup by people
        let _ = fs::remove_file(&path);
        return Err(error);
    }
    Ok(path)
}

fn format(wanted: BackupFormat, bytes: u64) -> Format {
    match wanted {
        BackupFormat::Sql => Format::Sql,
        BackupFormat::Auto if bytes < WORTH_PACKING => Format::Sql,
        BackupFormat::Auto | BackupFormat::SqlZst => Format::SqlZst,
    }
}

pub(super) fn source(url: &DatabaseUrl, server: Server, environment: String) -> Source {
    Source {
        environment,
        address: format!("{}:{}/{}", url.host(), url.port(), server.database),
        database: server.database,
        oid: server.oid,
        system_identifier: server.system_identifier,
        server_version: server.version,
        server_major: server.major,
        size: server.size,
        encoding: server.encoding,
        collate: server.collate,
        ctype: server.ctype,
        extensions: server.extensions,
        time_zone: Some(server.time_zone),
    }
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate")]
fn times(bytes: u64, factor: f64) -> u64 {
    (bytes as f64 * factor.max(0.0)) as u64
}

#[cfg(test)]
mod tests;
