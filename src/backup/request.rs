//! What is asked for, and what a backup that exists is: the same for our own and for those of another tool.

use std::fs;
use std::path::{Path, PathBuf};

use super::aside::Aside;
use super::directory::Directory;
use super::manifest::{Manifest, Source};
use super::names::{self, Name};
use super::server::Server;
use super::settings::Settings;
use crate::database::DatabaseUrl;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::tools::scratch::Search;

/// The name that the server shows for our sessions.
pub(super) const APPLICATION: &str = "prisma-safe backup";

/// What to back up, and where to.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The direct URL.
    pub url: &'a DatabaseUrl,
    /// Schemas that Prisma manages besides the URL's (`schemas` of the data source).
    pub schemas: &'a [String],
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
    /// No rows but those of Prisma's history: for a rehearsal, and no backup of anything else.
    pub definitions_only: bool,
    pub settings: &'a Settings,
    pub env: &'a Env,
}

impl Request<'_> {
    /// The schemas that Prisma manages.
    pub(super) fn own(&self) -> Vec<String> {
        let main = self.url.schema();
        let mut own = vec![main.clone()];
        own.extend(self.schemas.iter().filter(|schema| **schema != main).cloned());
        own
    }

    pub(super) fn is_own(&self, schema: &str) -> bool {
        self.own().iter().any(|own| own == schema)
    }

    /// Where a scratch server may be found.
    pub(super) fn search(&self) -> Search<'_> {
        Search { env: self.env, pg_bin: self.settings.pg_bin.as_deref(), project: self.project }
    }
}

/// A backup that exists.
#[derive(Debug, Clone)]
pub struct Backup {
    pub path: PathBuf,
    pub manifest: Manifest,
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

/// What the manifest says of the database.
pub(super) fn source(url: &DatabaseUrl, server: Server, environment: String) -> Source {
    Source {
        environment,
        address: url.with_database(&server.database).address(),
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
