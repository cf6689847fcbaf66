//! An index built without `CONCURRENTLY` on a table in use: it blocks writes until it is built.

use super::cost::Work;
use super::{Check, Finding, Rule, Severity, Step};
use crate::sql::{ConstraintKind, CreateIndex, StatementKind};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "blocking-index",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("blocking_index.md"),
    check: Check::Statement(check),
};

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    if let StatementKind::CreateIndex(index) = &step.statement.kind {
        if let Some(label) = step.filled(&index.table) {
            findings.push(of_filled(step, index, &label));
        }
        let Some(table) = step.existing(&index.table).filter(|_| !index.concurrently) else { return };
        let object = index.name.clone().unwrap_or_else(|| table.label.clone());
        let finding = Finding::new(
            &RULE,
            &object,
            step.statement.range.clone(),
            format!("builds index `{object}` and blocks writes to `{}` until it is built", table.label),
        )
        .help("put it in a migration of its own, as CREATE INDEX CONCURRENTLY, which does not block writes");
        findings.extend(step.weigh(&table, Work::Index, finding));
    }
    for (table, range, constraint) in step.added_constraints() {
        let columns = match &constraint.kind {
            ConstraintKind::PrimaryKey { columns, using_index: None }
            | ConstraintKind::Unique { columns, using_index: None } => columns.join("_"),
            ConstraintKind::Exclude { .. } => "exclude".into(),
            _ => continue,
        };
        let Some(table) = step.existing(table) else { continue };
        let object = constraint.name.clone().unwrap_or_else(|| format!("{}.{columns}", table.label));
        let finding = Finding::new(
            &RULE,
            &object,
            range,
            format!("builds the index of `{object}` and blocks all access to `{}` until it is built", table.label),
        )
        .help(
            "build a unique index with CREATE UNIQUE INDEX CONCURRENTLY in a migration of its own, then \
             ADD CONSTRAINT … USING INDEX",
        );
        findings.extend(step.weigh(&table, Work::Index, finding));
    }
}

/// An index on a table that the migration itself has filled: no session waits for that table, but for what else is locked.
fn of_filled(step: &Step<'_>, index: &CreateIndex, label: &str) -> Finding {
    let object = index.name.clone().unwrap_or_else(|| label.to_owned());
    let message = format!(
        "builds index `{object}` over the rows that were put into `{label}`: what is locked by then stays locked until it is built"
    );
    Finding::new(&RULE, object, step.statement.range.clone(), message).severity(Severity::Info).help(
        "take no lock on another table before it, or fill the table and build its indexes in a migration of their own",
    )
}
