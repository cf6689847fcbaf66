//! Backups that a deployment may still be undone with.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{Entry, Event, Journal};
use crate::error::Result;

impl Journal {
    /// The file names of such backups, as they were taken: those of deployments that have no end yet, and of the newest one to each target.
    ///
    /// # Errors
    /// Exit status 1 if the records cannot be read.
    pub fn needed_backups(root: &Path) -> Result<BTreeSet<String>> {
        Ok(needed(Self::all(root)?.into_iter().map(|(_, entries)| entries)))
    }
}

/// `records` are in the order of their beginning.
fn needed(records: impl Iterator<Item = Vec<Entry>>) -> BTreeSet<String> {
    let mut open = BTreeSet::new();
    let mut newest = BTreeMap::new();
    for entries in records {
        let ended = entries.iter().any(|entry| entry.event.is_end());
        let mut to = String::new();
        for entry in entries {
            match entry.event {
                Event::Started { target, .. } => to = target,
                Event::Backup { file, .. } if ended => {
                    newest.insert(to.clone(), name(&file));
                }
                Event::Backup { file, .. } => {
                    open.insert(name(&file));
                }
                _ => {}
            }
        }
    }
    open.extend(newest.into_values());
    open
}

fn name(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(target: &str, file: &str, end: Option<Event>) -> Vec<Entry> {
        let started = Event::Started { version: "1".into(), target: target.into(), pending: Vec::new() };
        let backup = Event::Backup { file: format!("/backups/{file}").into(), sha256: "x".into() };
        [Some(started), Some(backup), end]
            .into_iter()
            .flatten()
            .map(|event| Entry { at: jiff::Timestamp::UNIX_EPOCH, event })
            .collect()
    }

    #[test]
    fn the_newest_of_each_target_and_what_has_no_end() {
        let records = [
            record("a", "1", None),
            record("a", "2", Some(Event::Finished)),
            record("b", "3", Some(Event::Failed { error: "x".into() })),
            record("a", "4", Some(Event::Finished)),
        ];
        let needed: Vec<String> = needed(records.into_iter()).into_iter().collect();
        assert_eq!(needed, ["1", "3", "4"]);
    }
}
