//! A constraint or unique index dropped, while its table and columns stay: what it kept true may become false at once.

use std::ops::Range;

use super::{Check, Finding, Rule, Severity, Step};
use crate::catalog::ObjectName;
use crate::effects::{Effect, Guarantee, What};
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
    findings.extend(by_name(step));
    for Effect { range, what } in step.effects {
        let What::GuaranteeGone { table, name, guarantee } = what else { continue };
        // a table that these migrations have made has nothing to keep true yet
        if step.existing_object(table).is_some() {
            findings.extend(gone(step, table, name, guarantee, range.clone()));
        }
    }
}

/// An unknown constraint with the name that PostgreSQL gives to a primary key, unless the file makes another.
fn by_name(step: &Step<'_>) -> Vec<Finding> {
    let added = |action: &ActionKind| matches!(action, ActionKind::AddConstraint(added) if matches!(added.kind, ConstraintKind::PrimaryKey { .. }));
    let later = step.subject.script.statements().iter().filter(|it| it.range.start >= step.statement.range.start);
    let anew = later.into_iter().any(|statement| match &statement.kind {
        StatementKind::AlterTable { actions, .. } => actions.iter().any(|action| added(&action.kind)),
        _ => false,
    });
    let dropped = step.actions().filter_map(|(table, action)| match &action.kind {
        ActionKind::DropConstraint { name, .. } if name.ends_with("_pkey") => Some((table, name, action)),
        _ => None,
    });
    dropped
        .filter_map(|(table, name, action)| {
            let table = step.existing(table)?;
            let unknown = step.catalog.constraint(&table.name, name).is_unknown();
            (unknown && !anew).then(|| {
                let message = format!("takes the primary key of `{}`, by its name: {}", table.label, without_key());
                Finding::new(&RULE, name, action.range.clone(), message).help(KEY)
            })
        })
        .collect()
}

/// What to do about a primary key that goes.
const KEY: &str = "give the table a primary key in the same migration; logical replication and Prisma need one";

fn without_key() -> &'static str {
    "rows can no longer be told apart, and where the table is published, its updates and deletes fail from then on"
}

/// Whether the file has replicas find the table's rows by something else than its primary key.
fn has_other_identity(step: &Step<'_>, table: &ObjectName) -> bool {
    let other = |action: &ActionKind| match action {
        ActionKind::Other { words } => {
            words.starts_with("REPLICA IDENTITY FULL") || words.starts_with("REPLICA IDENTITY USING")
        }
        _ => false,
    };
    step.subject.script.statements().iter().any(|statement| match &statement.kind {
        StatementKind::AlterTable { table: name, actions, .. } => {
            step.catalog.resolve(name) == *table && actions.iter().any(|action| other(&action.kind))
        }
        _ => false,
    })
}

/// Publications that send the table's updates or deletes, where replicas find its rows by the primary key.
fn published(step: &Step<'_>, table: &ObjectName) -> Option<Vec<String>> {
    let target = step.existing_object(table)?.target;
    step.subject.live?.published_by_key(&target).filter(|names| !names.is_empty())
}

fn gone(
    step: &Step<'_>,
    table: &ObjectName,
    name: &str,
    guarantee: &Guarantee,
    range: Range<usize>,
) -> Option<Finding> {
    let label = step.subject.label(table);
    let kind = match guarantee {
        // what a null breaks in the running release is running-release's matter
        Guarantee::NotNull(_) => return None,
        Guarantee::UniqueIndex(keys) => {
            let index = ObjectName { schema: table.schema.clone(), name: name.to_owned() };
            let known = step.catalog.tables.get(table).and_then(|known| known.indexes.get(name));
            // what the schema cannot say was written by hand: unexplained-index-drop's matter
            let hand_written = known.is_some_and(super::unexplained_index_drop::is_hand_written);
            return (!hand_written).then(|| unique(&step.subject.label(&index), &label, keys, range));
        }
        Guarantee::Constraint(kind) => kind,
    };
    let columns = kind.columns().join(", ");
    let (message, help) = match kind {
        ConstraintKind::PrimaryKey { .. } => {
            if has_other_identity(step, table) {
                let message = format!("`{label}` is left without a primary key: rows can no longer be told apart");
                return Some(Finding::new(&RULE, name, range, message).help(KEY));
            }
            if let Some(publications) = published(step, table) {
                let message = format!(
                    "`{label}` is left without a primary key, by which replicas find its rows: PostgreSQL refuses every update and delete \
                     of it from then on"
                );
                let finding = Finding::new(&RULE, name, range, message).severity(Severity::Error);
                return Some(finding.measured(format!("published by {}", publications.join(", "))).help(
                                        format!(
                        "give the table a primary key in the same migration, or put this before it: ALTER TABLE {} REPLICA IDENTITY FULL;",
                        table.quoted()
                    ),
                ));
            }
            (format!("`{label}` is left without a primary key: {}", without_key()), KEY)
        }
        ConstraintKind::Unique { columns, .. } => return Some(unique(name, &label, columns, range)),
        ConstraintKind::ForeignKey { table: parent, .. } => {
            let after = step.subject.after;
            if !after.tables.contains_key(&after.resolve(parent)) {
                return None;
            }
            let finding =
                Finding::new(&RULE, name, range, format!("nothing ties `{label}` ({columns}) to `{parent}` any more"));
            return Some(
                finding
                    .severity(Severity::Info)
                    .help("orphans may appear from now on; the constraint can only come back once they are gone"),
            );
        }
        ConstraintKind::Check { expr } => (
            format!("`{label}` no longer checks {}", expr.text),
            "Prisma does not know checks and cannot bring it back: keep it, or keep its text",
        ),
        ConstraintKind::Exclude { .. } => (
            format!("`{label}` no longer excludes rows that conflict"),
            "Prisma does not know exclusion constraints and cannot bring it back: keep it, or keep its text",
        ),
    };
    Some(Finding::new(&RULE, name, range, message).help(help))
}

fn unique(name: &str, table: &str, columns: &[String], range: Range<usize>) -> Finding {
    let columns = columns.join(", ");
    let message = format!("`{table}` ({columns}) may hold duplicates from now on, and an `upsert` by it fails");
    Finding::new(&RULE, name, range, message).help(
        "deploy a release first that neither looks up nor upserts by it; unique again only once duplicates are gone",
    )
}
