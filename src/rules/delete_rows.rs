//! `DELETE` with a condition: some rows go, and those that hang on them by `ON DELETE CASCADE`.

use super::{Check, Finding, Rule, Severity, Step, cost};
use crate::catalog::{Catalog, ObjectName};
use crate::sql::tokens::where_is_trivial;
use crate::sql::{ConstraintKind, StatementKind};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "delete-rows",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: true,
    page: include_str!("delete_rows.md"),
    check: Check::Statement(check),
};

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let StatementKind::Delete { table, has_where: true } = &step.statement.kind else { return };
    if where_is_trivial(step.text()) {
        return;
    }
    let Some(table) = step.existing(table).filter(|table| table.rows != Some(0) || table.written) else { return };
    let mut finding = Finding::new(
        &RULE,
        &table.label,
        step.statement.range.clone(),
        format!("deletes the rows of `{}` that a condition names; nothing but a backup brings them back", table.label),
    )
    .help("run the condition as a SELECT on production first; better keep the rows, marked, for a release");
    let children = cascading(step.catalog, &table.name);
    if !children.is_empty() {
        let labels: Vec<String> = children.iter().map(|child| step.subject.label(child)).collect();
        finding = finding.replayed(format!("rows of {} go with them (ON DELETE CASCADE)", labels.join(", ")));
    }
    if let Some(rows) = table.rows {
        finding = finding.measured(format!("{} holds {}", table.label, cost::rows(rows)));
    }
    findings.push(finding);
}

/// Tables whose rows go with rows of this one, and with theirs.
pub(super) fn cascading(catalog: &Catalog, table: &ObjectName) -> Vec<ObjectName> {
    let mut reached = vec![table.clone()];
    let mut at = 0;
    while let Some(parent) = reached.get(at).cloned() {
        at += 1;
        for (name, child) in &catalog.tables {
            let cascades = child.constraints.values().any(|constraint| {
                matches!(&constraint.kind, ConstraintKind::ForeignKey { table, on_delete: Some(action), .. }
                    if action == "CASCADE" && catalog.resolve(table) == parent)
            });
            if cascades && !reached.contains(name) {
                reached.push(name.clone());
            }
        }
    }
    reached.split_off(1)
}
