//! Transaction control that does something else than it seems to: a `BEGIN` inside a transaction, a `COMMIT` without one, a
//! `ROLLBACK`.

use super::{Check, Finding, Rule, Severity, Subject};
use crate::sql::{Script, Statement, StatementKind};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "unpaired-transaction",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("unpaired_transaction.md"),
    check: Check::Migration(check),
};

/// What a statement does to the transaction that the file has opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Control {
    Begin,
    Commit,
    /// `COMMIT AND CHAIN`: the next transaction is open at once.
    Chain,
    Rollback,
}

/// Savepoints and two-phase commit are none of these.
fn control(kind: &StatementKind) -> Option<Control> {
    let words = match kind {
        StatementKind::Begin => return Some(Control::Begin),
        StatementKind::Commit => return Some(Control::Commit),
        StatementKind::Rollback => return Some(Control::Rollback),
        StatementKind::Other { words } => words.as_str(),
        _ => return None,
    };
    let has = |word: &str| words.split(' ').any(|own| own == word);
    let first = words.split(' ').next().unwrap_or_default();
    match first {
        _ if has("PREPARED") || has("TO") => None,
        "BEGIN" => Some(Control::Begin),
        "START" if has("TRANSACTION") => Some(Control::Begin),
        "COMMIT" | "END" if has("CHAIN") && !has("NO") => Some(Control::Chain),
        "COMMIT" | "END" => Some(Control::Commit),
        "ROLLBACK" | "ABORT" => Some(Control::Rollback),
        _ => None,
    }
}

/// What is out of place.
fn unpaired(script: &Script) -> Vec<(&Statement, Control)> {
    let mut open = false;
    let mut found = Vec::new();
    for statement in script.statements() {
        let Some(own) = control(&statement.kind) else { continue };
        let in_place = match own {
            Control::Begin => !open,
            Control::Commit | Control::Chain => open,
            Control::Rollback => false,
        };
        open = matches!(own, Control::Begin | Control::Chain);
        if !in_place {
            found.push((statement, own));
        }
    }
    found
}

/// Whether a `COMMIT` that belongs to no `BEGIN` ends Prisma's own transaction half way.
pub(super) fn ends_early(script: &Script) -> bool {
    unpaired(script).iter().any(|(_, own)| matches!(own, Control::Commit | Control::Chain))
}

fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for (statement, own) in unpaired(subject.script) {
        let (object, severity, message, help) = match own {
            Control::Begin => (
                "BEGIN",
                Severity::Warning,
                "this BEGIN stands inside a transaction: PostgreSQL ignores it, and the next COMMIT ends the whole transaction",
                "remove it with its COMMIT; for a part that may fail by itself use SAVEPOINT",
            ),
            Control::Commit | Control::Chain => (
                "COMMIT",
                Severity::Warning,
                "this COMMIT has no BEGIN: what the file did before it is committed here, and stays if the rest fails",
                "remove it: prisma-safe applies the file in one transaction; or add the BEGIN that it belongs to",
            ),
            Control::Rollback => (
                "ROLLBACK",
                Severity::Error,
                "this ROLLBACK undoes what the file did before it and has not committed, and Prisma still records the migration as applied",
                "remove what shall not happen, and the ROLLBACK",
            ),
        };
        let finding = Finding::new(&RULE, object, statement.range.clone(), message);
        findings.push(finding.severity(severity).help(help));
    }
}
