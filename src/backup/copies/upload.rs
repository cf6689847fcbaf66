//! One backup to one place: the dump, read back; then the manifest.

use std::fs::{self, File};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::super::manifest::Manifest;
use super::super::{hex, names};
use super::{Place, Put, Store};
use crate::error::{Error, Explain as _, Result};
use crate::ui::interrupt::Guard;

/// Copies a backup, unless the place has it. It is there, whole and read back, when this returns.
///
/// # Errors
/// If the place is not reached, holds something else under the name, or does not give back what it was given.
pub fn upload(backup: &Path, manifest: &Manifest, place: &Place, guard: &Guard) -> Result<()> {
    let name = backup.file_name().and_then(|name| name.to_str()).unwrap_or(&manifest.file);
    let failed = || format!("could not read {}", backup.display());
    let beside = names::manifest_path(backup);
    let text = fs::read(&beside).explain(|| format!("could not read {}", beside.display()))?;
    let store = place.open()?;
    let mut file = File::open(backup).explain(failed)?;
    let bytes = file.metadata().explain(failed)?.len();
    let put = store.put_new(name, &mut file, bytes, guard)?;
    let (found, sha256) = hash(&*store, name, guard)?;
    if found != bytes || sha256 != manifest.sha256 {
        let there = match put {
            Put::Exists => format!("{place} holds another object called {name}"),
            Put::Done => format!("{place} does not give back the {name} that it was given"),
        };
        return Err(Error::failed(there)
            .because(format!("{found} bytes instead of {bytes}, or another SHA-256"))
            .help("nothing was replaced; look at what is there, move it away, then: prisma-safe backup copy"));
    }
    let manifest_name = format!("{name}{}", names::MANIFEST);
    if store.put_new(&manifest_name, &mut text.as_slice(), text.len() as u64, guard)? == Put::Done {
        return Ok(());
    }
    // its proof may have grown since it was copied
    match read(&*store, &manifest_name)?.and_then(|text| Manifest::parse(&text).ok()) {
        Some(other) if other.id == manifest.id => Ok(()),
        _ => Err(Error::failed(format!("{place} holds another manifest called {manifest_name}"))
            .help("look at what is there and move it away")),
    }
}

/// Size and SHA-256 of an object, read in full.
fn hash(store: &dyn Store, name: &str, guard: &Guard) -> Result<(u64, String)> {
    let (mut bytes, mut hash) = (0, Sha256::new());
    store.read(name, &mut |piece| {
        bytes += piece.len() as u64;
        hash.update(piece);
        guard.check()
    })?;
    Ok((bytes, hex(&hash.finalize())))
}

/// A small object.
pub(super) fn read(store: &dyn Store, name: &str) -> Result<Option<Vec<u8>>> {
    let mut text = Vec::new();
    let found = store.read(name, &mut |piece| {
        text.extend_from_slice(piece);
        Ok(())
    })?;
    Ok(found.then_some(text))
}
