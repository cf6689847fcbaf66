//! A foreign key whose columns no index begins with: each delete of a parent reads the whole child table.

use super::{Check, Finding, Rule, Severity, Step};
use crate::catalog::Table;
use crate::sql::ConstraintKind;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "unindexed-foreign-key",
    severity: Severity::Info,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("unindexed_foreign_key.md"),
    check: Check::Statement(check),
};

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    for (table, range, constraint) in step.added_constraints() {
        let ConstraintKind::ForeignKey { columns, table: parent, .. } = &constraint.kind else { continue };
        let name = step.catalog.resolve(table);
        let Some(known) = step.subject.after.tables.get(&name) else { continue };
        if columns.is_empty() || has_index(known, columns) {
            continue;
        }
        let existing = step.existing(table);
        let label = step.subject.label(&name);
        let object = constraint.name.clone().unwrap_or_else(|| format!("{label}.{}", columns.join("_")));
        let list = columns.join(", ");
        let large = existing.is_some_and(|table| table.rows.is_some() && !step.is_small(&table));
        findings.push(
            Finding::new(
                &RULE,
                object,
                range,
                format!("no index of `{label}` begins with {list}: a delete in `{parent}` will read the whole table"),
            )
            .severity(if large { Severity::Warning } else { Severity::Info })
            .help(format!("add `@@index([{list}])` to the model (with its fields' names); Prisma adds none by itself")),
        );
    }
}

/// Whether an index begins with these columns, in any order.
fn has_index(table: &Table, columns: &[String]) -> bool {
    let begins = |keys: &[Option<&str>]| {
        keys.len() >= columns.len()
            && keys[..columns.len()].iter().all(|key| columns.iter().any(|c| Some(c.as_str()) == *key))
    };
    let by_index = table
        .indexes
        .values()
        .filter(|index| index.predicate.is_none())
        .any(|index| begins(&index.keys.iter().map(|key| key.column.as_deref()).collect::<Vec<_>>()));
    by_index
        || table.constraints.values().any(|constraint| match &constraint.kind {
            ConstraintKind::PrimaryKey { columns, .. } | ConstraintKind::Unique { columns, .. } => {
                begins(&columns.iter().map(|column| Some(column.as_str())).collect::<Vec<_>>())
            }
            _ => false,
        })
}
