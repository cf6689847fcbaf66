//! Partitions: what is scanned when one is attached, and what an index on their parent costs.

use super::cost::Work;
use super::subject::Existing;
use super::{Check, Finding, Rule, Severity, Step, cost};
use crate::catalog::ObjectName;
use crate::effects::What;
use crate::sql::tokens::{after, tokens};
use crate::sql::{ConstraintKind, StatementKind};

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

/// Rows that a table no longer has, though they stay in their own.
pub(super) const DETACH: Rule = Rule {
    id: "detached-rows",
    severity: Severity::Error,
    optional: false,
    acceptable: true,
    destroys: true,
    page: include_str!("detached_rows.md"),
    check: Check::Statement(detach),
};

/// What attaching reads.
enum Read {
    /// The partition itself, which stands on the target.
    Partition(Existing),
    /// The partition itself, which the migrations under review have filled.
    Filled,
    /// The parent's default partition, which must hold no row of the new one.
    Default(Existing),
}

fn attach(step: &Step<'_>, findings: &mut Vec<Finding>) {
    for effect in step.effects {
        let What::PartJoined { table: parent, part, partition: true } = &effect.what else { continue };
        let label = step.subject.label(part);
        let parent_label = step.subject.label(parent);
        if unasked(step, parent) {
            let message = format!(
                "makes `{label}` a partition of `{parent_label}`: if that has a default partition, every row of it is read while all access \
                 to it is blocked"
            );
            findings.push(Finding::new(&ATTACH, &label, effect.range.clone(), message).severity(Severity::Info).help(
                "where there is one, first add a check to it that excludes the new bounds, NOT VALID, and validate it",
            ));
            continue;
        }
        let found = |message: String| {
            Finding::new(&ATTACH, &label, effect.range.clone(), message)
                .help("first add a check that matches the partition's bounds, NOT VALID, and validate it; then attaching reads nothing")
        };
        let all = [own(step, part), default(step, parent)].into_iter().flatten().filter_map(|read| match read {
            Read::Partition(table) => {
                let message = format!("attaches `{label}` to `{parent_label}`: every row of it is read while all access to it is blocked");
                step.weigh(&table, Work::Scan, found(message))
            }
            Read::Filled => Some(found(format!(
                "attaches `{label}` to `{parent_label}`: every row that was put into it is read, and every row of a default \
                 partition of `{parent_label}` while nobody can use it"
            ))),
            Read::Default(table) => {
                let finding = found(format!(
                    "adds the partition `{label}` to `{parent_label}`: every row of its default partition `{}` is read while \
                     nobody can use it",
                    table.label
                ))
                .help("first add a check to the default partition that excludes the new one's bounds, NOT VALID, and validate it");
                step.weigh(&table, Work::Scan, finding)
            }
        });
        // one word is enough: the worst
        findings.extend(all.max_by_key(|finding| finding.severity));
    }
}

/// A new table becomes a partition where nothing tells whether the parent has a default partition.
fn unasked(step: &Step<'_>, parent: &ObjectName) -> bool {
    let StatementKind::CreateTable { partition_of: Some((_, which)), .. } = &step.statement.kind else { return false };
    step.subject.live.is_none() && which != "DEFAULT" && step.existing_object(parent).is_some()
}

/// The partition, where it may have rows that have to be read.
fn own(step: &Step<'_>, part: &ObjectName) -> Option<Read> {
    if checked(step, part) || matches!(step.statement.kind, StatementKind::CreateTable { .. }) {
        return None;
    }
    match step.existing_object(part) {
        Some(table) if table.rows == Some(0) && !table.written => None,
        Some(table) => Some(Read::Partition(table)),
        None => step.origins.filled(part).then_some(Read::Filled),
    }
}

/// The parent's default partition, where the target says that there is one with rows.
fn default(step: &Step<'_>, parent: &ObjectName) -> Option<Read> {
    let live = step.subject.live?;
    let name = live.default_partition(&step.origins.table(parent)?)?;
    if checked(step, &name) {
        return None;
    }
    let table = step.existing_object(&name)?;
    (table.rows != Some(0) || table.written).then_some(Read::Default(table))
}

/// A check on the rows spares the scan; whether it says enough, PostgreSQL decides.
fn checked(step: &Step<'_>, table: &ObjectName) -> bool {
    step.catalog.tables.get(table).is_some_and(|known| {
        known.constraints.values().any(|it| it.valid && matches!(it.kind, ConstraintKind::Check { .. }))
    })
}

fn detach(step: &Step<'_>, findings: &mut Vec<Finding>) {
    for effect in step.effects {
        let What::RowsDetached { table: whole, part } = &effect.what else { continue };
        // what the migrations under review have made has no rows of anyone's
        let Some(part) = step.existing_object(part) else { continue };
        if part.rows == Some(0) && !part.written {
            continue;
        }
        let whole = step.subject.label(whole);
        let message =
            format!("takes the rows of `{}` out of `{whole}`: queries of `{whole}` no longer find them", part.label);
        let help = format!(
            "they stay in `{0}`; if nobody reads them through `{whole}` any more, accept it in this file: \
             `-- prisma-safe:allow detached-rows({0}): why`",
            part.label
        );
        let finding = Finding::new(&DETACH, &part.label, effect.range.clone(), message).help(help);
        findings.push(match part.rows {
            Some(rows) => finding.measured(format!("{} holds {}", part.label, cost::rows(rows))),
            None => finding,
        });
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
            "`{}` is partitioned: the index is built on every partition and blocks writes to all of them",
            table.label
        );
        Finding::new(&INDEX, object, step.statement.range.clone(), message)
    };
    findings.push(finding.measured(format!("{} is a partitioned table", table.label)).help(help));
}
