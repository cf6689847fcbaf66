//! Taking a backup: the order of steps, and what must agree before it counts as one.

use std::fs::File;
use std::path::Path;

use jiff::Timestamp;

use super::ahead::Starting;
use super::archive::Archive;
use super::aside::Aside;
use super::directory::Directory;
use super::dump::{Dump, agree};
use super::encryption::{self, Keys, Recipients};
use super::manifest::{self, Format, Manifest, Proof, Sum};
use super::names;
use super::prove::{self, Restored};
use super::request::{APPLICATION, Backup, Request, publish, source};
use super::scope::Scope;
use super::server::Server;
use super::settings::Written;
use super::snapshot::{Relation, Snapshot};
use super::{provider, verify};
use crate::database::{self, history, pooler};
use crate::error::{Error, Explain as _, Result};
use crate::tools::pg_dump::PgDump;
use crate::ui::Shell;
use crate::ui::interrupt::Guard;

/// Tables of this many bytes are worth compressing: people read smaller ones, and their size does not matter.
const WORTH_PACKING: u64 = 64 * 1024 * 1024;
/// How much of a dump's size its compressed file needs at most, if it is one that compresses at all.
const PACKED: f64 = 1.0 / 3.0;

/// Takes a backup. It exists, whole and on the disk, when this returns; after an error or Ctrl-C nothing of it is left.
///
/// # Errors
/// Exit status 1 if any step or check fails, 3 through a pooler that mixes sessions, 130 after Ctrl-C.
pub fn create(request: &Request<'_>, shell: &Shell) -> Result<Backup> {
    create_and_keep(request, None, shell).map(|(backup, _)| backup)
}

/// [`create`], which also hands over the scratch server with the restored backup, where it was proved by one; `starting` is one
/// that was begun before.
///
/// # Errors
/// Those of [`create`].
pub fn create_and_keep(
    request: &Request<'_>,
    starting: Option<Starting>,
    shell: &Shell,
) -> Result<(Backup, Option<Restored>)> {
    if let Some(provider) = request.settings.provider {
        return provider::create(provider, request, shell).map(|backup| (backup, None));
    }
    let guard = Guard::new()?;
    let sealing = Seal::read(request)?;
    pooler::refuse(request.url, APPLICATION)?;
    let mut client = database::connect(request.url, APPLICATION)?;
    let server = Server::read(&mut client)?;
    let settings = request.settings;
    let pg_dump = PgDump::find(server.major, request.env, settings.pg_bin.as_deref())?;
    if settings.proof > Proof::Read && starting.is_none() {
        prove::demand(server.major, &request.search())?;
    }

    let mut snapshot = Snapshot::open(client, settings.lock_wait_seconds)?;
    let started_at = Timestamp::now();
    let scope = Scope::of(snapshot.client(), request, true)?;
    scope.check(request)?;
    let Scope { relations, without, .. } = scope;
    let mut relations = relations.tables;
    let without_rows = if request.definitions_only { strip(&mut relations) } else { Vec::new() };
    let migrations = snapshot.applied_migrations(&request.url.schema())?;
    let expected = relations.iter().map(|relation| relation.bytes).sum::<u64>()
        + match &without {
            Some(without) if without.large_objects => 0,
            _ => snapshot.large_objects()?,
        };

    let directory = Directory::prepare(request.directory)?;
    let format = format(settings.format, expected);
    let packed = if format.compressed() { PACKED } else { 1.0 };
    directory.demand(times(expected, settings.space_factor * packed))?;
    let prefix = names::prefix(request.production, request.environment);
    let format = if sealing.recipients.is_some() { format.sealed() } else { format };
    let (name, mut aside) = directory.create(&prefix, started_at, format)?;
    guard.check()?;
    let mut starting = match starting {
        None if settings.proof > Proof::Read => Some(Starting::begin(&server, &[], &request.search())),
        begun => begun,
    };

    let id = snapshot.id().to_owned();
    let dump = Dump {
        pg_dump: &pg_dump,
        snapshot: &id,
        url: request.url,
        lock_wait_seconds: settings.lock_wait_seconds,
        directory: &directory,
        guard: &guard,
        format,
        recipients: sealing.recipients.as_ref(),
        without_rows: &without_rows,
        without: without.as_ref(),
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
        without,
        unrestored: Vec::new(),
        migrations,
        precedes: request.precedes.to_vec(),
        proof: Proof::Read,
        proved_at,
    };
    let mut kept = None;
    let archive = Archive::at(aside.partial(), manifest.clone(), &sealing.keys);
    if settings.proof == Proof::Read {
        decodes(&archive, &sealing.keys, &guard)?;
    } else {
        let (proof, restored) =
            prove::prove(&archive, settings.proof, &pg_dump, (starting.take(), &request.search()), &guard, shell)?;
        manifest.unrestored.clone_from(&restored.lacking.extensions);
        (manifest.proof, kept) = (proof, Some(restored));
        manifest.proved_at = Timestamp::now();
    }
    let path = publish(&directory, &name, aside, &manifest)?;
    Ok((Backup { path, manifest }, kept))
}

/// Takes every table but Prisma's history out of those that are dumped with their rows; gives their names.
fn strip(relations: &mut Vec<Relation>) -> Vec<String> {
    let stripped = relations.extract_if(.., |relation| relation.name.name != history::TABLE);
    stripped.map(|relation| relation.name.quoted()).collect()
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

/// Reads the file again: what the disk gives back must be what was written.
fn read_back(aside: &Aside, written: &Sum, guard: &Guard) -> Result<()> {
    let file = File::open(aside.partial()).explain(|| format!("could not read {}", aside.partial().display()))?;
    if verify::hash(file, |_| guard.check())? == *written {
        return Ok(());
    }
    Err(Error::failed("the disk does not give back what was written to it").help("check the disk and its file system"))
}

/// Unpacks the file once, where that can be done here: what comes out is the dump. Restoring it shows that as well, and a
/// plain file is the dump.
fn decodes(archive: &Archive, keys: &Keys, guard: &Guard) -> Result<()> {
    let Manifest { format, dump, .. } = archive.manifest();
    if *format == Format::Sql || format.encrypted() && keys.is_empty() {
        return Ok(());
    }
    if verify::hash(archive.read_all()?, |_| guard.check())? == *dump {
        return Ok(());
    }
    Err(Error::failed("the backup does not unpack to what was dumped").help("check this machine's memory and disk"))
}

fn format(wanted: Written, bytes: u64) -> Format {
    match wanted {
        Written::Sql => Format::Sql,
        Written::Auto if bytes < WORTH_PACKING => Format::Sql,
        Written::Auto | Written::SqlZst => Format::SqlZst,
    }
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate")]
fn times(bytes: u64, factor: f64) -> u64 {
    (bytes as f64 * factor.max(0.0)) as u64
}

#[cfg(test)]
mod tests;
