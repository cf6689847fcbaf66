//! A foreign key or check that PostgreSQL proves on every row at once, with writers locked out.

use super::cost::{self, Work};
use super::subject::Existing;
use super::{Check, Finding, Rule, Severity, Step};
use crate::sql::{ActionKind, ConstraintKind, Name};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "validated-constraint",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("validated_constraint.md"),
    check: Check::Statement(check),
};

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    for (table, range, constraint) in step.added_constraints().filter(|(.., constraint)| !constraint.not_valid) {
        let Some(table) = step.existing(table) else { continue };
        let finding = |message: String| {
            let object = constraint.name.clone().unwrap_or_else(|| table.label.clone());
            Finding::new(&RULE, object, range.clone(), message)
                .help("add it NOT VALID, and VALIDATE CONSTRAINT in a later migration: that locks nobody out")
        };
        if table.rows == Some(0) && !table.written {
            continue;
        }
        match &constraint.kind {
            ConstraintKind::ForeignKey { columns, table: parent, referenced, .. } => {
                let found = finding(format!(
                    "proves every row of `{}` against `{parent}` while nobody can write to either",
                    table.label
                ));
                findings.extend(foreign_key(step, &table, columns, parent, referenced, found));
            }
            ConstraintKind::Check { .. } => {
                let found =
                    finding(format!("proves a check on every row of `{}` while nobody can use it", table.label));
                findings.extend(step.weigh(&table, Work::Scan, found));
            }
            _ => {}
        }
    }
    for (table, action) in step.actions() {
        let ActionKind::ValidateConstraint { name } = &action.kind else { continue };
        let Some(table) = step.existing(table) else { continue };
        let known_before = step.subject.before.tables.get(&table.name);
        if known_before.is_none_or(|known| known.constraints.contains_key(name)) {
            continue;
        }
        let finding = Finding::new(
            &RULE,
            name,
            action.range.clone(),
            format!("validates `{name}` in the migration that adds it: the lock of the addition is held meanwhile"),
        )
        .help("move VALIDATE CONSTRAINT to a migration of its own");
        findings.extend(step.weigh(&table, Work::Scan, finding));
    }
}

fn foreign_key(
    step: &Step<'_>,
    table: &Existing,
    columns: &[String],
    parent: &Name,
    referenced: &[String],
    finding: Finding,
) -> Option<Finding> {
    let Some(on_target) = step.columns(table, columns) else {
        // a column these migrations add is NULL in every row: nothing to prove, only the locks are taken
        let filled = table.written || has_default(step, table, columns);
        return step
            .weigh(table, Work::Scan, finding)
            .map(|finding| if filled { finding } else { finding.severity(Severity::Info) });
    };
    let orphans = step.subject.live.and_then(|live| {
        let parent = step.existing(parent)?;
        let referenced = step.columns(&parent, &key_of(step, &parent, referenced)?)?;
        live.orphans(&table.target, &on_target, &parent.target, &referenced)
    });
    match orphans {
        Some(0) => step.weigh(table, Work::Index, finding.measured("every row has its partner".to_owned())),
        Some(orphans) => {
            let verb = if orphans == 1 { "has" } else { "have" };
            let finding =
                finding.measured(format!("{} {verb} no partner in {parent}: this fails", cost::rows(orphans)));
            Some(if table.written { finding } else { finding.severity(Severity::Error) })
        }
        None => step.weigh(table, Work::Index, finding),
    }
}

/// The referenced columns; without a list, the parent's primary key.
fn key_of(step: &Step<'_>, parent: &Existing, referenced: &[String]) -> Option<Vec<String>> {
    if !referenced.is_empty() {
        return Some(referenced.to_vec());
    }
    step.catalog.tables.get(&parent.name)?.constraints.values().find_map(|constraint| match &constraint.kind {
        ConstraintKind::PrimaryKey { columns, .. } => Some(columns.clone()),
        _ => None,
    })
}

fn has_default(step: &Step<'_>, table: &Existing, columns: &[String]) -> bool {
    let known = step.subject.after.tables.get(&table.name);
    columns
        .iter()
        .any(|name| known.and_then(|known| known.columns.get(name)).is_none_or(|column| column.default.is_some()))
}
