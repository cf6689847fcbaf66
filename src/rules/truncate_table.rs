//! `TRUNCATE`: every row of a table gone in one statement.

use super::{Check, Finding, Rule, Severity, Step, cost};
use crate::catalog::ObjectName;
use crate::effects::What;
use crate::sql::StatementKind;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "truncate-table",
    severity: Severity::Error,
    optional: false,
    acceptable: true,
    destroys: true,
    page: include_str!("truncate_table.md"),
    check: Check::Statement(check),
};

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let StatementKind::Truncate { tables, cascade } = &step.statement.kind else { return };
    let named: Vec<ObjectName> = tables.iter().map(|table| step.catalog.resolve(table)).collect();
    let emptied = step.effects.iter().filter_map(|effect| match &effect.what {
        What::RowsDeleted { table, .. } => Some(table),
        _ => None,
    });
    let (named, reached): (Vec<&ObjectName>, Vec<&ObjectName>) = emptied.partition(|table| named.contains(table));
    let inherits = |table: &&ObjectName| named.iter().any(|parent| step.catalog.heirs(parent).contains(table));
    let reached = reached.into_iter().filter(|table| !inherits(table));
    let reached: Vec<String> = reached.map(|table| step.subject.label(table)).collect();
    for table in named.into_iter().filter_map(|table| step.existing_object(table)) {
        let and_more = if *cascade {
            ", and CASCADE empties every table that references it, and those that reference these"
        } else {
            ""
        };
        let mut finding = Finding::new(
            &RULE,
            &table.label,
            step.statement.range.clone(),
            format!("deletes every row of `{}`{and_more}", table.label),
        )
        .help(format!(
            "delete the rows that must go with a DELETE that names them\nif all must go, accept it in this file: \
             `-- prisma-safe:allow truncate-table({}): why`",
            table.label
        ));
        finding = step.with_heirs(&table.name, finding);
        if !reached.is_empty() {
            finding = finding.replayed(format!("CASCADE empties {}", reached.join(", ")));
        }
        findings.push(match table.rows {
            // CASCADE reaches tables that were not counted
            Some(0) if !table.written && !cascade => {
                finding.severity(Severity::Info).measured(format!("{} holds 0 rows", table.label))
            }
            Some(rows) => finding.measured(format!("{} holds {}", table.label, cost::rows(rows))),
            None => finding,
        });
    }
}
