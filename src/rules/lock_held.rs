//! A lock that a statement takes and that later statements of the same transaction hold on to: the change itself takes a
//! moment, the backfill after it minutes, and all access to the table is blocked for as long.

use super::delivery::Delivery;
use super::locks::{KeepsOut, worked};
use super::subject::Existing;
use super::{Check, Finding, Rule, Severity, Step, Subject, cost};
use crate::sql::StatementKind;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "lock-held",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("lock_held.md"),
    check: Check::Migration(check),
};

/// A table that is locked, since when, and what is done while it is.
struct Held {
    table: Existing,
    keeps_out: KeepsOut,
    line: usize,
    /// The first statement that works long under the lock.
    under: Option<std::ops::Range<usize>>,
    seconds: u64,
    /// A data statement on a table of unknown size is among them.
    unknown: bool,
}

fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    if subject.delivery == Delivery::Statements || subject.script.statements().len() < 2 {
        return;
    }
    let mut held: Vec<Held> = Vec::new();
    let mut section = 0;
    let mut worst: Vec<Finding> = Vec::new();
    for hold in subject.holds() {
        // with each transaction the locks of the one before it are gone
        let now = subject.delivery.section(hold.range.start);
        if now != section {
            section = now;
            worst.extend(worst_of(subject, &std::mem::take(&mut held)));
        }
        for (table, seconds) in &hold.worked {
            // what a statement does to a table that it locks by itself is another rule's matter
            let own = hold.taken.iter().any(|(own, ..)| own.target == table.target);
            for lock in held.iter_mut().filter(|lock| !own || lock.table.target != table.target) {
                lock.under.get_or_insert_with(|| hold.range.clone());
                lock.seconds += seconds.unwrap_or(0);
                lock.unknown |= seconds.is_none();
            }
        }
        for (table, keeps_out, _) in hold.taken.iter().filter(|(.., small)| !small) {
            match held.iter_mut().find(|lock| lock.table.target == table.target) {
                Some(lock) => lock.keeps_out = lock.keeps_out.max(*keeps_out),
                None => {
                    let line = subject.script.position(hold.range.start).line;
                    let (table, keeps_out) = (table.clone(), *keeps_out);
                    held.push(Held { table, keeps_out, line, under: None, seconds: 0, unknown: false });
                }
            }
        }
    }
    worst.extend(worst_of(subject, &held));
    findings.extend(worst);
}

/// One lock tells the story: the worst and longest.
fn worst_of(subject: &Subject<'_>, held: &[Held]) -> Option<Finding> {
    let worst = held.iter().filter(|lock| lock.under.is_some()).max_by_key(|lock| (lock.keeps_out, lock.seconds));
    worst.and_then(|lock| finding(subject, lock, held))
}

fn finding(subject: &Subject<'_>, lock: &Held, held: &[Held]) -> Option<Finding> {
    let label = &lock.table.label;
    let others: Vec<String> = held
        .iter()
        .filter(|other| other.under.is_some() && other.table.target != lock.table.target)
        .map(|other| format!("`{}`", other.table.label))
        .collect();
    let others = if others.is_empty() { String::new() } else { format!(" (and {})", others.join(", ")) };
    let who = match lock.keeps_out {
        KeepsOut::Everybody => "all access to it is blocked",
        KeepsOut::Writers => "writes to it are blocked",
    };
    let finding = Finding::new(
        &RULE,
        label,
        lock.under.clone()?,
        format!("works while `{label}`{others} stays locked by line {}: {who} until the migration ends", lock.line),
    )
    .help("change the schema in one migration, and move or check the data in the next (a backfill best in batches, outside of both)");
    if lock.unknown {
        return Some(finding);
    }
    let severity =
        if lock.seconds > subject.settings.lock_budget_seconds { Severity::Error } else { Severity::Warning };
    let measured = lock.table.rows.map(|rows| format!("{label} holds {}", cost::rows(rows)));
    let finding = finding.severity(severity).estimated(format!("about {} s under the lock", lock.seconds));
    Some(match measured {
        Some(text) => finding.measured(text),
        None => finding,
    })
}

/// Tables that are not small and that a statement works on, and for how many seconds; none for a data statement on a table of
/// unknown size. Other work of unknown length, which Prisma's drafts are full of (indexes, foreign keys), is not held against it.
pub(super) fn work(step: &Step<'_>) -> Vec<(Existing, Option<u64>)> {
    let data = matches!(
        step.statement.kind,
        StatementKind::Update { .. } | StatementKind::Delete { .. } | StatementKind::Insert { .. }
    );
    let tables = worked(step).into_iter().filter(|(table, _)| !step.is_small(table));
    tables
        .filter_map(|(table, work)| match table.rows {
            Some(rows) => {
                let bytes = step.subject.live.and_then(|live| live.bytes(&table.target));
                let seconds = work.seconds(rows).max(bytes.map_or(0, |bytes| work.seconds_for(bytes)));
                Some((table, Some(seconds)))
            }
            None => data.then_some((table, None)),
        })
        .collect()
}
