//! A lock that a statement takes and that later statements of the same transaction hold on to: the change itself takes a
//! moment, the backfill after it minutes, and nobody gets at the table meanwhile.

use super::delivery::Delivery;
use super::locks::{KeepsOut, taken, worked};
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

/// A table that is locked, since when, and what is done meanwhile.
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
    if subject.delivery != Delivery::Whole || subject.script.statements().len() < 2 {
        return;
    }
    let mut held: Vec<Held> = Vec::new();
    subject.walk(|step| {
        let (seconds, unknown) = work(step);
        if seconds > 0 || unknown {
            for lock in &mut held {
                lock.under.get_or_insert_with(|| step.statement.range.clone());
                lock.seconds += seconds;
                lock.unknown |= unknown;
            }
        }
        for (table, keeps_out) in taken(step).into_iter().filter(|(table, _)| !step.is_small(table)) {
            match held.iter_mut().find(|lock| lock.table.target == table.target) {
                Some(lock) => lock.keeps_out = lock.keeps_out.max(keeps_out),
                None => {
                    let line = subject.script.position(step.statement.range.start).line;
                    held.push(Held { table, keeps_out, line, under: None, seconds: 0, unknown: false });
                }
            }
        }
    });
    // one lock tells the story: the worst and longest
    let worst = held.iter().filter(|lock| lock.under.is_some()).max_by_key(|lock| (lock.keeps_out, lock.seconds));
    findings.extend(worst.and_then(|lock| finding(subject, lock, &held)));
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
        KeepsOut::Everybody => "nobody can read or write it",
        KeepsOut::Writers => "nobody can write to it",
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

/// How long a statement works, in seconds, on tables that are not small; and whether it is a data statement on a table of
/// unknown size. Work of unknown length that a draft of Prisma's is full of (indexes, foreign keys) is not held against it.
fn work(step: &Step<'_>) -> (u64, bool) {
    let mut seconds = 0;
    let mut unknown = false;
    for (table, work) in worked(step).into_iter().filter(|(table, _)| !step.is_small(table)) {
        match table.rows {
            Some(rows) => {
                let bytes = step.subject.live.and_then(|live| live.bytes(&table.target));
                seconds += work.seconds(rows).max(bytes.map_or(0, |bytes| work.seconds_for(bytes)));
            }
            None => {
                unknown |= matches!(
                    step.statement.kind,
                    StatementKind::Update { .. } | StatementKind::Delete { .. } | StatementKind::Insert { .. }
                );
            }
        }
    }
    (seconds, unknown)
}
