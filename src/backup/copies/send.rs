//! A backup to every place that the settings name, and what is there already.

use std::path::Path;

use super::{Copied, Place, places, upload};
use crate::backup::{Backup, Manifest, Settings};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::ui::interrupt::Guard;

/// Copies a new backup to every place that the settings name.
///
/// # Errors
/// If fewer copies are there afterwards than are required, or after Ctrl-C.
pub fn copy_new(backup: &Backup, settings: &Settings, context: &Context) -> Result<()> {
    let places = places(settings, &context.env)?;
    let total = places.len();
    let mut missing = 0;
    let mut last = None;
    for place in &places {
        if let Some(error) = send(&backup.path, &backup.manifest, std::slice::from_ref(place), context)? {
            missing += 1;
            last = Some(error);
        }
    }
    let there = total - missing;
    match last {
        Some(error) if there < settings.required_copies => Err(Error::failed(format!(
            "{there} of {} required copies of the backup are there (backup.required-copies)",
            settings.required_copies
        ))
        .because(error)
        .help("the backup itself stands; once the place is reached again: prisma-safe backup copy")),
        _ => Ok(()),
    }
}

/// Copies to each place; gives the first failure, which is shown too.
///
/// # Errors
/// Ctrl-C ends it at once.
pub fn send(path: &Path, manifest: &Manifest, places: &[Place], context: &Context) -> Result<Option<Error>> {
    let guard = Guard::new()?;
    let mut first = None;
    for place in places {
        context.shell.status("Copying", format_args!("to {place}"));
        match upload(path, manifest, place, &guard) {
            Ok(()) => context.shell.status("Copied", format_args!("to {place}, and read back")),
            Err(error) if error.exit() == Exit::Cancelled => return Err(error),
            Err(error) => {
                context.shell.warn(format_args!("no copy at {place}: {}", error.with_causes()));
                first = first.or(Some(error));
            }
        }
    }
    Ok(first)
}

/// The copies at every place; one that is not reached is said, and has none.
///
/// # Errors
/// Exit status 2 for a place that is not understood.
pub fn elsewhere(settings: &Settings, context: &Context) -> Result<Vec<(String, Vec<Copied>)>> {
    let mut found = Vec::new();
    for place in places(settings, &context.env)? {
        match place.list() {
            Ok(copies) => found.push((place.to_string(), copies)),
            Err(error) => {
                context.shell.warn(format_args!("the copies at {place} are not known: {}", error.with_causes()));
            }
        }
    }
    Ok(found)
}
