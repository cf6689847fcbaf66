//! What the record of a deployment says, and what became of one that was cut short: there the database has the last word.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::{Entry, Event, Journal, Planned, Stage};
use crate::database::history::State;
use crate::database::{History, Identity};
use crate::error::Result;
use crate::ui::moment;

/// A stage with its times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Timed {
    pub stage: Stage,
    pub started: Timestamp,
    /// None while it runs, and where it was cut short or failed.
    pub milliseconds: Option<u64>,
}

/// How a deployment ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It did what it should.
    Finished,
    /// It did not; the error.
    Failed(String),
    /// It was cut short, and a later one has said so.
    Explained(String),
}

/// One deployment, as its file tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its file.
    pub path: PathBuf,
    /// When it began; none if not even that was written.
    pub started: Option<Timestamp>,
    /// The target, as [`crate::database::DatabaseUrl::identity`] names it.
    pub target: Option<String>,
    /// The same, as its server named it; none in older files.
    pub server: Option<Identity>,
    /// It is a rollback, not a deployment.
    pub rollback: bool,
    /// What it was to apply.
    pub pending: Vec<Planned>,
    /// The stages it came to.
    pub stages: Vec<Timed>,
    /// The hash of its plan.
    pub plan_hash: Option<String>,
    /// How someone consented to losing data.
    pub consent: Option<String>,
    /// The backup it had taken.
    pub backup: Option<PathBuf>,
    /// Its hash.
    pub sha256: Option<String>,
    /// The rehearsal's report.
    pub rehearsal: Option<Value>,
    /// The migration that had begun and not ended.
    pub applying: Option<String>,
    /// What it had applied.
    pub applied: Vec<String>,
    /// Whether it had verified the database, and found it sound.
    pub verified: Option<bool>,
    /// Its end; none while it runs, and if it was cut short.
    pub end: Option<End>,
    /// The last thing it did, as a clause.
    pub last: String,
}

/// How things stand after one that was cut short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remainder {
    /// It changed nothing: the deploy goes on as if it had not been.
    Nothing,
    /// These are applied, by the database's own word; nothing is half done.
    Applied { names: Vec<String>, undone: Option<String> },
    /// This one stands in the history as failed: parts of it may be in the database.
    Failed { name: String },
}

impl Record {
    /// What the entries of a file come to.
    pub fn of(path: PathBuf, entries: Vec<Entry>) -> Self {
        let mut found = Self {
            path,
            started: entries.first().map(|entry| entry.at),
            target: None,
            server: None,
            rollback: false,
            pending: Vec::new(),
            stages: Vec::new(),
            plan_hash: None,
            consent: None,
            backup: None,
            sha256: None,
            rehearsal: None,
            applying: None,
            applied: Vec::new(),
            verified: None,
            end: None,
            last: "before it wrote anything".into(),
        };
        for entry in entries {
            found.read(entry);
        }
        found
    }

    fn read(&mut self, Entry { at, event }: Entry) {
        match event {
            Event::Started { target, server, pending, .. } => {
                (self.target, self.server, self.pending) = (Some(target), server, pending);
                self.last = "before its first stage".into();
            }
            Event::RollbackStarted { target, server, .. } => {
                (self.target, self.server, self.rollback) = (Some(target), server, true);
                self.last = "at the beginning of a rollback".into();
            }
            Event::RolledBack { name, .. } => self.last = format!("after it had rolled {name} back"),
            Event::StageStarted { stage } => {
                self.stages.push(Timed { stage, started: at, milliseconds: None });
                self.last = format!("during the {stage}");
            }
            Event::StageEnded { stage, milliseconds } => {
                if let Some(timed) = self.stages.iter_mut().rfind(|timed| timed.stage == stage) {
                    timed.milliseconds = Some(milliseconds);
                }
                self.last = format!("after the {stage}");
            }
            Event::Review { plan_hash, .. } => self.plan_hash = Some(plan_hash),
            Event::Consent { how, .. } => self.consent = Some(how),
            Event::Backup { file, sha256 } => (self.backup, self.sha256) = (Some(file), Some(sha256)),
            Event::Rehearsal { report } => self.rehearsal = Some(report),
            Event::Applying { name, .. } => {
                self.last = format!("while it applied {name}");
                self.applying = Some(name);
            }
            Event::Applied { name, .. } => {
                self.last = format!("after it had applied {name}");
                self.applying = None;
                self.applied.push(name);
            }
            Event::StepStarted { name } => self.last = format!("during the data step {name}"),
            Event::StepEnded { name, .. } => self.last = format!("after the data step {name}"),
            Event::StepFailed { name, .. } => self.last = format!("after the data step {name} had failed"),
            Event::Verified { sound, .. } => {
                self.verified = Some(sound);
                self.last = "after everything was done".into();
            }
            Event::Finished => self.end = Some(End::Finished),
            Event::Failed { error } => self.end = Some(End::Failed(error)),
            Event::Explained { text } => self.end = Some(End::Explained(text)),
            _ => {}
        }
    }

    /// Whether it was to the database at `place` ([`crate::database::DatabaseUrl::identity`]), as that answers now.
    pub fn is_of(&self, place: &str, now: Option<&Identity>) -> bool {
        self.target.as_ref().is_some_and(|then| Identity::counts((place, now), (then, self.server.as_ref())))
    }

    /// Asks the history what became of it.
    pub fn remainder(&self, history: Option<&History>) -> Remainder {
        let state = |name: &String| history.and_then(|history| history.state(name));
        let pending = self.pending.iter().map(|planned| &planned.name);
        if let Some(name) = self.applying.iter().chain(pending).find(|name| state(name) == Some(State::Failed)) {
            return Remainder::Failed { name: name.clone() };
        }
        let mut begun: Vec<String> = self.applied.clone();
        begun.extend(self.applying.clone());
        let names: Vec<String> = begun.into_iter().filter(|name| state(name) == Some(State::Applied)).collect();
        let undone = self.applying.clone().filter(|name| !names.contains(name));
        match names.is_empty() {
            true => Remainder::Nothing,
            false => Remainder::Applied { names, undone },
        }
    }

    /// Where things stand, in sentences for a person.
    pub fn explain(&self, history: Option<&History>) -> String {
        let when = self.started.map_or_else(String::new, |time| format!(" of {}", moment(time)));
        let cut = format!("the deployment{when} was cut short {}", self.last);
        let backup = match &self.backup {
            Some(file) => format!("; its backup is {}", file.display()),
            None => String::new(),
        };
        let then = match self.remainder(history) {
            Remainder::Nothing => match &self.applying {
                Some(name) => format!("the database has undone {name}, and nothing else was applied"),
                None => "nothing was applied".into(),
            },
            Remainder::Applied { names, undone } => {
                let checked = if self.verified.is_some() { "" } else { ", though not verified yet" };
                let undone = undone.map_or(String::new(), |name| format!("; the database has undone {name}"));
                format!("applied: {}{checked}{undone}", names.join(", "))
            }
            Remainder::Failed { name } => {
                format!("{name} stands in the history as failed, so parts of it may be in the database")
            }
        };
        format!("{cut}: {then}{backup}")
    }

    /// Notes that this has been explained: the next deploy does not tell it again.
    ///
    /// # Errors
    /// Exit status 1 if the record cannot be written.
    pub fn close(&self, explanation: &str) -> Result<()> {
        Journal::join(&self.path)?.record(Event::Explained { text: explanation.into() })
    }
}
