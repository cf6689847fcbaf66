//! A statement that PostgreSQL refuses whatever the rows are, known before anything runs.

use super::{Check, Finding, Rule, Severity, Step};
use crate::catalog::{Known, ObjectName};
use crate::sql::{ActionKind, ConstraintKind, Name, StatementKind};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "impossible-statement",
    severity: Severity::Error,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("impossible_statement.md"),
    check: Check::Statement(check),
};

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    for (table, action) in step.actions() {
        let name = step.catalog.resolve(table);
        let label = step.subject.label(&name);
        let Some((part, message, help)) = refused(step, &name, &label, &action.kind) else { continue };
        findings.push(Finding::new(&RULE, format!("{label}.{part}"), action.range.clone(), message).help(help));
    }
    let absent = missing(step).into_iter().map(|name| {
        let why = "does not exist in the database, and PostgreSQL refuses the statement";
        let help =
            "correct the name, or take the statement out; `IF EXISTS` lets it pass where the object may be missing";
        (name, why, help)
    });
    let there = taken(step).map(|name| {
        let why = "is in the database already, and PostgreSQL refuses to create it again";
        let help = "where the migration describes what was made by hand, mark it as applied: prisma migrate resolve --applied \
                    MIGRATION; else take the statement out";
        (name, why, help)
    });
    findings.extend(absent.chain(there).map(|(name, why, help)| {
        let label = step.subject.label(&name);
        Finding::new(&RULE, &label, step.statement.range.clone(), format!("`{label}` {why}")).help(help)
    }));
}

/// An action that PostgreSQL refuses: what it is about, why, and the way out.
fn refused(
    step: &Step<'_>,
    table: &ObjectName,
    label: &str,
    action: &ActionKind,
) -> Option<(String, String, &'static str)> {
    match action {
        ActionKind::DropDefault { column } | ActionKind::SetDefault { column, .. } => {
            let known = step.catalog.column(table, column).there()?;
            known.generated.as_ref()?;
            Some((
                column.clone(),
                format!(
                    "`{label}.{column}` is a generated column: it has no default, and PostgreSQL refuses to change one"
                ),
                "take this action out: Prisma takes the generating expression for a default",
            ))
        }
        ActionKind::DropNotNull { column } => {
            let known = step.catalog.table(table).there()?;
            let key = known.constraints.values().find_map(|it| match &it.kind {
                ConstraintKind::PrimaryKey { columns, .. } => Some(columns),
                _ => None,
            })?;
            key.contains(column).then(|| {
                (
                    column.clone(),
                    format!("`{label}.{column}` is in the primary key, which PostgreSQL refuses to make nullable"),
                    "drop the primary key first, or leave the column as it is",
                )
            })
        }
        ActionKind::DropColumn { name: column, if_exists: false, .. }
        | ActionKind::SetType { column, .. }
        | ActionKind::SetNotNull { column }
        | ActionKind::RenameColumn { from: column, .. } => {
            let absent = certain(step)
                && step.catalog.table(table).there().is_some()
                && step.catalog.column(table, column).is_absent()
                && !step.actions().any(|(_, other)| matches!(&other.kind, ActionKind::AddColumn { column: added, .. } if added.name == *column));
            absent.then(|| {
                (
                    column.clone(),
                    format!("`{label}` has no column `{column}` in the database, and PostgreSQL refuses the statement"),
                    "correct the name, or take the action out; `IF EXISTS` lets a DROP pass",
                )
            })
        }
        ActionKind::AddColumn { column, if_not_exists: false } => {
            let drops =
                |other: &ActionKind| matches!(other, ActionKind::DropColumn { name, .. } if *name == column.name);
            let there = certain(step)
                && step.catalog.column(table, &column.name).there().is_some()
                && !step.actions().any(|(_, other)| drops(&other.kind));
            there.then(|| {
                (
                    column.name.clone(),
                    format!(
                        "`{label}` has a column `{}` in the database already, and PostgreSQL refuses to add it again",
                        column.name
                    ),
                    "where the migration describes what was made by hand, mark it as applied: prisma migrate resolve --applied \
                     MIGRATION; else take the action out",
                )
            })
        }
        _ => None,
    }
}

/// Whether what the catalog does not hold is known to be absent: the target was asked, and nothing that cannot be followed has
/// run since.
fn certain(step: &Step<'_>) -> bool {
    step.subject.live.is_some() && step.catalog.is_complete() && !step.origins.ran_code()
}

/// A table that the statement makes and that is there.
fn taken(step: &Step<'_>) -> Option<ObjectName> {
    let StatementKind::CreateTable { table, if_not_exists: false, temporary: false, .. } = &step.statement.kind else {
        return None;
    };
    let name = step.catalog.made(table);
    (certain(step) && step.catalog.table(&name).there().is_some()).then_some(name)
}

/// Objects that the statement needs and that are not there.
fn missing(step: &Step<'_>) -> Vec<ObjectName> {
    if !certain(step) {
        return Vec::new();
    }
    let catalog = step.catalog;
    let relation = |name: &Name| {
        let name = catalog.resolve(name);
        let other = catalog.views.contains(&name)
            || catalog.sequences.contains_key(&name)
            || matches!(catalog.index_owner(&name), Known::There(_))
            || catalog.is_temporary(&name);
        (catalog.table(&name).is_absent() && !other).then_some(name)
    };
    match &step.statement.kind {
        StatementKind::AlterTable { table, if_exists: false, .. } => relation(table).into_iter().collect(),
        StatementKind::DropTable { tables, if_exists: false, .. } => tables.iter().filter_map(relation).collect(),
        StatementKind::Truncate { tables, .. } => tables.iter().filter_map(relation).collect(),
        StatementKind::Update { table, .. } | StatementKind::Delete { table, .. } | StatementKind::Insert { table } => {
            relation(table).into_iter().collect()
        }
        StatementKind::CreateIndex(index) => relation(&index.table).into_iter().collect(),
        _ => Vec::new(),
    }
}
