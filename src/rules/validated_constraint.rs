//! A foreign key or check that PostgreSQL proves on every row at once, with writers locked out.

use std::cmp::Ordering;
use std::ops::Range;

use super::cost::{self, Work};
use super::subject::Existing;
use super::{Check, Finding, Rule, Severity, Step, Which};
use crate::sql::{ActionKind, Atomicity, ConstraintDef, ConstraintKind, Expr, Name, StatementKind};

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
        if let Some(label) = step.filled(table) {
            findings.extend(of_filled(&label, range, constraint));
            continue;
        }
        let Some(table) = step.existing(table) else { continue };
        // what is not enforced is not proved either
        if super::unenforced_constraint::is_in(step.subject.script.text().get(range.clone()).unwrap_or_default()) {
            continue;
        }
        let finding = |message: String| {
            let object = constraint.name.clone().unwrap_or_else(|| table.label.clone());
            Finding::new(&RULE, object, range.clone(), message).help(
                "add it NOT VALID, and VALIDATE CONSTRAINT in a later migration, which blocks neither reads nor writes",
            )
        };
        if table.rows == Some(0) && !table.written {
            continue;
        }
        match &constraint.kind {
            ConstraintKind::ForeignKey { columns, table: parent, referenced, .. } => {
                let found = finding(format!(
                    "proves every row of `{}` against `{parent}` and blocks writes to both",
                    table.label
                ));
                findings.extend(foreign_key(step, &table, columns, parent, referenced, found));
            }
            ConstraintKind::Check { expr } => {
                let found =
                    finding(format!("proves a check on every row of `{}` and blocks all access to it", table.label));
                findings.extend(checked(step, &table, expr, found));
            }
            _ => {}
        }
    }
    for (table, action) in step.actions() {
        let ActionKind::ValidateConstraint { name } = &action.kind else { continue };
        let Some(table) = step.existing(table) else { continue };
        let known_before = step.subject.before.tables.get(&table.name);
        let added = added_by_the_file(step, name);
        // a transaction of its own has let go of the lock
        if added == Some(Ordering::Less) {
            continue;
        }
        if let Some(known) = known_before.and_then(|known| known.constraints.get(name)) {
            findings.extend(refused(step, &table, name, &known.kind, &action.range));
            continue;
        }
        // of a table that no migration makes it is known where the file itself adds it
        if known_before.is_none() && added.is_none() {
            continue;
        }
        let finding = Finding::new(
            &RULE,
            name,
            action.range.clone(),
            format!("validates `{name}` in the migration that adds it: the lock of the addition is held for as long"),
        )
        .help("move VALIDATE CONSTRAINT to a migration of its own");
        // a file for any tool: most commit each statement, unless it says otherwise itself
        if known_before.is_none() && step.subject.script.atomicity() == Atomicity::Transaction {
            findings.push(finding.severity(Severity::Info));
            continue;
        }
        findings.extend(step.weigh(&table, Work::Scan, finding));
    }
}

/// Whether the file itself adds the constraint before this statement: in an earlier transaction, or in this one.
fn added_by_the_file(step: &Step<'_>, name: &str) -> Option<Ordering> {
    let delivery = &step.subject.delivery;
    let here = step.statement.range.start;
    let adds =
        |action: &ActionKind| matches!(action, ActionKind::AddConstraint(added) if added.name.as_deref() == Some(name));
    step.subject.script.statements().iter().take_while(|earlier| earlier.range.start <= here).find_map(|earlier| {
        let StatementKind::AlterTable { actions, .. } = &earlier.kind else { return None };
        let there = delivery.section(earlier.range.start).cmp(&delivery.section(here));
        actions.iter().any(|action| adds(&action.kind)).then_some(there)
    })
}

/// A demand on rows that the migrations under review have put into a new table: a foreign key locks its parent for as long.
fn of_filled(label: &str, range: Range<usize>, constraint: &ConstraintDef) -> Option<Finding> {
    let message = match &constraint.kind {
        ConstraintKind::ForeignKey { table: parent, .. } => format!(
            "proves every row that was put into `{label}` against `{parent}`, to which nobody can write meanwhile: this fails on one \
             without a partner"
        ),
        ConstraintKind::Check { .. } => {
            format!("proves a check on every row that was put into `{label}`: this fails on one that breaks it")
        }
        _ => return None,
    };
    let object = constraint.name.clone().unwrap_or_else(|| label.to_owned());
    Some(Finding::new(&RULE, object, range, message).help("add the constraint before the rows come"))
}

