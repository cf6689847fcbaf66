//! A foreign key that leads to another table afterwards, while the values stay: they are read as keys of other rows.

use super::{Check, Finding, Rule, Severity, Step, cost};
use crate::catalog::{Catalog, ObjectName};
use crate::effects::{Effect, What};
use crate::sql::{ConstraintKind, StatementKind};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "redirected-foreign-key",
    severity: Severity::Error,
    optional: false,
    acceptable: true,
    destroys: true,
    page: include_str!("redirected_foreign_key.md"),
    check: Check::Statement(check),
};

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    for Effect { range, what } in step.effects {
        let What::KeyLed { table, columns, from, to } = what else { continue };
        // a table that these migrations have made has no keys to misread
        let Some(existing) = step.existing_object(table) else { continue };
        let (from, to) = (step.subject.label(from), step.subject.label(to));
        let listed = columns.join(", ");
        let object = format!("{}.{listed}", existing.label);
        let finding = Finding::new(
            &RULE,
            &object,
            range.clone(),
            format!("`{object}` refers to `{to}` from now on: keys of `{from}` are read as keys of `{to}`"),
        )
        .help(format!(
            "add a new column for `{to}`, fill it, and drop the old one later\n\
             if the values are right for `{to}` as they are: `-- prisma-safe:allow redirected-foreign-key({object}): why`"
        ));
        let finding = match crossed(step, table) {
            true => finding.help(format!(
                "the columns of this join table change places with the names of its models: exchange them with `prisma-safe rewrite {}`\n\
                 if the values are right for `{to}` as they are: `-- prisma-safe:allow redirected-foreign-key({object}): why`",
                step.subject.migration
            )),
            false => finding,
        };
        let finding = match existing.rows {
            Some(rows) => finding.measured(format!("{} holds {}", existing.label, cost::rows(rows))),
            None => finding,
        };
        findings.push(match existing.rows {
            Some(0) if !existing.written => finding.severity(Severity::Info),
            // the migration writes new keys itself
            _ if writes(step, table, columns) => finding.severity(Severity::Warning),
            _ => finding,
        });
    }
}

/// Whether the foreign keys of Prisma's columns A and B are exchanged.
fn crossed(step: &Step<'_>, table: &ObjectName) -> bool {
    let leads = |catalog: &Catalog, column: &str| {
        let table = catalog.tables.get(table)?;
        table.constraints.values().find_map(|constraint| match &constraint.kind {
            ConstraintKind::ForeignKey { columns, table, .. } if columns.as_slice() == [column] => {
                Some(catalog.resolve(table))
            }
            _ => None,
        })
    };
    let ends = |catalog: &Catalog| Some((leads(catalog, "A")?, leads(catalog, "B")?));
    match (ends(step.subject.before), ends(step.subject.after)) {
        (Some((a, b)), Some((c, d))) => a != b && a == d && b == c,
        _ => false,
    }
}

/// Whether the migration writes these columns by an `UPDATE`.
fn writes(step: &Step<'_>, table: &ObjectName, columns: &[String]) -> bool {
    step.subject.script.statements().iter().any(|statement| match &statement.kind {
        StatementKind::Update { table: updated, columns: set, .. } => {
            step.catalog.resolve(updated) == *table && columns.iter().any(|column| set.contains(column))
        }
        _ => false,
    })
}
