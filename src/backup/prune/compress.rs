//! An old plain backup becomes a compressed one: written aside, read again and compared, and only then put in its place.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::super::archive::Archive;
use super::super::aside::Aside;
use super::super::directory::Directory;
use super::super::encryption::Keys;
use super::super::list::Entry;
use super::super::manifest::{Format, Manifest};
use super::super::request;
use super::super::stream::{self, Destination};
use super::super::{hex, names, verify};
use super::files;
use crate::error::{Error, Explain as _, Result};
use crate::ui::Shell;
use crate::ui::interrupt::Guard;
use crate::ui::progress::{Position, Progress};

/// Compresses a backup; gives its new file and the bytes that are free again. After an error it is what it was.
pub(super) fn compress(entry: &Entry, guard: &Guard, shell: &Shell) -> Result<(PathBuf, u64)> {
    let missing = || Error::failed(format!("{} has no manifest", entry.file()));
    let original = entry.manifest.as_ref().ok_or_else(missing)?;
    let directory = Directory::prepare(entry.path.parent().unwrap_or(Path::new(".")))?;
    let name = entry.name.in_format(Format::SqlZst);
    let target = directory.path().join(name.as_str());
    if finished(&target, original)? {
        files::delete(&entry.path)?;
        return Ok((target, 0));
    }
    let aside = Aside::create(&directory.path().join(name.partial()), &target)?;
    let mut aside = aside.ok_or_else(|| Error::failed(format!("another run is writing {}", target.display())))?;
    let manifest = write(entry, original, &mut aside, &directory, guard, shell)?;
    aside.sync()?;

    let archive = Archive::at(aside.partial(), manifest.clone(), &Keys::none());
    let problems = verify::problems(&archive, guard, shell)?;
    if !problems.is_empty() {
        return Err(Error::failed(format!(
            "{} does not come out of its compression as it was; it stays",
            entry.file()
        ))
        .because(problems.join("\n"))
        .help("is the backup itself undamaged? prisma-safe backup verify"));
    }
    let saved = original.bytes.saturating_sub(manifest.bytes);
    let path = request::publish(&directory, &name, aside, &manifest)?;
    if names::pin_path(&entry.path).exists() {
        super::pin(&path, true)?;
    }
    files::delete(&entry.path)?;
    Ok((path, saved))
}

/// Whether a run that was killed has done it already; a file without a manifest is what one left half done.
fn finished(target: &Path, original: &Manifest) -> Result<bool> {
    if !target.exists() {
        return Ok(false);
    }
    match Manifest::read(target)? {
        Some(manifest) if manifest.id == original.id => Ok(true),
        Some(_) => Err(Error::failed(format!("{} is another backup", target.display()))),
        None => {
            fs::remove_file(target).explain(|| format!("could not remove {}", target.display()))?;
            Ok(false)
        }
    }
}

/// Writes the compressed file; gives the manifest that describes it.
fn write(
    entry: &Entry,
    original: &Manifest,
    aside: &mut Aside,
    directory: &Directory,
    guard: &Guard,
    shell: &Shell,
) -> Result<Manifest> {
    let source = File::open(&entry.path).explain(|| format!("could not read {}", entry.path.display()))?;
    let mut progress = Progress::start(shell, "Compressing");
    let sink = |bytes: &[u8]| aside.write(bytes);
    let to = Destination { format: Format::SqlZst, sink, directory };
    let written = stream::write(
        source,
        to,
        || guard.check(),
        |reader| {
            #[expect(clippy::cast_precision_loss, reason = "for the eye")]
            let fraction = reader.bytes() as f64 / original.dump.bytes.max(1) as f64;
            progress.show(Position { fraction, bytes: reader.bytes(), tables: None, current: "" });
        },
    )?;
    if written.dump != original.dump {
        return Err(Error::failed(format!("{} is not what was taken; it stays as it is", entry.file()))
            .because("its SHA-256 is not the manifest's")
            .help("look for an undamaged copy, and take a new backup"));
    }
    Ok(Manifest {
        schema_version: super::super::manifest::SCHEMA_VERSION,
        bytes: written.file.bytes,
        sha256: hex(&written.file.sha256),
        format: Format::SqlZst,
        frames: written.file.frames,
        ..original.clone()
    })
}
