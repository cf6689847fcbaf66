//! What a migration turns off that keeps the data right or the deploy harmless: time limits, triggers and foreign keys, vacuum,
//! replication.

use super::{Check, Finding, Rule, Severity, Step};
use crate::sql::options::is_on;
use crate::sql::tokens::{after, tokens};
use crate::sql::{ActionKind, StatementKind};

/// `SET lock_timeout = 0`, or longer than a queue should last.
pub(super) const TIMEOUT: Rule = Rule {
    id: "disabled-timeout",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("disabled_timeout.md"),
    check: Check::Statement(timeout),
};

/// `DISABLE TRIGGER`, `session_replication_role`.
pub(super) const TRIGGER: Rule = Rule {
    id: "disabled-trigger",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("disabled_trigger.md"),
    check: Check::Statement(trigger),
};

/// `autovacuum_enabled = false`.
pub(super) const VACUUM: Rule = Rule {
    id: "autovacuum-off",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("autovacuum_off.md"),
    check: Check::Statement(vacuum),
};

/// `SET UNLOGGED`.
pub(super) const UNLOGGED: Rule = Rule {
    id: "unlogged-table",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("unlogged_table.md"),
    check: Check::Statement(unlogged),
};

/// `REPLICA IDENTITY`, publications, subscriptions.
pub(super) const REPLICATION: Rule = Rule {
    id: "replication-change",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("replication_change.md"),
    check: Check::Statement(replication),
};

/// A lock waited for longer than this is a queue that people notice.
const LONGEST_LOCK_WAIT_SECONDS: f64 = 60.0;

fn timeout(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let StatementKind::Set { name, .. } = &step.statement.kind else { return };
    let tokens = tokens(step.text());
    let Some(value) = tokens.iter().rev().find(|token| !token.is_symbol(";")).map(|token| token.text) else { return };
    let seconds = seconds(value);
    let message = match name.as_str() {
        "lock_timeout" if seconds == Some(0.0) => {
            "waits for a lock without end, and everybody who needs the table waits behind it"
        }
        "lock_timeout" if seconds.is_some_and(|it| it > LONGEST_LOCK_WAIT_SECONDS) => {
            "waits for a lock for longer than a minute, and everybody who needs the table waits behind it"
        }
        "statement_timeout" if seconds == Some(0.0) => "lets a statement run, and hold its locks, without end",
        _ => return,
    };
    findings.push(
        Finding::new(&TIMEOUT, name, step.statement.range.clone(), format!("`{name} = {value}` {message}"))
            .help("leave it out: prisma-safe sets short limits (`[deploy]` in prisma-safe.toml), and tries again"),
    );
}

/// `3s`, `500ms`, `2min`, `1h`, `3000` (milliseconds).
fn seconds(value: &str) -> Option<f64> {
    let value = value.trim();
    let digits = value.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(value.len());
    let number: f64 = value[..digits].parse().ok()?;
    let unit = match value[digits..].trim() {
        "" | "ms" => 0.001,
        "us" => 0.000_001,
        "s" => 1.0,
        "min" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => return None,
    };
    Some(number * unit)
}

fn unlogged(step: &Step<'_>, findings: &mut Vec<Finding>) {
    for (table, action) in step.actions() {
        let off = matches!(&action.kind, ActionKind::Other { words } if words.starts_with("SET UNLOGGED"));
        let table = step.existing(table).filter(|table| off && (table.rows != Some(0) || table.written));
        findings.extend(table.map(|table| {
            let message = format!("`{}` is empty after a crash from here on, and no replica has its rows", table.label);
            Finding::new(&UNLOGGED, table.label, action.range.clone(), message)
                .help("leave it logged; rows that can be made anew belong into a table of their own")
        }));
    }
}

