//! The verdict, and how looks are shown to people and programs.

use std::fmt::Write as _;

use console::Style;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::deploy::verify::{Check, Status};
use crate::report::{self, MonitorPage};
use crate::ui::{Mark, Shell, moment};

/// What the checks come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// Nothing that was looked at speaks against the deployment.
    Healthy,
    /// Something wants a look or a fix, and going back would not help, or not yet.
    Watch,
    /// The deployment has made things worse.
    RollBack,
}

impl Verdict {
    /// A failed check is a reason to go back, any other finding to look again.
    pub fn of(checks: &[Check]) -> Self {
        let any = |status| checks.iter().any(|check| check.status == status);
        match () {
            () if any(Status::Failed) => Self::RollBack,
            () if any(Status::Warned) => Self::Watch,
            () => Self::Healthy,
        }
    }

    /// `roll back`
    pub fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Watch => "watch",
            Self::RollBack => "roll back",
        }
    }

    fn style(self) -> Style {
        match self {
            Self::Healthy => Style::new().green().bold(),
            Self::Watch => Style::new().yellow().bold(),
            Self::RollBack => Style::new().red().bold(),
        }
    }
}

/// One of several looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Look {
    pub at: Timestamp,
    pub verdict: Verdict,
}

/// The last look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// As [`crate::database::DatabaseUrl::identity`] names it.
    pub target: String,
    /// The deployment that it is compared with.
    pub since: Option<String>,
    pub at: Timestamp,
    pub checks: Vec<Check>,
    /// What takes the last migration back, where there is one.
    pub rollback: Option<String>,
}

impl Seen {
    pub fn verdict(&self) -> Verdict {
        Verdict::of(&self.checks)
    }

    /// What to do by the verdict.
    fn next(&self) -> Option<String> {
        match self.verdict() {
            Verdict::Healthy => None,
            Verdict::Watch => Some("see to what is marked, and look again: prisma-safe monitor".into()),
            Verdict::RollBack => self.rollback.clone(),
        }
    }

    /// `healthy, 2 not checked`
    pub fn line(&self) -> String {
        let count = |status| self.checks.iter().filter(|check| check.status == status).count();
        let parts = [(Status::Failed, "failed"), (Status::Warned, "to look at"), (Status::Unchecked, "not checked")];
        let parts = parts.into_iter().map(|(status, word)| (count(status), word)).filter(|(count, _)| *count > 0);
        let parts: Vec<String> = parts.map(|(count, word)| format!("{count} {word}")).collect();
        let verdict = self.verdict().word();
        if parts.is_empty() { verdict.to_owned() } else { format!("{verdict}: {}", parts.join(", ")) }
    }
}

/// The document that `schemas/monitor.schema.json` describes.
pub fn document(seen: &Seen, looks: &[Look]) -> Value {
    json!({
        "schemaVersion": 1,
        "target": seen.target,
        "at": seen.at,
        "since": seen.since,
        "verdict": seen.verdict(),
        "checks": seen.checks,
        "rollback": seen.rollback,
        "next": seen.next(),
        "looks": looks,
    })
}

/// One self-contained page.
pub fn html(seen: &Seen, looks: &[Look]) -> String {
    let class = match seen.verdict() {
        Verdict::Healthy => "pass",
        Verdict::Watch => "warn",
        Verdict::RollBack => "fail",
    };
    let next = seen.next();
    report::monitor(&MonitorPage {
        class,
        verdict: seen.verdict().word(),
        target: &seen.target,
        line: &seen.line(),
        at: moment(seen.at),
        since: seen.since.as_deref(),
        next: next.as_deref(),
        list: &json!(seen.checks),
        looks: &json!(looks),
    })
}

/// For people: a line a check, the verdict at the end.
pub fn text(seen: &Seen, shell: &Shell) -> String {
    let mut text = String::new();
    let since = seen.since.as_deref().unwrap_or("no deployment from this folder is known");
    // writing to a String does not fail
    let _ = writeln!(text, "{}, {} (since: {since})", seen.target, moment(seen.at));
    for check in &seen.checks {
        check.write(&mut text, &shell.mark(Mark::from(check.status)));
    }
    let line = seen.line();
    let (verdict, rest) = line.split_at(seen.verdict().word().len());
    let _ = writeln!(text, "{}{rest}", shell.paint(verdict, &seen.verdict().style()));
    if let Some(next) = seen.next() {
        let _ = writeln!(text, "next: {next}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(statuses: &[Status]) -> Seen {
        let checks = statuses.iter().map(|status| Check::new("a", *status, ["it is so"])).collect();
        let rollback = Some("prisma-safe rollback 2_x".into());
        Seen { target: "h:5432/d".into(), since: None, at: Timestamp::UNIX_EPOCH, checks, rollback }
    }

    #[test]
    fn only_what_failed_is_a_reason_to_go_back() {
        use Status::{Failed, Passed, Unchecked, Warned};
        for (statuses, verdict, line) in [
            (vec![Passed], Verdict::Healthy, "healthy"),
            (vec![Passed, Unchecked], Verdict::Healthy, "healthy: 1 not checked"),
            (vec![Warned, Unchecked], Verdict::Watch, "watch: 1 to look at, 1 not checked"),
            (vec![Warned, Failed], Verdict::RollBack, "roll back: 1 failed, 1 to look at"),
        ] {
            let seen = seen(&statuses);
            assert_eq!((seen.verdict(), seen.line().as_str()), (verdict, line));
        }
        assert_eq!(seen(&[Failed]).next().as_deref(), Some("prisma-safe rollback 2_x"));
        assert_eq!(seen(&[Passed]).next(), None);
        let page = html(&seen(&[Failed]), &[]);
        assert!(page.contains("<code>prisma-safe rollback 2_x</code>") && page.contains("class=\"failed\""), "{page}");
    }
}
