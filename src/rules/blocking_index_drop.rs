//! An index dropped without `CONCURRENTLY`: a moment's work, behind a lock that waits for every reader.

use super::cost;
use super::{Check, Finding, Rule, Severity, Step};
use crate::sql::StatementKind;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "blocking-index-drop",
    severity: Severity::Info,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("blocking_index_drop.md"),
    check: Check::Statement(check),
};

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let StatementKind::DropIndex { indexes, concurrently: false, .. } = &step.statement.kind else { return };
    for index in indexes {
        let index = step.catalog.resolve(index);
        let Some(table) = step.catalog.table_of_index(&index).and_then(|table| step.existing_object(table)) else {
            continue;
        };
        // one behind a constraint is not dropped at all: index-of-constraint's matter
        let own = step.catalog.tables.get(&table.name).is_some_and(|known| known.indexes.contains_key(&index.name));
        if !own || step.is_small(&table) {
            continue;
        }
        let object = step.subject.label(&index);
        let finding = Finding::new(
            &RULE,
            &object,
            step.statement.range.clone(),
            format!(
                "drops index `{object}`: it waits for every query on `{}`, and new ones wait behind it",
                table.label
            ),
        )
        .help("if queries run long, put DROP INDEX CONCURRENTLY in a migration of its own");
        findings.push(match table.rows {
            Some(rows) => {
                finding.severity(Severity::Warning).measured(format!("{} holds {}", table.label, cost::rows(rows)))
            }
            None => finding,
        });
    }
}
