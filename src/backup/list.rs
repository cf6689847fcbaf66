//! What stands in the directory of backups, good or not.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::manifest::Manifest;
use super::names::{self, Name};
use crate::error::{Explain as _, Result};

/// The directory of those that are kept for long, below that of the others; within it one for each month.
pub(super) const ARCHIVE: &str = "archive";

/// Whether an entry can be taken for a backup, by its manifest and size alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Dump and manifest stand together, and the size is right.
    Good,
    /// A dump without a manifest: of another program, or of a run that was killed.
    NoManifest,
    /// A manifest without its dump.
    NoDump,
    /// The manifest is not understood; why.
    BrokenManifest(String),
    /// The dump has another size than the manifest says.
    WrongSize { expected: u64 },
}

/// One backup, or what is left of one.
#[derive(Debug, Clone)]
pub struct Entry {
    pub name: Name,
    pub path: PathBuf,
    /// When it was taken: by the manifest, else by the name.
    pub time: Timestamp,
    /// Size of the dump in bytes.
    pub bytes: u64,
    pub manifest: Option<Manifest>,
    pub state: State,
    /// Whether it is in the archive.
    pub archived: bool,
    /// Whether a person said that it stays.
    pub pinned: bool,
}

impl Entry {
    /// Its name as `backup verify` and `restore` take it: `archive/2025-01/prod_backup_20250121_103000.sql`.
    pub fn file(&self) -> String {
        let month = self.path.parent().and_then(Path::file_name).filter(|_| self.archived);
        let place = month.map(|month| format!("{ARCHIVE}/{}/", month.to_string_lossy())).unwrap_or_default();
        format!("{place}{}", self.name.as_str())
    }
}

/// The backups in a directory, newest first; none if there is no such directory.
///
/// # Errors
/// If it cannot be read.
pub fn list(directory: &Path) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for place in places(directory)? {
        let mut found = BTreeSet::new();
        for file in files(&place)? {
            let file = file.file_name();
            let file = file.to_string_lossy();
            found.extend(Name::parse(&file).or_else(|| names::of_manifest(&file)));
        }
        let archived = place != directory;
        entries.extend(found.into_iter().filter_map(|name| entry(&place, name, archived)));
    }
    entries.sort_by(|one, other| other.time.cmp(&one.time).then_with(|| other.name.cmp(&one.name)));
    Ok(entries)
}

/// The directory and those of its archive; none that is not there.
pub(super) fn places(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut places: Vec<PathBuf> = directory.exists().then(|| directory.to_owned()).into_iter().collect();
    let months = files(&directory.join(ARCHIVE))?.into_iter();
    places.extend(months.filter(|file| file.file_type().is_ok_and(|kind| kind.is_dir())).map(|file| file.path()));
    Ok(places)
}

/// What is in a directory; nothing if there is none.
fn files(directory: &Path) -> Result<Vec<fs::DirEntry>> {
    let unreadable = || format!("could not read {}", directory.display());
    match fs::read_dir(directory) {
        Ok(files) => files.collect::<std::io::Result<_>>().explain(unreadable),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).explain(unreadable),
    }
}

fn entry(directory: &Path, name: Name, archived: bool) -> Option<Entry> {
    let path = directory.join(name.as_str());
    let bytes = fs::metadata(&path).ok().map(|file| file.len());
    let (manifest, state) = match (Manifest::read(&path), bytes) {
        (Err(error), _) => (None, State::BrokenManifest(error.causes().join(": "))),
        (Ok(manifest), None) => (manifest, State::NoDump),
        (Ok(None), Some(_)) => (None, State::NoManifest),
        (Ok(Some(manifest)), Some(bytes)) => {
            let state =
                if bytes == manifest.bytes { State::Good } else { State::WrongSize { expected: manifest.bytes } };
            (Some(manifest), state)
        }
    };
    let time = manifest.as_ref().map(|manifest| manifest.started_at).or_else(|| name.time())?;
    let pinned = names::pin_path(&path).exists();
    Some(Entry { path, time, bytes: bytes.unwrap_or_default(), manifest, state, archived, pinned, name })
}
