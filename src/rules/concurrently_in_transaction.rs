//! `CONCURRENTLY` beside other statements, or between `BEGIN` and `COMMIT`: PostgreSQL refuses it in a transaction.

use super::{Check, Finding, Rule, Severity, Subject};
use crate::sql::{Statement, StatementKind};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "concurrently-in-transaction",
    severity: Severity::Error,
    optional: false,
    acceptable: false,
    destroys: false,
    page: include_str!("concurrently_in_transaction.md"),
    check: Check::Migration(check),
};

fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let statements = subject.script.statements();
    if statements.len() < 2 {
        return;
    }
    findings.extend(statements.iter().filter_map(|statement| {
        let object = concurrent(statement)?;
        Some(
            Finding::new(
                &RULE,
                &object,
                statement.range.clone(),
                format!("`{object}` cannot be built or dropped CONCURRENTLY here: the file has other statements"),
            )
            .help("move it into a migration of its own that holds nothing else"),
        )
    }));
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