/// A check on rows that exist: measured where it can be.
fn checked(step: &Step<'_>, table: &Existing, check: &Expr, finding: Finding) -> Option<Finding> {
    let which = Which::Breaking { check };
    match count(step, table, &which) {
        Some(0) => step.weigh(table, Work::Scan, finding.measured("every row passes")),
        Some(rows) => Some(broken(step, table, &which, rows, finding)),
        None => step.weigh(table, Work::Scan, finding),
    }
}

/// `VALIDATE CONSTRAINT` of an earlier migration's constraint blocks neither reads nor writes, but fails on one row.
fn refused(
    step: &Step<'_>,
    table: &Existing,
    name: &str,
    kind: &ConstraintKind,
    range: &Range<usize>,
) -> Option<Finding> {
    let finding =
        Finding::new(&RULE, name, range.clone(), format!("validates `{name}`: this fails on one row against it"))
            .help("settle these rows in a migration before this one");
    match kind {
        ConstraintKind::Check { expr } => {
            let which = Which::Breaking { check: expr };
            let rows = count(step, table, &which).filter(|rows| *rows > 0)?;
            Some(broken(step, table, &which, rows, finding))
        }
        ConstraintKind::ForeignKey { columns, table: parent, referenced, .. } => {
            let (on_target, parent, referenced) = ends(step, table, columns, parent, referenced)?;
            let which = Which::Orphaned { columns: &on_target, parent: &parent.target, referenced: &referenced };
            let rows = count(step, table, &which).filter(|rows| *rows > 0)?;
            Some(broken(step, table, &which, rows, finding))
        }
        _ => None,
    }
}

/// Rows against it; none where it names columns that the target has under another name.
fn count(step: &Step<'_>, table: &Existing, which: &Which<'_>) -> Option<u64> {
    if matches!(which, Which::Breaking { check } if !step.holds_on_target(table, check)) {
        return None;
    }
    step.subject.live?.count(&table.target, which)
}

/// The deploy would fail on these rows, unless a statement before this one settles them.
fn broken(step: &Step<'_>, table: &Existing, which: &Which<'_>, rows: u64, finding: Finding) -> Finding {
    let one = rows == 1;
    let finding = finding.measured(match which {
        Which::Orphaned { parent, .. } => {
            let verb = if one { "has" } else { "have" };
            format!("{} {verb} no partner in {}: this fails", cost::rows(rows), step.subject.label(parent))
        }
        _ => format!("{} {} the check: this fails", cost::rows(rows), if one { "breaks" } else { "break" }),
    });
    let finding = step.naming(table, which, finding);
    if table.written { finding } else { finding.severity(Severity::Error) }
}

/// Both ends of a foreign key as the target names them: its columns, the parent, the columns there.
fn ends(
    step: &Step<'_>,
    table: &Existing,
    columns: &[String],
    parent: &Name,
    referenced: &[String],
) -> Option<(Vec<String>, Existing, Vec<String>)> {
    let on_target = step.columns(table, columns)?;
    let parent = step.existing(parent)?;
    let referenced = step.columns(&parent, &key_of(step, &parent, referenced)?)?;
    Some((on_target, parent, referenced))
}

fn foreign_key(
    step: &Step<'_>,
    table: &Existing,
    columns: &[String],
    parent: &Name,
    referenced: &[String],
    finding: Finding,
) -> Option<Finding> {
    if step.columns(table, columns).is_none() {
        // a column these migrations add is NULL in every row: nothing to prove, only the locks are taken
        let filled = table.written || has_default(step, table, columns);
        return step
            .weigh(table, Work::Scan, finding)
            .map(|finding| if filled { finding } else { finding.severity(Severity::Info) });
    }
    let Some((on_target, parent, referenced)) = ends(step, table, columns, parent, referenced) else {
        return step.weigh(table, Work::Index, finding);
    };
    let which = Which::Orphaned { columns: &on_target, parent: &parent.target, referenced: &referenced };
    match count(step, table, &which) {
        Some(0) => step.weigh(table, Work::Index, finding.measured("every row has its partner")),
        Some(rows) => Some(broken(step, table, &which, rows, finding)),
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
