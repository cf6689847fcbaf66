//! What a deployment that was killed has left, told by its record and by the database: the database has the last word.

use std::fmt;
use std::path::PathBuf;

use jiff::Timestamp;

use super::{Entry, Event, Journal};
use crate::database::History;
use crate::database::history::State;
use crate::error::Result;

/// The record of a deployment without an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interrupted {
    /// Its file.
    pub path: PathBuf,
    /// When it began; none if not even that was written.
    pub started: Option<Timestamp>,
    /// The target, as [`crate::database::DatabaseUrl::identity`] names it.
    pub target: Option<String>,
    /// What it was to apply.
    pub pending: Vec<String>,
    /// The last thing it did, as a clause.
    pub last: String,
    /// The migration that had begun and not ended.
    pub applying: Option<String>,
    /// What it had applied.
    pub applied: Vec<String>,
    /// Whether it had verified the database.
    pub verified: bool,
    /// The backup it had taken.
    pub backup: Option<PathBuf>,
}

/// How things stand after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remainder {
    /// It changed nothing: the deploy goes on as if it had not been.
    Nothing,
    /// These are applied, by the database's own word; nothing is half done.
    Applied { names: Vec<String>, undone: Option<String> },
    /// This one stands in the history as failed: parts of it may be in the database.
    Failed { name: String },
}

impl Interrupted {
    pub(super) fn new(path: PathBuf, entries: Vec<Entry>) -> Self {
        let mut found = Self {
            path,
            started: entries.first().map(|entry| entry.at),
            target: None,
            pending: Vec::new(),
            last: "before it wrote anything".into(),
            applying: None,
            applied: Vec::new(),
            verified: false,
            backup: None,
        };
        for Entry { event, .. } in entries {
            found.read(event);
        }
        found
    }

    fn read(&mut self, event: Event) {
        self.last = match event {
            Event::Started { target, pending, .. } => {
                (self.target, self.pending) = (Some(target), pending);
                "before its first stage".into()
            }
            Event::StageStarted { stage } => format!("during the {stage}"),
            Event::StageEnded { stage, .. } => format!("after the {stage}"),
            Event::Backup { file, .. } => {
                self.backup = Some(file);
                return;
            }
            Event::Applying { name, .. } => {
                self.applying = Some(name.clone());
                format!("while it applied {name}")
            }
            Event::Applied { name, .. } => {
                self.applying = None;
                let last = format!("after it had applied {name}");
                self.applied.push(name);
                last
            }
            Event::Verified { .. } => {
                self.verified = true;
                "after everything was done".into()
            }
            _ => return,
        };
    }

    /// Asks the history what became of it.
    pub fn remainder(&self, history: Option<&History>) -> Remainder {
        let state = |name: &String| history.and_then(|history| history.state(name));
        if let Some(name) = self.applying.iter().chain(&self.pending).find(|name| state(name) == Some(State::Failed)) {
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
        let when =
            self.started.map_or_else(String::new, |time| format!(" of {}", time.strftime("%Y-%m-%d %H:%M:%S UTC")));
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
                let checked = if self.verified { "" } else { ", though not verified yet" };
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

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: cut short {}", self.path.display(), self.last)
    }
}