fn trigger(step: &Step<'_>, findings: &mut Vec<Finding>) {
    if let StatementKind::Set { name, values, .. } = &step.statement.kind
        && name == "session_replication_role"
        && values.iter().any(|value| value.eq_ignore_ascii_case("replica"))
    {
        findings.push(
            Finding::new(
                &TRIGGER,
                name,
                step.statement.range.clone(),
                "no trigger fires and no foreign key is checked from here on",
            )
            .help("leave it out; if rows must be loaded without checks, prove the constraints afterwards"),
        );
    }
    for (table, action) in step.actions() {
        let ActionKind::Other { words } = &action.kind else { continue };
        let off = words.starts_with("DISABLE TRIGGER") || words.starts_with("DISABLE RULE");
        let Some(table) = step.existing(table).filter(|_| off) else { continue };
        let back = step
            .subject
            .script
            .text()
            .get(action.range.end..)
            .is_some_and(|rest| after(&tokens(rest), "enable trigger").is_some());
        let message = format!(
            "turns triggers of `{}` off: foreign keys, and what keeps columns in step, are triggers too",
            table.label
        );
        findings.push(
            Finding::new(&TRIGGER, &table.label, action.range.clone(), message)
                .severity(if back { Severity::Info } else { Severity::Warning })
                .help("turn them on again in the same migration, and prove what they would have kept"),
        );
    }
}

fn vacuum(step: &Step<'_>, findings: &mut Vec<Finding>) {
    for (table, action) in step.actions() {
        let text = step.subject.script.text().get(action.range.clone()).unwrap_or_default();
        if is_on(text, "autovacuum_enabled") == Some(false) {
            let label = step.subject.label(&step.catalog.resolve(table));
            let message = format!("`{label}` is no longer vacuumed: it grows with every update, and its plans rot");
            findings.push(
                Finding::new(&VACUUM, &label, action.range.clone(), message)
                    .help("make autovacuum run more often or more gently on the table instead of never"),
            );
        }
    }
}

fn replication(step: &Step<'_>, findings: &mut Vec<Finding>) {
    const WORDS: &[&str] =
        &["ALTER PUBLICATION", "DROP PUBLICATION", "CREATE SUBSCRIPTION", "ALTER SUBSCRIPTION", "DROP SUBSCRIPTION"];
    if let StatementKind::Other { words } = &step.statement.kind
        && let Some(first) = WORDS.iter().find(|first| words.starts_with(**first))
    {
        let message = format!("`{first}` changes what other databases receive");
        findings.push(Finding::new(&REPLICATION, *first, step.statement.range.clone(), message).help(
            "agree on it with those who read the stream; a subscriber that misses changes has to be copied anew",
        ));
    }
    for (table, action) in step.actions() {
        let ActionKind::Other { words } = &action.kind else { continue };
        let Some(table) = step.existing(table).filter(|_| words.starts_with("REPLICA IDENTITY")) else { continue };
        let label = &table.label;
        let (message, severity) = match words.as_str() {
            "REPLICA IDENTITY NOTHING" => (
                format!(
                    "replicas can no longer find the rows of `{label}`: while it is published, its updates and deletes fail"
                ),
                Severity::Warning,
            ),
            "REPLICA IDENTITY FULL" => (
                format!(
                    "replicas find the rows of `{label}` by all columns: each update and delete sends and looks for whole rows"
                ),
                Severity::Info,
            ),
            _ => (format!("changes how replicas find the rows of `{label}`"), Severity::Info),
        };
        findings.push(
            Finding::new(&REPLICATION, label, action.range.clone(), message)
                .severity(severity)
                .help("use the primary key (`REPLICA IDENTITY DEFAULT`) where there is one"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(seconds("3s"), Some(3.0));
        assert_eq!(seconds("500ms"), Some(0.5));
        assert_eq!(seconds("2 min"), Some(120.0));
        assert_eq!(seconds("3000"), Some(3.0));
        assert_eq!(seconds("0"), Some(0.0));
        assert_eq!(seconds("soon"), None);
    }
}
