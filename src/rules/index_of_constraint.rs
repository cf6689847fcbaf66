//! `DROP INDEX` of an index that stands behind a constraint: PostgreSQL refuses it.

use super::{Check, Finding, Rule, Severity, Step};
use crate::sql::{StatementKind, quote_identifier};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "index-of-constraint",
    severity: Severity::Error,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("index_of_constraint.md"),
    check: Check::Statement(check),
};

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let StatementKind::DropIndex { indexes, .. } = &step.statement.kind else { return };
    for index in indexes {
        let index = step.catalog.resolve(index);
        let Some(name) = step.catalog.table_of_index(&index) else { continue };
        let Some(table) = step.catalog.tables.get(name) else { continue };
        if table.indexes.contains_key(&index.name) || !table.constraints.contains_key(&index.name) {
            continue;
        }
        let (object, label) = (step.subject.label(&index), step.subject.label(name));
        findings.push(
            Finding::new(
                &RULE,
                &object,
                step.statement.range.clone(),
                format!("drops index `{object}`, which the constraint of that name on `{label}` needs: PostgreSQL refuses it"),
            )
            .help(format!(
                "drop the constraint, its index goes with it: ALTER TABLE {} DROP CONSTRAINT {}",
                quote_identifier(&name.name),
                quote_identifier(&index.name)
            )),
        );
    }
}
