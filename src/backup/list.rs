//! What stands in the directory of backups, good or not.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::manifest::Manifest;
use super::names::{self, Name};
use crate::error::{Explain as _, Result};

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
}

/// The backups in a directory, newest first; none if there is no such directory.
///
/// # Errors
/// If it cannot be read.
pub fn list(directory: &Path) -> Result<Vec<Entry>> {
    let unreadable = || format!("could not read {}", directory.display());
    let files = match fs::read_dir(directory) {
        Ok(files) => files,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).explain(unreadable),
    };
    let mut found = BTreeSet::new();
    for file in files {
        let file = file.explain(unreadable)?.file_name();
        let file = file.to_string_lossy();
        found.extend(Name::parse(&file).or_else(|| names::of_manifest(&file)));
    }
    let mut entries: Vec<Entry> = found.into_iter().filter_map(|name| entry(directory, name)).collect();
    entries.sort_by(|one, other| other.time.cmp(&one.time).then_with(|| other.name.cmp(&one.name)));
    Ok(entries)
}

fn entry(directory: &Path, name: Name) -> Option<Entry> {
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
    Some(Entry { path, time, bytes: bytes.unwrap_or_default(), manifest, state, name })
}
