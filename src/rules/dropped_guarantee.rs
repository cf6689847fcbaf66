//! A constraint or unique index dropped, while its table and columns stay: what it kept true may become false at once.

use std::ops::Range;

use super::{Check, Finding, Rule, Severity, Step};
use crate::catalog::ObjectName;
use crate::effects::{Effect, Guarantee, What};
use crate::sql::ConstraintKind;

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
    for Effect { range, what } in step.effects {
        let What::GuaranteeGone { table, name, guarantee } = what else { continue };
        // a table that these migrations have made has nothing to keep true yet
        if step.existing_object(table).is_some() {
            findings.extend(gone(step, table, name, guarantee, range.clone()));
        }
    }
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
        ConstraintKind::PrimaryKey { .. } => (
            format!("`{label}` is left without a primary key: rows can no longer be told apart"),
            "give the table a primary key in the same migration; logical replication and Prisma need one",
        ),
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
