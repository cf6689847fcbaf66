//! `CONCURRENTLY` beside other statements, or between `BEGIN` and `COMMIT`: PostgreSQL refuses it in a transaction.

use super::delivery::splits;
use super::{Check, Finding, Rule, Severity, Subject};
use crate::sql::{Statement, StatementKind};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "concurrently-in-transaction",
    severity: Severity::Error,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("concurrently_in_transaction.md"),
    check: Check::Migration(check),
};

fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let statements = subject.script.statements();
    if statements.len() < 2 {
        return;
    }
    let mut in_block = false;
    for statement in statements {
        match statement.kind {
            StatementKind::Begin => in_block = true,
            StatementKind::Commit => in_block = false,
            _ => {}
        }
        let Some(object) = concurrent(statement) else { continue };
        let finding = |message: String| Finding::new(&RULE, &object, statement.range.clone(), message);
        findings.extend(if in_block {
            let message = format!(
                "`{object}` cannot be built or dropped CONCURRENTLY between BEGIN and COMMIT: PostgreSQL refuses it"
            );
            Some(finding(message).refused().help("move it out of the transaction, into a migration of its own"))
        } else {
            beside_others(subject, statement, &object, finding)
        });
    }
}

/// Who deploys it decides: prisma-safe runs each by itself, Prisma before 7.4 sends the file as one transaction.
fn beside_others(
    subject: &Subject<'_>,
    statement: &Statement,
    object: &str,
    finding: impl Fn(String) -> Finding,
) -> Option<Finding> {
    let help = "give each CONCURRENTLY a migration of its own";
    if subject.settings.prisma.is_some() && !splits(subject.settings.prisma) {
        let message = format!(
            "`{object}` cannot be built or dropped CONCURRENTLY here: the file has other statements, and Prisma before 7.4 sends them \
             as one transaction, also to the shadow database"
        );
        return Some(finding(message).help(help));
    }
    let others = subject.script.statements().iter().filter(|other| other.range != statement.range);
    let plain = others.clone().any(|other| concurrent(other).is_none() && !is_setting(&other.kind));
    if plain {
        let message = format!(
            "`{object}` is built or dropped CONCURRENTLY, by itself: what the file holds before it is committed then, and stays if the \
             rest fails"
        );
        return Some(finding(message).severity(Severity::Warning).help(help));
    }
    // a DROP keeps Prisma's own engine from taking the file apart; and which Prisma deploys is not known everywhere
    let drops = subject.script.statements().iter().any(|other| matches!(other.kind, StatementKind::DropIndex { .. }));
    (drops || subject.settings.prisma.is_none()).then(|| {
        let who = if drops { "Prisma's own engine" } else { "Prisma before 7.4" };
        let message = format!(
            "prisma-safe runs `{object}` by itself; {who} sends the file as one transaction, which PostgreSQL refuses"
        );
        finding(message).severity(Severity::Info).help(help)
    })
}

fn is_setting(kind: &StatementKind) -> bool {
    match kind {
        StatementKind::Set { .. } | StatementKind::Comment => true,
        StatementKind::Other { words } => words.starts_with("RESET"),
        _ => false,
    }
}

/// The name of the index, for a statement that PostgreSQL refuses in a transaction.
fn concurrent(statement: &Statement) -> Option<String> {
    match &statement.kind {
        StatementKind::CreateIndex(index) if index.concurrently => {
            Some(index.name.clone().unwrap_or_else(|| index.table.to_string()))
        }
        StatementKind::DropIndex { indexes, concurrently: true, .. } => indexes.first().map(ToString::to_string),
        StatementKind::Other { words } if words.starts_with("REINDEX") && words.ends_with("CONCURRENTLY") => {
            Some(words.clone())
        }
        _ => None,
    }
}
