//! A required column without a default, on a table that has rows: PostgreSQL has nothing to put in.

use super::{Check, Finding, Rule, Severity, Step, cost};
use crate::sql::{ActionKind, ColumnDef, ConstraintKind};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "required-column",
    severity: Severity::Error,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("required_column.md"),
    check: Check::Statement(check),
};

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    for (table, action) in step.actions() {
        let ActionKind::AddColumn { column, .. } = &action.kind else { continue };
        if !needs_value(column) {
            continue;
        }
        if let Some(label) = step.filled(table) {
            let object = format!("{label}.{}", column.name);
            let message = format!(
                "adds required column `{}` without a default to `{label}`, after rows were put into it: this fails if there is one",
                column.name
            );
            findings.push(
                Finding::new(&RULE, object, action.range.clone(), message)
                    .help("give the table the column before the rows come"),
            );
            continue;
        }
        let Some(table) = step.existing(table) else { continue };
        let object = format!("{}.{}", table.label, column.name);
        let finding = Finding::new(
            &RULE,
            &object,
            action.range.clone(),
            format!(
                "adds required column `{}` to `{}` without a default: this fails if the table has a row",
                column.name, table.label
            ),
        );
        findings.push(match table.rows {
            Some(0) if !table.written => finding
                .severity(Severity::Info)
                .measured(format!("{} holds 0 rows, safe now", table.label))
                .help("a running release that inserts into the table will fail: it does not know the column"),
            rows => {
                let finding = match rows {
                    Some(rows) => finding.measured(format!("{} holds {}", table.label, cost::rows(rows))),
                    None => finding,
                };
                finding.help(
                    "add it as optional, fill it, and make it required in a later release, \
                     or give it a `@default`; `uuid()` and `cuid()` are no database defaults",
                )
            }
        });
    }
}

/// Whether every row needs a value that nothing gives.
fn needs_value(column: &ColumnDef) -> bool {
    let key = column.constraints.iter().any(|constraint| matches!(constraint.kind, ConstraintKind::PrimaryKey { .. }));
    let filled = column.default.is_some()
        || column.identity
        || column.generated.is_some()
        || matches!(column.data_type.name.as_str(), "serial" | "bigserial" | "smallserial");
    (column.not_null || key) && !filled
}
