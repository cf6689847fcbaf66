//! The journal's entries as sentences.

use serde::Serialize;

use super::picture;
use crate::deploy::Event;
use crate::deploy::journal::Entry;

#[derive(Serialize)]
pub(super) struct Line {
    at: String,
    text: String,
}

pub(super) fn line(entry: &Entry) -> Line {
    Line { at: entry.at.strftime("%H:%M:%S%.3f").to_string(), text: said(&entry.event) }
}

fn said(event: &Event) -> String {
    match event {
        Event::Started { version, pending, .. } => {
            let names: Vec<&str> = pending.iter().map(|planned| planned.name.as_str()).collect();
            format!("prisma-safe {version} began, to apply {}", names.join(", "))
        }
        Event::Resumes { record } => format!("goes on where {} stopped", record.display()),
        Event::StageStarted { stage } => format!("{stage} began"),
        Event::StageEnded { stage, milliseconds } => format!("{stage} done in {}", picture::time(*milliseconds)),
        Event::Preflight { server_version } => format!("nothing stood in the way on PostgreSQL {server_version}"),
        Event::Review { plan_hash, .. } => format!("the review let the plan {plan_hash} pass"),
        Event::Consent { how, reason } => match reason {
            Some(reason) => format!("consent to losing data: {how}, because {reason}"),
            None => format!("consent to losing data: {how}"),
        },
        Event::Backup { file, .. } => format!("backup {}", file.display()),
        Event::BackupSkipped { reason } => format!("no backup: {reason}"),
        Event::Rehearsal { report } => {
            format!("rehearsed: {}", report["verdict"].as_str().unwrap_or("with a report of another version"))
        }
        Event::RehearsalSkipped { reason } => format!("no rehearsal: {reason}"),
        Event::Applying { name, .. } => format!("{name} began"),
        Event::SessionEnded { session } => format!("ended {session}, which was in the way"),
        Event::Applied { name, milliseconds, tries } => {
            let tries = if *tries > 1 { format!(" at try {tries}") } else { String::new() };
            format!("{name} applied in {}{tries}", picture::time(*milliseconds))
        }
        Event::Capsule { name, .. } => format!("what {name} destroys was saved for a rollback"),
        Event::StepStarted { name } => format!("the data step {name} began"),
        Event::StepEnded { name, milliseconds, .. } => {
            format!("the data step {name} ended in {}", picture::time(*milliseconds))
        }
        Event::StepFailed { name, error, .. } => format!("the data step {name} failed: {error}"),
        Event::Verified { sound: true, .. } => "the database is as it should be".into(),
        Event::Verified { sound: false, .. } => "the database is not as it should be".into(),
        Event::RollbackStarted { version, migrations, .. } => {
            format!("prisma-safe {version} began to roll back {}", migrations.join(", "))
        }
        Event::RolledBack { name, .. } => format!("{name} rolled back"),
        Event::Finished => "finished".into(),
        Event::Failed { error } => format!("failed: {error}"),
        Event::Explained { text } => format!("a later run found: {text}"),
    }
}
