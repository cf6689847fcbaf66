//! `UPDATE` without `WHERE`: every row is written, and what stood in the columns is gone.

use super::subject::Existing;
use super::{Check, Finding, Rule, Severity, Step, cost};
use crate::sql::StatementKind;
use crate::sql::tokens::{Token, tokens, where_is_trivial};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "update-without-where",
    severity: Severity::Error,
    optional: false,
    acceptable: true,
    destroys: true,
    page: include_str!("update_without_where.md"),
    check: Check::Statement(check),
};

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let StatementKind::Update { table, .. } = &step.statement.kind else { return };
    let Some(table) = step.existing(table) else { return };
    let kept = overwritten(step);
    if kept.is_empty() {
        return;
    }
    let range = step.statement.range.clone();
    let tokens = tokens(step.text());
    for column in kept {
        let object = format!("{}.{column}", table.label);
        let own = mentions(&tokens, column) > 1;
        let finding = Finding::new(
            &RULE,
            &object,
            range.clone(),
            if own {
                format!("computes `{object}` anew in every row; the values before cannot be told from those after")
            } else {
                format!("overwrites `{object}` in every row: what stood there is lost")
            },
        )
        .severity(if own { Severity::Warning } else { Severity::Error })
        .help(format!(
            "add a WHERE that names the rows, or write to a new column\nif every row is meant: \
             `-- prisma-safe:allow update-without-where({object}): why`"
        ));
        findings.push(measured(step, &table, column, step.with_followers(step.with_heirs(&table.name, finding))));
    }
}

/// The target's columns that an `UPDATE` writes in every row. Filling a column that the migrations under review add destroys
/// nothing; the work is bulk-write's matter.
pub(super) fn overwritten<'a>(step: &Step<'a>) -> Vec<&'a String> {
    let StatementKind::Update { table, has_where, columns } = &step.statement.kind else { return Vec::new() };
    let Some(table) = step.existing(table) else { return Vec::new() };
    if *has_where && !where_is_trivial(step.text()) || table.rows == Some(0) && !table.written {
        return Vec::new();
    }
    columns.iter().filter(|column| step.column(&table, column).is_some()).collect()
}

fn measured(step: &Step<'_>, table: &Existing, column: &str, finding: Finding) -> Finding {
    let held = step.column(table, column).and_then(|on_target| step.held(table, &on_target));
    match held {
        Some(0) if !table.written => finding.severity(Severity::Info).measured("0 rows hold a value there"),
        Some(held) => finding.measured(format!("{} hold a value there", cost::rows(held))),
        None => finding,
    }
}

/// How often a column is named.
fn mentions(tokens: &[Token<'_>], column: &str) -> usize {
    tokens.iter().filter(|token| token.identifier().is_some_and(|own| own == column)).count()
}
