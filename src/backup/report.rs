//! Backups as people and as scripts read them.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Backup;
use super::copies::{Copied, Kept};
use super::lacking::plural;
use super::list::{Entry, State};
use super::manifest::Manifest;
use super::prune::{Done, Plan, Step};
use super::retention::{Fate, Reason};
use super::size;
use super::verify::Report;

use crate::ui::{counted, rows};

/// The version of the JSON documents.
const SCHEMA_VERSION: u32 = 1;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// `backups/prod_backup_20250121_103000.sql (1.38 GB, 5 tables, 2,115,000 rows; restored)`
impl fmt::Display for Backup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, manifest } = self;
        write!(f, "{} ({}; {}{})", path.display(), contents(manifest), manifest.proof, limits(manifest))
    }
}

/// What is not in it, and what was not restored when it was proved.
fn limits(manifest: &Manifest) -> String {
    let without = manifest.without.as_ref().map(|without| format!("; without {}", without.said()));
    let unrestored = match manifest.unrestored.as_slice() {
        [] => None,
        extensions => Some(format!(" without the {}, which this machine does not have", plural(extensions))),
    };
    unrestored.into_iter().chain(without).collect()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}; {})", self.path.display(), contents(&self.manifest), self.proof)
    }
}

/// `1.38 GB, 5 tables, 2,115,000 rows`
fn contents(manifest: &Manifest) -> String {
    if let Some(outside) = &manifest.outside {
        return format!("{} of {}, kept and checked by it", outside.label, outside.provider);
    }
    let tables = counted(manifest.tables.len() as u64, "table");
    format!("{}, {tables}, {}", size(manifest.bytes), rows(manifest.rows()))
}

/// How far it is proved; what another tool keeps is proved by that tool.
fn proof(manifest: &Manifest) -> String {
    manifest.outside.as_ref().map_or_else(|| manifest.proof.to_string(), |outside| outside.provider.to_string())
}

/// How long ago: `3 hours`. A time in the future is `0 seconds` ago.
pub fn age(time: Timestamp, now: Timestamp) -> String {
    let seconds = seconds(time, now);
    let (count, unit) = match seconds {
        DAY.. => (seconds / DAY, "day"),
        HOUR.. => (seconds / HOUR, "hour"),
        MINUTE.. => (seconds / MINUTE, "minute"),
        _ => (seconds, "second"),
    };
    counted(u64::try_from(count).unwrap_or_default(), unit)
}

fn seconds(time: Timestamp, now: Timestamp) -> i64 {
    now.as_second().saturating_sub(time.as_second()).max(0)
}

/// Copies by the place where they are.
pub type Elsewhere = [(String, Vec<Copied>)];

/// The copies of a backup, each named in full.
fn copies_of(id: Option<&str>, elsewhere: &Elsewhere) -> Vec<String> {
    let copies = elsewhere.iter().flat_map(|(place, copies)| copies.iter().map(move |copy| (place, copy)));
    copies
        .filter(|(_, copy)| copy.whole && Some(copy.manifest.id.as_str()) == id)
        .map(|(place, copy)| format!("{place}/{}", copy.name.as_str()))
        .collect()
}

/// Copies of backups that are not here, one for each backup, newest first.
fn only_elsewhere<'a>(entries: &[Entry], elsewhere: &'a Elsewhere) -> Vec<(&'a str, &'a Copied)> {
    let mut known: BTreeSet<&str> =
        entries.iter().filter_map(|entry| Some(entry.manifest.as_ref()?.id.as_str())).collect();
    let copies = elsewhere.iter().flat_map(|(place, copies)| copies.iter().map(move |copy| (place.as_str(), copy)));
    let mut found: Vec<_> = copies.filter(|(_, copy)| copy.whole && known.insert(&copy.manifest.id)).collect();
    found.sort_by_key(|(_, copy)| std::cmp::Reverse(copy.time()));
    found
}

