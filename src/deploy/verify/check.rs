//! What was found, check by check, as people and programs read it.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value, json};

use super::{Answer, Verified};
use crate::database::Standing;
use crate::database::health::drop_index;
use crate::error::{Error, Result};
use crate::ui::{Mark, Shell};

/// So many lines of a check are shown.
const SHOWN: usize = 20;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    /// As it should be.
    Passed,
    /// To be known; no reason to go back.
    Warned,
    /// Broken.
    Failed,
    /// Not looked at; the notes say why. Never to be taken for passed.
    Unchecked,
}

impl From<Status> for Mark {
    fn from(status: Status) -> Self {
        match status {
            Status::Passed => Self::Good,
            Status::Warned => Self::Look,
            Status::Failed => Self::Bad,
            Status::Unchecked => Self::Unknown,
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// `history`, `catalog`, `rows`, `indexes`, `constraints`, `sequences`, `drift`, or `query: NAME`.
    pub name: String,
    pub status: Status,
    /// What was found, a sentence each.
    pub notes: Vec<String>,
    /// How to fix it, as SQL or a command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cure: Option<String>,
    /// The last deployment has told it already.
    #[serde(skip)]
    pub told_before: bool,
}

impl Check {
    /// With notes that are shortened where they are many.
    pub fn new(name: impl Into<String>, status: Status, notes: impl IntoIterator<Item = impl ToString>) -> Self {
        let mut notes: Vec<String> = notes.into_iter().map(|note| note.to_string()).collect();
        if notes.len() > SHOWN {
            let more = notes.len() - SHOWN;
            notes.truncate(SHOWN);
            notes.push(format!("and {more} more"));
        }
        Self { name: name.into(), status, notes, cure: None, told_before: false }
    }

    pub(super) fn of_answer(answer: &Answer) -> Self {
        let status = if answer.sound { Status::Passed } else { Status::Failed };
        Self::new(format!("query: {}", answer.name), status, &answer.notes)
    }

    /// Failed, or else passed.
    fn of(name: &str, wrong: impl IntoIterator<Item = impl ToString>) -> Self {
        let check = Self::new(name, Status::Failed, wrong);
        let status = if check.notes.is_empty() { Status::Passed } else { Status::Failed };
        Self { status, ..check }
    }

    /// Prisma's history against the folder.
    pub fn history(standing: &Standing) -> Self {
        let mut wrong: Vec<String> = standing.failed.iter().map(|row| format!("{} has failed", row.name)).collect();
        wrong.extend(standing.edited.iter().map(|name| format!("{name} was changed after it was applied")));
        let mut open: Vec<String> = standing.pending.iter().map(|name| format!("{name} is pending")).collect();
        open.extend(standing.missing.iter().map(|name| format!("{name} is applied, but its file is gone")));
        let status = match (wrong.is_empty(), open.is_empty()) {
            (false, _) => Status::Failed,
            (true, false) => Status::Warned,
            (true, true) => Status::Passed,
        };
        Self::new("history", status, wrong.into_iter().chain(open))
    }

    /// What failed, as an error says it.
    pub fn failed(name: impl Into<String>, error: &Error) -> Self {
        Self::new(name, Status::Failed, [error.with_causes()]).with_cure(error.help_text().map(ToOwned::to_owned))
    }

    /// With what fixes it, whatever its status.
    #[must_use]
    pub fn with_cure(mut self, cure: Option<impl Into<String>>) -> Self {
        self.cure = cure.map(Into::into).filter(|cure| !cure.is_empty());
        self
    }

    /// A line for people with this mark before it, and below it what more there is to say.
    pub fn write(&self, text: &mut String, mark: &str) {
        let mut notes = self.notes.iter().flat_map(|note| note.lines());
        // writing to a String does not fail
        let _ = match notes.next() {
            Some(first) => writeln!(text, "  {mark} {}: {first}", self.name),
            None => writeln!(text, "  {mark} {}", self.name),
        };
        for note in notes {
            let _ = writeln!(text, "      {note}");
        }
        for (at, line) in self.cure.as_deref().unwrap_or_default().lines().enumerate() {
            let _ = writeln!(text, "      {} {line}", if at == 0 { "help:" } else { "     " });
        }
    }

    fn cured_by(mut self, cure: String) -> Self {
        self.cure = (self.status == Status::Failed).then_some(cure);
        self
    }
}

impl Verified {
    /// Everything that was looked at.
    pub fn checks(&self) -> Vec<Check> {
        let mut checks = vec![
            Check::of(
                "history",
                self.unfinished.iter().map(|name| format!("{name} is not applied by Prisma's history")),
            )
            .cured_by("prisma-safe migrate status".into()),
        ];
        checks.push(match &self.differences {
            Some(differences) => {
                let with = format!("compared with {}", self.compared_with);
                let mut check = Check::of("catalog", differences);
                check.notes.insert(0, with);
                check
            }
            None => Check::new(
                "catalog",
                Status::Unchecked,
                ["without a rehearsal the definitions were compared with nothing"],
            ),
        });
        let mut rows = Check::of("rows", self.emptied.iter().map(|change| format!("lost its rows: {change}")));
        rows.notes.extend(self.tables.iter().map(ToString::to_string));
        checks.push(rows);
        let drops: Vec<String> = self.invalid_indexes.iter().map(drop_index).collect();
        checks.push(
            Check::of("indexes", self.invalid_indexes.iter().map(|index| format!("{index} is invalid")))
                .cured_by(drops.join("\n")),
        );
        let unvalidated = self.unvalidated.iter().map(|constraint| format!("{constraint} is not validated yet"));
        let status = if self.unvalidated.is_empty() { Status::Passed } else { Status::Warned };
        checks.push(Check::new("constraints", status, unvalidated));
        let cures: Vec<String> = self.behind.iter().map(super::Sequence::cure).collect();
        let mut sequences = Check::of("sequences", &self.behind).cured_by(cures.join("\n"));
        if sequences.status == Status::Passed && !self.unread_sequences.is_empty() {
            sequences = Check::new("sequences", Status::Unchecked, &self.unread_sequences);
        }
        checks.push(sequences);
        checks.extend(self.answers.iter().map(Check::of_answer));
        checks
    }
}

/// All checks of one verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The target, as [`crate::database::DatabaseUrl::identity`] names it.
    pub target: String,
    pub checks: Vec<Check>,
    /// What takes the last migration back, where there is one.
    pub rollback: Option<String>,
}

impl Report {
    /// Nothing is broken.
    pub fn is_sound(&self) -> bool {
        self.failed().next().is_none()
    }

