//! The verdict, and how looks are shown to people and programs.

use std::fmt::Write as _;

use console::Style;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::deploy::verify::{Check, Status};
use crate::report::{self, MonitorPage};
use crate::ui::{Mark, Screen, Shell, counted, moment};

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
    text_of(seen, &seen.checks.iter().collect::<Vec<_>>(), shell)
}

/// The same, without the least checks where not all of them have room: those that passed go first, and what failed last.
pub fn text_within(seen: &Seen, shell: &Shell, screen: &Screen) -> String {
    let weight = |check: &Check| match check.status {
        Status::Passed => 0,
        Status::Unchecked => 1,
        Status::Warned => 2,
        Status::Failed => 3,
    };
    let mut shown: Vec<&Check> = seen.checks.iter().collect();
    loop {
        let text = text_of(seen, &shown, shell);
        let last_of_the_least = (0..shown.len()).rev().min_by_key(|at| weight(shown[*at]));
        match last_of_the_least {
            Some(least) if !screen.holds(&text) => drop(shown.remove(least)),
            _ => return text,
        }
    }
}

fn text_of(seen: &Seen, checks: &[&Check], shell: &Shell) -> String {
    let mut text = String::new();
    let since = seen.since.as_deref().unwrap_or("no deployment from this folder is known");
    // writing to a String does not fail
    let _ = writeln!(text, "{}, {} (since: {since})", seen.target, moment(seen.at));
    for check in checks {
        check.write(&mut text, &shell.mark(Mark::from(check.status)));
    }
    let hidden = seen.checks.len() - checks.len();
    if hidden > 0 {
        let more = counted(u64::try_from(hidden).unwrap_or(u64::MAX), "more check");
        let _ = writeln!(text, "  {more}, for which the terminal is too small: prisma-safe monitor");
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
    use crate::ui::shell::ColorChoice;

    fn seen(statuses: &[Status]) -> Seen {
        let checks = statuses.iter().map(|status| Check::new("a", *status, ["it is so"])).collect();
        let rollback = Some("prisma-safe rollback 2_x".into());
        Seen { target: "h:5432/d".into(), since: None, at: Timestamp::UNIX_EPOCH, checks, rollback }
    }

    #[test]
    fn a_low_terminal_shows_what_matters_most_and_how_much_more_there_is() {
        use Status::{Failed, Passed, Unchecked, Warned};
        let shell = Shell::new(true, 0, ColorChoice::Never, true, &|_| None);
        let mut seen = seen(&[Passed, Warned, Failed, Passed, Unchecked]);
        for (check, name) in seen.checks.iter_mut().zip(["a", "b", "c", "d", "e"]) {
            check.name = name.into();
        }
        let shown = |rows: usize| {
            let text = text_within(&seen, &shell, &Screen::new(rows, 200));
            let names =
                text.lines().filter_map(|line| line.strip_suffix(": it is so")).filter_map(|line| line.chars().last());
            (names.collect::<String>(), text.lines().find(|line| line.contains("more check")).map(str::to_owned))
        };
        // five checks, the head, the verdict, what to do, and the cursor
        assert_eq!(shown(9), ("abcde".into(), None));
        let note = |count: &str| Some(format!("  {count}, for which the terminal is too small: prisma-safe monitor"));
        assert_eq!(shown(8), ("bce".into(), note("2 more checks")));
        assert_eq!(shown(7), ("bc".into(), note("3 more checks")));
        assert_eq!(shown(6), ("c".into(), note("4 more checks")));
        assert_eq!(shown(2), (String::new(), note("5 more checks")));
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
