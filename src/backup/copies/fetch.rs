//! A copy back to this machine, where the backup itself is gone.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::super::aside::Aside;
use super::super::directory::Directory;
use super::super::manifest::Manifest;
use super::super::names::{self, Name};
use super::super::{hex, size};
use super::{Place, upload};
use crate::error::{Error, Result};
use crate::ui::Shell;
use crate::ui::interrupt::Guard;

/// Brings the copy `name` into the directory of backups, unless it is there; gives its path.
///
/// # Errors
/// If there is no such copy, or it is not what its manifest says; then nothing of it is left here.
pub fn fetch(place: &Place, name: &str, directory: &Path, shell: &Shell) -> Result<PathBuf> {
    let target = directory.join(name);
    if target.exists() && names::manifest_path(&target).exists() {
        return Ok(target);
    }
    let guard = Guard::new()?;
    let no_copy =
        || Error::failed(format!("{place} holds no copy {name}")).help("prisma-safe backup list shows the copies");
    let parsed = Name::parse(name).ok_or_else(no_copy)?;
    let store = place.open()?;
    let text = upload::read(&*store, &format!("{name}{}", names::MANIFEST))?.ok_or_else(no_copy)?;
    let manifest = Manifest::parse(&text)?;
    shell.status("Fetching", format_args!("{place}/{name} ({})", size(manifest.bytes)));

    let directory = Directory::prepare(directory)?;
    directory.demand(manifest.bytes)?;
    let create = |partial: String, target: &Path| {
        Aside::create(&directory.path().join(partial), target)?
            .ok_or_else(|| Error::failed(format!("another run is writing {}", target.display())))
    };
    let mut dump = create(parsed.partial(), &target)?;
    let mut hash = Sha256::new();
    let found = store.read(name, &mut |piece| {
        guard.check()?;
        hash.update(piece);
        dump.write(piece)
    })?;
    if !found {
        return Err(no_copy());
    }
    if hex(&hash.finalize()) != manifest.sha256 {
        return Err(Error::failed(format!("the copy {place}/{name} is not the backup that was taken"))
            .help("look for another copy"));
    }
    let beside = names::manifest_path(&target);
    let mut manifest = create(names::manifest_partial(&parsed), &beside)?;
    manifest.write(&text)?;
    let path = dump.finish()?;
    if let Err(error) = manifest.finish() {
        // a dump without a manifest would be taken for a backup by people
        let _ = fs::remove_file(&path);
        return Err(error);
    }
    Ok(path)
}