/// The table of `backup list`; those that are elsewhere only come last.
pub fn table(entries: &[Entry], elsewhere: &Elsewhere, now: Timestamp) -> String {
    let mut rows = vec![["FILE", "AGE", "SIZE", "DATABASE", "PROOF", "COPIES", "PRECEDES"].map(str::to_owned)];
    rows.extend(entries.iter().map(|entry| {
        let manifest = entry.manifest.as_ref();
        let database = manifest.map_or("-".into(), |manifest| manifest.source.database.clone());
        let proof = match (&entry.state, manifest) {
            (State::Good, Some(manifest)) => proof(manifest),
            (state, _) => problem(state).unwrap_or_default(),
        };
        let precedes = manifest.map(|manifest| manifest.precedes.join(", ")).unwrap_or_default();
        let copies = copies_of(manifest.map(|manifest| manifest.id.as_str()), elsewhere).len().to_string();
        [entry.file(), age(entry.time, now), size(entry.bytes), database, proof, copies, precedes]
    }));
    rows.extend(only_elsewhere(entries, elsewhere).into_iter().map(|(place, copy)| {
        let manifest = &copy.manifest;
        [
            format!("{place}/{}", copy.name.as_str()),
            age(copy.time(), now),
            size(manifest.bytes),
            manifest.source.database.clone(),
            proof(manifest),
            copies_of(Some(&manifest.id), elsewhere).len().to_string(),
            manifest.precedes.join(", "),
        ]
    }));
    aligned(&rows)
}

/// The table of `backup prune --dry-run`.
pub fn fates(plan: &Plan, elsewhere: &[(String, Vec<Kept>)], now: Timestamp) -> String {
    let mut rows = vec![["FILE", "AGE", "SIZE", "WHAT"].map(str::to_owned)];
    rows.extend(plan.steps.iter().map(|step| {
        let entry = &step.entry;
        [entry.file(), age(entry.time, now), size(entry.bytes), step.describe()]
    }));
    rows.extend(elsewhere.iter().flat_map(|(place, kept)| {
        kept.iter().map(move |Kept { copy, deleted }| {
            let what = if *deleted { "delete" } else { "keep" };
            let file = format!("{place}/{}", copy.name.as_str());
            [file, age(copy.time(), now), size(copy.manifest.bytes), what.into()]
        })
    }));
    aligned(&rows)
}

/// Cells under each other.
fn aligned<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let width = |column: usize| rows.iter().map(|row| console::measure_text_width(&row[column])).max().unwrap_or(0);
    let widths: Vec<usize> = (0..COLUMNS).map(width).collect();
    let lines = rows.iter().map(|row| {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| console::pad_str(cell, *width, console::Alignment::Left, None).into_owned());
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    });
    lines.collect()
}

/// What is wrong with an entry.
fn problem(state: &State) -> Option<String> {
    Some(match state {
        State::Good => return None,
        State::NoManifest => "not proved: no manifest".into(),
        State::NoDump => "broken: its dump is gone".into(),
        State::BrokenManifest(why) => format!("not proved: {why}"),
        State::WrongSize { expected } => format!("broken: {expected} bytes expected"),
    })
}

/// The document of `backup list --format json`.
pub fn listed(entries: &[Entry], elsewhere: &Elsewhere, now: Timestamp) -> Value {
    let here = entries.iter().map(|entry| {
        let manifest = entry.manifest.as_ref();
        json!({
            "file": entry.file(),
            "path": entry.path,
            "archived": entry.archived,
            "pinned": entry.pinned,
            "startedAt": entry.time,
            "ageSeconds": seconds(entry.time, now),
            "bytes": entry.bytes,
            "database": manifest.map(|manifest| &manifest.source.database),
            "rows": manifest.map(Manifest::rows),
            "proof": manifest.filter(|_| entry.state == State::Good).map(|manifest| manifest.proof),
            "precedes": manifest.map(|manifest| manifest.precedes.as_slice()).unwrap_or_default(),
            "copies": copies_of(manifest.map(|manifest| manifest.id.as_str()), elsewhere),
            "problem": problem(&entry.state),
        })
    });
    let there = only_elsewhere(entries, elsewhere).into_iter().map(|(place, copy)| {
        let manifest = &copy.manifest;
        json!({
            "file": format!("{place}/{}", copy.name.as_str()),
            "path": null,
            "archived": false,
            "pinned": false,
            "startedAt": copy.time(),
            "ageSeconds": seconds(copy.time(), now),
            "bytes": manifest.bytes,
            "database": manifest.source.database,
            "rows": manifest.rows(),
            "proof": manifest.proof,
            "precedes": manifest.precedes,
            "copies": copies_of(Some(&manifest.id), elsewhere),
            "problem": null,
        })
    });
    let backups: Vec<Value> = here.chain(there).collect();
    json!({ "schemaVersion": SCHEMA_VERSION, "backups": backups })
}

