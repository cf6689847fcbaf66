//! Backups that a deployment may still be undone with.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{Journal, Record};
use crate::error::Result;

impl Journal {
    /// The file names of such backups, as they were taken: those of deployments that have no end yet, and of the newest one to
    /// each target.
    ///
    /// # Errors
    /// Exit status 1 if the records cannot be read.
    pub fn needed_backups(root: &Path) -> Result<BTreeSet<String>> {
        Ok(needed(&Self::records(root)?))
    }
}

/// `records` are in the order of their beginning.
fn needed(records: &[Record]) -> BTreeSet<String> {
    let mut open = BTreeSet::new();
    let mut newest = BTreeMap::new();
    for record in records {
        let Some(file) = record.backup.as_deref().and_then(Path::file_name) else { continue };
        let file = file.to_string_lossy().into_owned();
        if record.end.is_none() {
            open.insert(file);
        } else {
            newest.insert(record.target.as_deref(), file);
        }
    }
    open.extend(newest.into_values());
    open
}

#[cfg(test)]
mod tests {
    use super::super::{Entry, Event};
    use super::*;

    fn record(target: &str, file: &str, end: Option<Event>) -> Record {
        let started = format!(
            r#"{{"at":"2025-01-01T00:00:00Z","event":"started","version":"1","target":"{target}","pending":[]}}"#
        );
        let backup =
            format!(r#"{{"at":"2025-01-01T00:00:00Z","event":"backup","file":"/backups/{file}","sha256":"x"}}"#);
        let mut entries: Vec<Entry> =
            [started, backup].iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        entries.extend(end.map(|event| Entry { at: jiff::Timestamp::UNIX_EPOCH, event }));
        Record::of("x".into(), entries)
    }

    #[test]
    fn the_newest_of_each_target_and_what_has_no_end() {
        let records = [
            record("a", "1", None),
            record("a", "2", Some(Event::Finished)),
            record("b", "3", Some(Event::Failed { error: "x".into() })),
            record("a", "4", Some(Event::Finished)),
        ];
        let needed: Vec<String> = needed(&records).into_iter().collect();
        assert_eq!(needed, ["1", "3", "4"]);
    }
}
