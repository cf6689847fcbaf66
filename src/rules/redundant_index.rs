//! An index whose columns another index of the table begins with: it serves no query that the other does not, and costs every write.

use super::{Check, Finding, Rule, Severity, Step};
use crate::catalog::Table;
use crate::sql::{CreateIndex, StatementKind};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "redundant-index",
    severity: Severity::Info,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("redundant_index.md"),
    check: Check::Statement(check),
};

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let StatementKind::CreateIndex(index) = &step.statement.kind else { return };
    if index.unique || index.predicate.is_some() || index.method != "btree" || !index.include.is_empty() {
        return;
    }
    let name = step.catalog.resolve(&index.table);
    let Some(other) = step.subject.after.tables.get(&name).and_then(|table| covering(table, index)) else { return };
    let object = index.name.clone().unwrap_or_else(|| step.subject.label(&name));
    let message = format!(
        "`{other}` begins with the same columns as `{object}`: the new index serves nothing more, and costs every write"
    );
    findings.push(Finding::new(&RULE, object, step.statement.range.clone(), message).help("leave it out of the model"));
}

/// Another index of the table that begins with all keys of this one.
fn covering(table: &Table, index: &CreateIndex) -> Option<String> {
    let keys: Vec<&str> = index.keys.iter().map(|key| key.text.as_str()).collect();
    let own = index.name.as_deref();
    let by_index = table.indexes.iter().find(|(name, other)| {
        Some(name.as_str()) != own
            && other.predicate.is_none()
            && other.method == "btree"
            && other.keys.len() >= keys.len()
            // of two alike, the one that stood first stays
            && (other.keys.len() > keys.len() || other.unique || Some(name.as_str()) < own)
            && other.keys.iter().zip(&keys).all(|(other, key)| other.text == *key)
    });
    let by_constraint = || {
        let plain: Option<Vec<&str>> = index.keys.iter().map(|key| key.column.as_deref()).collect();
        let plain = plain.filter(|_| index.keys.iter().all(|key| !key.text.contains(' ')))?;
        table.constraints.iter().find(|(_, constraint)| {
            let columns = constraint.kind.columns();
            constraint.kind.has_index()
                && columns.len() >= plain.len()
                && columns.iter().zip(&plain).all(|(a, b)| a == b)
        })
    };
    by_index.map(|(name, _)| name.clone()).or_else(|| by_constraint().map(|(name, _)| name.clone()))
}
