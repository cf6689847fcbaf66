//! `DELETE` with a condition: some rows go, and those that hang on them by `ON DELETE CASCADE`.

use super::{Check, Finding, Rule, Severity, Step, cost};
use crate::effects::{What, Which};
use crate::sql::StatementKind;
use crate::sql::tokens::where_is_trivial;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "delete-rows",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: true,
    page: include_str!("delete_rows.md"),
    check: Check::Statement(check),
};

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let StatementKind::Delete { table, has_where: true } = &step.statement.kind else { return };
    if where_is_trivial(step.text()) {
        return;
    }
    let Some(table) = step.existing(table).filter(|table| table.rows != Some(0) || table.written) else { return };
    let mut finding = Finding::new(
        &RULE,
        &table.label,
        step.statement.range.clone(),
        format!("deletes the rows of `{}` that a condition names; nothing but a backup brings them back", table.label),
    )
    .help("run the condition as a SELECT on production first; better keep the rows, marked, for a release");
    for reached in reached(step) {
        finding = finding.replayed(reached);
    }
    finding = step.with_heirs(&table.name, finding);
    if let Some(rows) = table.rows {
        finding = finding.measured(format!("{} holds {}", table.label, cost::rows(rows)));
    }
    findings.push(finding);
}

/// What foreign keys do about the deleted rows, a sentence for each table.
pub(super) fn reached<'a>(step: &'a Step<'_>) -> impl Iterator<Item = String> + use<'a> {
    step.effects.iter().filter_map(|effect| match &effect.what {
        What::RowsDeleted { table, which: Which::Referring { .. } } => {
            Some(format!("rows of {} go with them (ON DELETE CASCADE)", step.subject.label(table)))
        }
        What::ValuesOverwritten { table, which: Which::Referring { .. }, columns } => {
            let table = step.subject.label(table);
            let columns: Vec<String> = columns.iter().map(|column| format!("{table}.{column}")).collect();
            Some(format!("values of {} go with them (ON DELETE SET NULL or SET DEFAULT)", columns.join(", ")))
        }
        _ => None,
    })
}