    fn failed(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.status == Status::Failed)
    }

    /// The document that `schemas/verify.schema.json` describes.
    pub fn document(&self) -> Value {
        json!({
            "schemaVersion": 1,
            "target": self.target,
            "sound": self.is_sound(),
            "checks": self.checks,
            "rollback": self.rollback,
        })
    }

    /// For people: a line a note, the checks that passed without any left out.
    pub fn lines(&self) -> Vec<String> {
        self.lines_of(|_| true)
    }

    fn lines_of(&self, told: impl Fn(&Check) -> bool) -> Vec<String> {
        let mut lines = Vec::new();
        for check in self.checks.iter().filter(|check| told(check)) {
            let mark = match check.status {
                Status::Passed => "",
                Status::Warned => "warning: ",
                Status::Failed => "failed: ",
                Status::Unchecked => "unchecked: ",
            };
            lines.extend(check.notes.iter().map(|note| format!("{mark}{}: {note}", check.name)));
        }
        lines
    }

    /// After a deploy: one line, and below it what did not pass; every note with `-v`.
    pub fn say(&self, shell: &Shell) {
        let brief = shell.verbose() == 0;
        if brief && self.is_sound() {
            let looked = |check: &&Check| matches!(check.status, Status::Passed | Status::Warned);
            let names: Vec<&str> = self.checks.iter().filter(looked).map(|check| check.name.as_str()).collect();
            shell.status("Verified", names.join(", "));
        }
        for line in self.lines_of(|check| !brief || check.status != Status::Passed && !check.told_before) {
            shell.detail(line);
        }
    }

    /// Refuses what is broken, with the fix and with the way back.
    ///
    /// # Errors
    /// Exit status 1.
    pub fn check(&self) -> Result<()> {
        let failed: Vec<String> =
            self.failed().map(|check| format!("{}: {}", check.name, check.notes.join("\n  "))).collect();
        if failed.is_empty() {
            return Ok(());
        }
        let mut help: Vec<String> = self.failed().filter_map(|check| check.cure.clone()).collect();
        help.extend(self.rollback.as_ref().map(|rollback| format!("to go back: {rollback}")));
        let error = Error::failed("the database is not as it should be after the deploy").because(failed.join("\n"));
        Err(if help.is_empty() { error } else { error.help(help.join("\n")) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::health::Blemish;

    fn report(verified: &Verified) -> Report {
        Report {
            target: "h:5432/d?schema=public".into(),
            checks: verified.checks(),
            rollback: Some("prisma-safe rollback 1_x".into()),
        }
    }

    #[test]
    fn only_breakage_is_refused() {
        let blemish = Blemish { table: "public.t".into(), name: "public.t_x_idx".into() };
        let unvalidated = report(&Verified { unvalidated: vec![blemish.clone()], ..Verified::default() });
        assert!(unvalidated.check().is_ok() && unvalidated.is_sound());
        assert!(unvalidated.lines().iter().any(|line| line.starts_with("unchecked: catalog")), "{unvalidated:?}");

        let invalid = report(&Verified { invalid_indexes: vec![blemish], ..Verified::default() });
        let error = invalid.check().unwrap_err();
        let help = error.help_text().unwrap();
        assert!(help.contains("DROP INDEX CONCURRENTLY public.t_x_idx;"), "{help}");
        assert!(help.ends_with("to go back: prisma-safe rollback 1_x"), "{help}");

        let unfinished = report(&Verified { unfinished: vec!["1_x".into()], ..Verified::default() });
        assert!(unfinished.check().unwrap_err().causes()[0].contains("1_x"));
        assert_eq!(unfinished.document()["sound"], false);
    }

    #[test]
    fn many_notes_are_shortened() {
        let check = Check::new("rows", Status::Passed, (0..100).map(|number| number.to_string()));
        assert_eq!((check.notes.len(), check.notes[SHOWN].as_str()), (SHOWN + 1, "and 80 more"));
    }
}
