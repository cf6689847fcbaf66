//! Which backup is meant: by its path, as `backup list` shows it, as a copy elsewhere, or the newest.

use std::path::{Path, PathBuf};

use super::copies::{self, Place};
use super::{Settings, list};
use crate::context::Context;
use crate::error::{Error, Result};

/// The file of a backup: as typed, or as `backup list` shows it.
///
/// # Errors
/// If there is none.
pub fn locate(file: &Path, directory: &Path, settings: &Settings, context: &Context) -> Result<PathBuf> {
    if let Some(path) = fetched(file, directory, settings, context)? {
        return Ok(path);
    }
    let candidates = [context.directory.join(file), directory.join(file)];
    candidates.into_iter().find(|path| path.is_file()).ok_or_else(|| {
        Error::failed(format!("backup {} does not exist", file.display()))
            .help("prisma-safe backup list shows those that there are")
    })
}

fn newest(directory: &Path) -> Result<PathBuf> {
    let newest = list(directory)?.into_iter().next();
    newest.map(|entry| entry.path).ok_or_else(|| {
        Error::failed(format!("no backup in {}", directory.display())).help("take one: prisma-safe backup")
    })
}

/// The backup that is meant: as [`locate`] finds it, or the newest.
///
/// # Errors
/// If there is none.
pub fn find(context: &Context, directory: &Path, settings: &Settings, file: Option<&Path>) -> Result<PathBuf> {
    match file {
        Some(file) => locate(file, directory, settings, context),
        None => newest(directory),
    }
}

/// A backup that is typed as a place's copy: it is fetched, unless it is here already.
///
/// # Errors
/// If it is not there, or is not what its manifest says.
fn fetched(file: &Path, directory: &Path, settings: &Settings, context: &Context) -> Result<Option<PathBuf>> {
    let Some(text) = file.to_str().filter(|text| Place::looks_like(text)) else { return Ok(None) };
    // as `backup list` shows it: how its place is reached stands in the settings
    let configured = copies::places(settings, &context.env)?.into_iter().find_map(|place| {
        let name = text.strip_prefix(&format!("{place}/"))?.to_owned();
        (!name.contains(['/', '?'])).then_some((place, name))
    });
    let (place, name) = configured.map_or_else(|| Place::of_copy(text, &context.env), Ok)?;
    copies::fetch(&place, &name, directory, &context.shell).map(Some)
}
