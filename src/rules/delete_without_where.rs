//! `DELETE` without `WHERE`: every row goes.

use super::delete_rows::reached;
use super::{Check, Finding, Rule, Severity, Step, cost};
use crate::sql::StatementKind;
use crate::sql::tokens::where_is_trivial;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "delete-without-where",
    severity: Severity::Error,
    optional: false,
    acceptable: true,
    destroys: true,
    page: include_str!("delete_without_where.md"),
    check: Check::Statement(check),
};

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let StatementKind::Delete { table, has_where } = &step.statement.kind else { return };
    if *has_where && !where_is_trivial(step.text()) {
        return;
    }
    let Some(table) = step.existing(table) else { return };
    let finding = Finding::new(
        &RULE,
        &table.label,
        step.statement.range.clone(),
        format!("deletes every row of `{}`", table.label),
    )
    .help(format!(
        "add a WHERE that names the rows\nif all must go, accept it: `-- prisma-safe:allow delete-without-where({}): why`",
        table.label
    ));
    let finding = step.with_heirs(&table.name, reached(step).fold(finding, Finding::replayed));
    findings.push(match table.rows {
        Some(0) if !table.written => finding.severity(Severity::Info).measured(format!("{} holds 0 rows", table.label)),
        Some(rows) => finding.measured(format!("{} holds {}", table.label, cost::rows(rows))),
        None => finding,
    });
}
