//! Partitions: what is scanned when one is attached, and what an index on their parent costs.

use super::cost::Work;
use super::{Check, Finding, Rule, Severity, Step};
use crate::sql::tokens::{after, name, tokens};
use crate::sql::{ActionKind, ConstraintKind, StatementKind};

/// `ATTACH PARTITION` of a table with rows.
pub(super) const ATTACH: Rule = Rule {
    id: "blocking-attach",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("blocking_attach.md"),
    check: Check::Statement(attach),
};

/// An index on a partitioned table.
pub(super) const INDEX: Rule = Rule {
    id: "partitioned-index",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("partitioned_index.md"),
    check: Check::Statement(index),
};

fn attach(step: &Step<'_>, findings: &mut Vec<Finding>) {
    for (parent, action) in step.actions() {
        let ActionKind::Other { words } = &action.kind else { continue };
        if !words.starts_with("ATTACH PARTITION") {
            continue;
        }
        let text = step.subject.script.text().get(action.range.clone()).unwrap_or_default();
        let tokens = tokens(text);
        let Some((partition, _)) = after(&tokens, "attach partition").and_then(name) else { continue };
        let Some(table) = step.existing(&partition) else { continue };
        // a check on the rows spares the scan; whether it says enough, PostgreSQL decides
        let known = step.catalog.tables.get(&table.name);
        let checked = known.is_some_and(|known| {
            known.constraints.values().any(|it| it.valid && matches!(it.kind, ConstraintKind::Check { .. }))
        });
        if checked || table.rows == Some(0) && !table.written {
            continue;
        }
        let message =
            format!("attaches `{}` to `{parent}`: every row of it is read while nobody can use it", table.label);
        let finding = Finding::new(&ATTACH, &table.label, action.range.clone(), message)
            .help("first add a check that matches the partition's bounds, NOT VALID, and validate it; then attaching reads nothing");
        findings.extend(step.weigh(&table, Work::Scan, finding));
    }
}

fn index(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let StatementKind::CreateIndex(index) = &step.statement.kind else { return };
    let Some(table) = step.existing(&index.table) else { return };
    let partitioned = step.subject.live.and_then(|live| live.partitioned(&table.target));
    if partitioned != Some(true) || after(&tokens(step.text()), "on only").is_some() {
        return;
    }
    let object = index.name.clone().unwrap_or_else(|| table.label.clone());
    let help = "create it ON ONLY the parent, build one on each partition CONCURRENTLY, and attach them: ALTER INDEX … ATTACH PARTITION";
    let finding = if index.concurrently {
        let message = format!("`{}` is partitioned: PostgreSQL refuses CONCURRENTLY on it", table.label);
        Finding::new(&INDEX, object, step.statement.range.clone(), message).severity(Severity::Error)
    } else {
        let message = format!(
            "`{}` is partitioned: the index is built on every partition, and nobody can write to any meanwhile",
            table.label
        );
        Finding::new(&INDEX, object, step.statement.range.clone(), message)
    };
    findings.push(finding.measured(format!("{} is a partitioned table", table.label)).help(help));
}
