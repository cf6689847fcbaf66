//! What prisma-safe keeps of a backup that another tool keeps: what the tool said, and a manifest.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::super::Backup;
use super::super::directory::Directory;
use super::super::manifest::Outside;
use super::super::manifest::{self, Format, Manifest, Proof, Sum};
use super::super::names;
use super::super::request::{self, Request};
use super::super::server::Server;
use crate::error::{Explain as _, Result};

/// Writes receipt and manifest.
pub(super) fn keep(
    outside: Outside,
    server: Server,
    started_at: Timestamp,
    migrations: Vec<String>,
    request: &Request<'_>,
) -> Result<Backup> {
    let directory = Directory::prepare(request.directory)?;
    let prefix = names::prefix(request.production, request.environment);
    let (name, mut aside) = directory.create(&prefix, started_at, Format::Receipt)?;
    let text = serde_json::to_string_pretty(&outside).explain(|| "could not write the receipt".into())?;
    aside.write(text.as_bytes())?;
    aside.sync()?;
    let sum = Sum::new(text.len() as u64, &Sha256::digest(&text).into());
    let finished_at = Timestamp::now();
    let manifest = Manifest {
        schema_version: manifest::SCHEMA_VERSION,
        id: manifest::new_id(started_at)?,
        file: name.as_str().to_owned(),
        started_at,
        finished_at,
        bytes: sum.bytes,
        sha256: sum.sha256.clone(),
        format: Format::Receipt,
        dump: sum,
        source: request::source(request.url, server, prefix),
        pg_dump_version: String::new(),
        snapshot: String::new(),
        tables: Vec::new(),
        frames: Vec::new(),
        migrations,
        precedes: request.precedes.to_vec(),
        proof: Proof::Read,
        proved_at: finished_at,
        encrypted_to: Vec::new(),
        outside: Some(outside),
        without: None,
        unrestored: Vec::new(),
    };
    let path = request::publish(&directory, &name, aside, &manifest)?;
    Ok(Backup { path, manifest })
}
