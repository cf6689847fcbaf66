//! A table dropped with its rows.

use super::{Check, Finding, NOTHING_LOST, Rule, Severity, Step, cost};
use crate::sql::StatementKind;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "drop-table",
    severity: Severity::Error,
    optional: false,
    acceptable: true,
    destroys: true,
    page: include_str!("drop_table.md"),
    check: Check::Statement(check),
};

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let StatementKind::DropTable { tables, cascade, .. } = &step.statement.kind else { return };
    for table in tables.iter().filter_map(|table| step.existing(table)) {
        let and_more = if *cascade { ", and CASCADE drops the views and foreign keys that depend on it" } else { "" };
        let finding = Finding::new(
            &RULE,
            &table.label,
            step.statement.range.clone(),
            format!("drops table `{}` with all its rows{and_more}", table.label),
        );
        let partitions = step.catalog.partitions(&table.name);
        let finding = if partitions.is_empty() {
            finding
        } else {
            let names: Vec<String> = partitions.iter().map(|part| step.catalog.short(part).to_string()).collect();
            finding.replayed(format!("its partitions go with it: {}", names.join(", ")))
        };
        let finding = step.with_heirs(&table.name, finding);
        findings.push(match table.rows {
            Some(0) if !table.written => finding
                .severity(Severity::Warning)
                .measured(format!("{} holds 0 rows: {NOTHING_LOST}", table.label))
                .help("deploy a release that no longer has the model first: the running one still queries the table"),
            Some(rows) => {
                finding.measured(format!("{} holds {}", table.label, cost::rows(rows))).help(help(&table.label))
            }
            None => finding.help(help(&table.label)),
        });
    }
}

fn help(object: &str) -> String {
    format!(
        "if it was renamed, run `prisma-safe rewrite`; if it really goes, first deploy a release that does not use it\n\
         then accept the loss in this file: `-- prisma-safe:allow drop-table({object}): why`"
    )
}
