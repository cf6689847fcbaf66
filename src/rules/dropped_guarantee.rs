//! A constraint or unique index dropped, while its table and columns stay: what it kept true may become false at once.

use std::collections::BTreeSet;

use super::{Check, Finding, Rule, Severity, Step, Subject};
use crate::catalog::{Index, ObjectName, Table};
use crate::sql::{ActionKind, ConstraintKind, StatementKind};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "dropped-guarantee",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("dropped_guarantee.md"),
    check: Check::Statement(check),
};

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let subject = step.subject;
    if let StatementKind::DropIndex { indexes, .. } = &step.statement.kind {
        for index in indexes {
            let index = step.catalog.resolve(index);
            let Some(name) = step.catalog.table_of_index(&index) else { continue };
            let known = step.catalog.tables.get(name).and_then(|table| table.indexes.get(&index.name));
            let (Some(_), Some(known)) = (step.existing_object(name), known) else { continue };
            // what the schema cannot say was written by hand: unexplained-index-drop's matter
            if !known.unique || super::unexplained_index_drop::is_hand_written(known) {
                continue;
            }
            let keys = plain_keys(known);
            let Some(after) = after(subject, name, &keys) else { continue };
            if !is_unique(after, &keys) {
                let label = subject.label(&index);
                findings.push(unique(&label, &subject.label(name), &keys, step.statement.range.clone()));
            }
        }
    }
    for (table, action) in step.actions() {
        let ActionKind::DropConstraint { name, .. } = &action.kind else { continue };
        let Some(existing) = step.existing(table) else { continue };
        let Some(known) = step.catalog.tables.get(&existing.name).and_then(|table| table.constraints.get(name)) else {
            continue;
        };
        findings.extend(constraint(subject, &existing.name, name, &known.kind, action.range.clone()));
    }
}

fn constraint(
    subject: &Subject<'_>,
    table: &ObjectName,
    name: &str,
    kind: &ConstraintKind,
    range: std::ops::Range<usize>,
) -> Option<Finding> {
    let label = subject.label(table);
    let columns: Vec<String> = kind.columns().to_vec();
    let after = after(subject, table, &columns)?;
    match kind {
        ConstraintKind::PrimaryKey { .. } => {
            let has_key = after.constraints.values().any(|it| matches!(it.kind, ConstraintKind::PrimaryKey { .. }));
            (!has_key).then(|| {
                Finding::new(
                    &RULE,
                    name,
                    range,
                    format!("`{label}` is left without a primary key: rows can no longer be told apart"),
                )
                .help("give the table a primary key in the same migration; logical replication and Prisma need one")
            })
        }
        ConstraintKind::Unique { .. } => (!is_unique(after, &columns)).then(|| unique(name, &label, &columns, range)),
        ConstraintKind::ForeignKey { table: parent, .. } => {
            let still = after
                .constraints
                .values()
                .any(|it| matches!(&it.kind, ConstraintKind::ForeignKey { columns: own, .. } if *own == columns));
            let parent_stays = subject.after.tables.contains_key(&subject.after.resolve(parent));
            (!still && parent_stays).then(|| {
                let message = format!("nothing ties `{label}` ({}) to `{parent}` any more", columns.join(", "));
                Finding::new(&RULE, name, range, message)
                    .severity(Severity::Info)
                    .help("orphans may appear from now on; the constraint can only come back once they are gone")
            })
        }
        ConstraintKind::Check { expr } => {
            // a check that a NOT NULL has taken over
            let proved = after.columns.iter().any(|(column, it)| it.not_null && expr.mentions(column));
            let about: Vec<&String> = after.columns.keys().filter(|column| expr.mentions(column)).collect();
            let still = after.constraints.values().any(|it| {
                matches!(&it.kind, ConstraintKind::Check { expr } if about.iter().any(|column| expr.mentions(column)))
            });
            let replaced = still || proved && expr.text.to_uppercase().contains("IS NOT NULL");
            (!about.is_empty() && !replaced).then(|| {
                Finding::new(&RULE, name, range, format!("`{label}` no longer checks {}", expr.text))
                    .help("Prisma does not know checks and cannot bring it back: keep it, or keep its text")
            })
        }
        ConstraintKind::Exclude { .. } => Some(
            Finding::new(&RULE, name, range, format!("`{label}` no longer excludes rows that conflict"))
                .help("Prisma does not know exclusion constraints and cannot bring it back: keep it, or keep its text"),
        ),
    }
}

/// The table after the migration, if it still has these columns.
fn after<'a>(subject: &'a Subject<'_>, table: &ObjectName, columns: &[String]) -> Option<&'a Table> {
    let after = subject.after.tables.get(table)?;
    columns.iter().all(|column| after.columns.contains_key(column)).then_some(after)
}

fn unique(name: &str, table: &str, columns: &[String], range: std::ops::Range<usize>) -> Finding {
    let columns = columns.join(", ");
    let message = format!("`{table}` ({columns}) may hold duplicates from now on, and an `upsert` by it fails");
    Finding::new(&RULE, name, range, message).help(
        "deploy a release first that neither looks up nor upserts by it; unique again only once duplicates are gone",
    )
}

fn plain_keys(index: &Index) -> Vec<String> {
    index.keys.iter().filter_map(|key| key.column.clone()).collect()
}

/// Whether something else keeps the columns unique.
fn is_unique(table: &Table, columns: &[String]) -> bool {
    let wanted: BTreeSet<&String> = columns.iter().collect();
    let within = |keys: &[String]| !keys.is_empty() && keys.iter().all(|key| wanted.contains(key));
    table.indexes.values().any(|index| index.unique && index.predicate.is_none() && within(&plain_keys(index)))
        || table.constraints.values().any(|constraint| constraint.kind.has_index() && within(constraint.kind.columns()))
}