/// The document of `backup verify --format json`.
pub fn verified(report: &Report) -> Value {
    json!({
        "schemaVersion": SCHEMA_VERSION,
        "path": report.path,
        "good": report.problems.is_empty(),
        "proof": report.problems.is_empty().then_some(report.proof),
        "problems": report.problems,
        "manifest": report.manifest,
    })
}

/// The document of `backup create --format json`.
pub fn created(backup: &Backup) -> Value {
    json!({ "schemaVersion": SCHEMA_VERSION, "path": backup.path, "manifest": backup.manifest })
}

/// The document of `backup prune --format json`; `done` is missing where nothing was to be done yet.
pub fn pruned(plan: &Plan, elsewhere: &[(String, Vec<Kept>)], done: Option<&Done>, now: Timestamp) -> Value {
    let steps: Vec<Value> = plan
        .steps
        .iter()
        .map(|Step { entry, fate }| {
            let (because, compress, archive, fate) = match fate {
                Fate::Delete => (Vec::new(), false, None, "delete"),
                Fate::Keep { because, compress, archive } => {
                    (because.iter().map(Reason::name).collect(), *compress, *archive, "keep")
                }
            };
            json!({
                "file": entry.file(),
                "ageSeconds": seconds(entry.time, now),
                "bytes": entry.bytes,
                "fate": fate,
                "because": because,
                "compress": compress,
                "archive": archive.map(|month| month.to_string()),
            })
        })
        .collect();
    let copies = elsewhere.iter().flat_map(|(place, kept)| kept.iter().map(move |kept| (place, kept)));
    let copies: Vec<Value> = copies
        .map(|(place, Kept { copy, deleted })| {
            json!({
                "file": format!("{place}/{}", copy.name.as_str()),
                "ageSeconds": seconds(copy.time(), now),
                "fate": if *deleted { "delete" } else { "keep" },
            })
        })
        .collect();
    json!({
        "schemaVersion": SCHEMA_VERSION,
        "copies": copies,
        "dryRun": done.is_none(),
        "clock": plan.clock,
        "steps": steps,
        "deleted": done.map_or(0, |done| done.deleted),
        "compressed": done.map_or(0, |done| done.compressed),
        "archived": done.map_or(0, |done| done.archived),
        "freedBytes": done.map_or(0, |done| done.freed),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::names::Name;

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    #[test]
    fn an_age_has_one_unit() {
        let now = at("2025-01-22T10:00:00Z");
        let ages = ["2025-01-20T10:00:00Z", "2025-01-22T09:00:00Z", "2025-01-22T09:58:30Z", "2025-01-23T10:00:00Z"]
            .map(|time| age(at(time), now));
        assert_eq!(ages, ["2 days", "1 hour", "1 minute", "0 seconds"]);
    }

    #[test]
    fn a_dump_without_a_manifest_is_shown_as_such() {
        let name = Name::parse("prod_backup_20250121_103000.sql").unwrap();
        let entry = Entry {
            path: name.as_str().into(),
            time: name.time().unwrap(),
            name,
            bytes: 1_380_000_000,
            manifest: None,
            state: State::NoManifest,
            archived: false,
            pinned: false,
        };
        let now = at("2025-01-21T12:30:00Z");
        let expected = "\
FILE                             AGE      SIZE     DATABASE  PROOF                    COPIES  PRECEDES
prod_backup_20250121_103000.sql  2 hours  1.38 GB  -         not proved: no manifest  0
";
        assert_eq!(table(std::slice::from_ref(&entry), &[], now), expected);
        let document = listed(&[entry], &[], now);
        assert_eq!(document["backups"][0]["ageSeconds"], 7200);
        assert_eq!(document["backups"][0]["proof"], Value::Null);
        assert_eq!(document["backups"][0]["problem"], "not proved: no manifest");
    }
}
