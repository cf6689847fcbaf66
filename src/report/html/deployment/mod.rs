//! The page of a deployment, made from its journal: what was to be done, what the review found, the backup, the rehearsal as a time
//! line, what became of the rows, the checks afterwards.

mod journal;
mod migration;
mod outcome;
mod picture;

use serde::Serialize;
use serde_json::Value;

use self::migration::Planned;
use self::outcome::Outcome;
use self::picture::Rehearsal;
use super::pages;
use crate::backup::{self, Manifest};
use crate::deploy::Event;
use crate::deploy::journal::{End, Entry, Record};
use crate::project::Migration;
use crate::ui::{counted, moment, rows};

/// What the page is made from.
#[derive(Debug, Clone, Copy)]
pub struct Deployment<'a> {
    pub record: &'a Record,
    pub entries: &'a [Entry],
    /// The folder's migrations, for their text.
    pub migrations: &'a [Migration],
    /// Of the backup, where that is still there.
    pub manifest: Option<&'a Manifest>,
}

#[derive(Serialize)]
struct Page<'a> {
    title: String,
    /// The page's colour.
    class: &'static str,
    state: &'static str,
    what: String,
    sentence: String,
    target: &'a str,
    server: Option<&'a str>,
    began: String,
    plan_hash: Option<&'a str>,
    consent: Option<&'a str>,
    parts: Vec<Part>,
    migrations: Vec<Planned<'a>>,
    together: Vec<&'a Value>,
    unchecked: Vec<&'a Value>,
    backup: Vec<String>,
    rehearsal: Rehearsal<'a>,
    outcome: Outcome<'a>,
    verified: Vec<&'a Value>,
    journal: Vec<journal::Line>,
    version: &'static str,
    file: String,
}

/// A part of the page that the head leads to.
#[derive(Serialize)]
struct Part {
    id: &'static str,
    title: &'static str,
    brief: String,
}

impl Deployment<'_> {
    /// One self-contained page: no script, no font, nothing fetched.
    pub fn html(&self) -> String {
        let record = self.record;
        let review = self.entries.iter().find_map(|entry| match &entry.event {
            Event::Review { report, .. } => report.as_ref(),
            _ => None,
        });
        let verified = self.entries.iter().rev().find_map(|entry| match &entry.event {
            Event::Verified { report, .. } => Some(list(&report["checks"])),
            _ => None,
        });
        let server = self.entries.iter().find_map(|entry| match &entry.event {
            Event::Preflight { server_version } => Some(server_version.as_str()),
            _ => None,
        });
        let rehearsal = Rehearsal::of(record.rehearsal.as_ref(), self.skipped());
        let outcome = Outcome::of(record.rehearsal.as_ref());
        let (class, state, sentence) = self.state();
        let backup = self.backup();
        let verified = verified.unwrap_or_default();
        let migrations: Vec<Planned<'_>> = record
            .pending
            .iter()
            .map(|planned| {
                let mut reviewed = review.into_iter().flat_map(|review| list(&review["migrations"]));
                let found = reviewed.find(|it| it["name"] == planned.name.as_str());
                self.planned(&planned.name, &planned.checksum, found)
            })
            .collect();
        let findings: usize = migrations.iter().map(|migration| migration.findings).sum();
        let mut parts = vec![
            Part {
                id: "plan",
                title: "Plan",
                brief: format!(
                    "{}, {}",
                    counted(migrations.len() as u64, "migration"),
                    counted(findings as u64, "finding")
                ),
            },
            Part { id: "backup", title: "Backup", brief: backup.first().cloned().unwrap_or_default() },
            Part { id: "rehearsal", title: "Rehearsal", brief: rehearsal.brief() },
        ];
        if !outcome.is_empty() {
            parts.push(Part { id: "outcome", title: "What became of the rows", brief: outcome.brief() });
        }
        parts.push(Part { id: "checks", title: "Verification", brief: counted(verified.len() as u64, "check") });
        parts.push(Part { id: "journal", title: "Journal", brief: counted(self.entries.len() as u64, "entry") });
        let what = self.what();
        pages::render(
            "deployment.html",
            Page {
                title: format!("{state}: {what}"),
                class,
                state,
                what,
                sentence,
                target: record.target.as_deref().unwrap_or("unknown"),
                server,
                began: record.started.map_or_else(|| "unknown".into(), moment),
                plan_hash: record.plan_hash.as_deref(),
                consent: record.consent.as_deref(),
                parts,
                migrations,
                together: review.map(|review| list(&review["together"]).collect()).unwrap_or_default(),
                unchecked: review.map(|review| list(&review["unchecked"]).collect()).unwrap_or_default(),
                backup,
                rehearsal,
                outcome,
                verified: verified.collect(),
                journal: self.entries.iter().map(journal::line).collect(),
                version: env!("CARGO_PKG_VERSION"),
                file: record.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
            },
        )
    }

    fn what(&self) -> String {
        let target = self.record.target.as_deref().unwrap_or("an unknown database");
        if self.record.rollback { format!("rollback on {target}") } else { format!("deployment to {target}") }
    }

    fn state(&self) -> (&'static str, &'static str, String) {
        let applied = counted(self.record.applied.len() as u64, "migration");
        match (&self.record.end, self.record.verified) {
            (Some(End::Finished), _) if self.record.rollback => {
                ("pass", "finished", "The rollback came to its end.".into())
            }
            (Some(End::Finished), _) => ("pass", "finished", format!("{applied} applied and verified.")),
            (Some(End::Failed(error)), _) => ("fail", "failed", format!("{} {}", self.record.last, first_line(error))),
            (Some(End::Explained(text)), _) => ("fail", "cut short", text.clone()),
            (None, _) => ("warn", "not ended", format!("The journal ends {}.", self.record.last)),
        }
    }

    fn skipped(&self) -> Option<&str> {
        self.entries.iter().find_map(|entry| match &entry.event {
            Event::RehearsalSkipped { reason } => Some(reason.as_str()),
            _ => None,
        })
    }

    fn backup(&self) -> Vec<String> {
        let skipped = self.entries.iter().find_map(|entry| match &entry.event {
            Event::BackupSkipped { reason } => Some(format!("none was taken: {reason}")),
            _ => None,
        });
        let Some(file) = &self.record.backup else {
            return vec![skipped.unwrap_or_else(|| "it did not come to a backup".into())];
        };
        let mut facts = vec![file.display().to_string()];
        facts.extend(self.record.sha256.as_ref().map(|sha256| format!("SHA-256 {sha256}")));
        match self.manifest {
            Some(manifest) => {
                let tables = counted(manifest.tables.len() as u64, "table");
                facts.push(format!("{}, {tables}, {}", backup::size(manifest.bytes), rows(manifest.rows())));
                facts.push(format!("proof: {} ({})", manifest.proof, moment(manifest.proved_at)));
                facts.extend(manifest.without.as_ref().map(|without| format!("without {}", without.said())));
                let names = manifest.unrestored.join(", ");
                facts.extend((!names.is_empty()).then(|| format!("read back, but not restored: what needs {names}")));
            }
            None => facts.push("its manifest is not there any more, so its proof is not shown".into()),
        }
        facts
    }
}

/// The items; none where the journal of another version has none.
fn list(value: &Value) -> std::slice::Iter<'_, Value> {
    value.as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests;
