//! An index dropped that schema.prisma did not explain: one that it has no words for (partial, on an expression, with
//! `INCLUDE`), which some versions of Prisma drop by mistake (7.4.0 to 7.5), or one that it did not declare, which Prisma drops
//! as drift. Somebody wrote it, and nothing in the schema says that it shall go.

use super::{Check, Finding, Rule, Severity, Step};
use crate::catalog::{Index, ObjectName};
use crate::sql::StatementKind;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "unexplained-index-drop",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("unexplained_index_drop.md"),
    check: Check::Statement(check),
};

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let StatementKind::DropIndex { indexes, .. } = &step.statement.kind else { return };
    for index in indexes {
        let index = step.catalog.resolve(index);
        let Some(name) = step.catalog.table_of_index(&index) else { continue };
        let known = step.catalog.tables.get(name).and_then(|table| table.indexes.get(&index.name));
        let (Some(table), Some(known)) = (step.existing_object(name), known) else { continue };
        if !is_hand_written(known) && !is_undeclared(step, name, known) {
            continue;
        }
        let after = step.subject.after.tables.get(name);
        // made anew under any name
        if after.is_none_or(|after| after.indexes.values().any(|index| index == known)) {
            continue;
        }
        let label = step.subject.label(&index);
        let what = match (&known.predicate, known.keys.iter().any(|key| key.column.is_none())) {
            (Some(predicate), _) => format!("partial (WHERE {})", predicate.text),
            (None, true) => "on an expression".to_owned(),
            (None, false) if is_hand_written(known) => "more than the schema can say".to_owned(),
            (None, false) => "not in the schema of before".to_owned(),
        };
        let lost = if known.unique { ", and what it kept unique may be doubled" } else { "" };
        findings.push(
            Finding::new(
                &RULE,
                &label,
                step.statement.range.clone(),
                format!("drops index `{label}` of `{}`, which was written by hand: it is {what}{lost}", table.label),
            )
            .help(if is_hand_written(known) {
                "take the statement out of the draft: Prisma does not see such an index, and leaves it alone"
            } else {
                "keep it: take the statement out of the draft and declare the index in schema.prisma (@@index)"
            }),
        );
    }
}

/// Whether the schema of before is known, has the table's model, and does not declare the index.
fn is_undeclared(step: &Step<'_>, table: &ObjectName, index: &Index) -> bool {
    let schema = step.subject.settings.earlier_schema();
    let model = schema.and_then(|schema| schema.model_of_table(&table.schema, &table.name));
    let columns: Option<Vec<String>> = index.keys.iter().map(|key| key.column.clone()).collect();
    model.zip(columns).is_some_and(|(model, columns)| !model.declares_index(&columns))
}

/// Whether schema.prisma has no words for the index.
pub(super) fn is_hand_written(index: &Index) -> bool {
    index.predicate.is_some()
        || index.nulls_not_distinct
        || !index.include.is_empty()
        || index.keys.iter().any(|key| key.column.is_none())
}
