//! Locks that pile up: several tables are blocked until the last of their locks is acquired and the transaction ends.

use super::locks::KeepsOut;
use super::subject::Existing;
use super::{Check, Finding, Rule, Severity, Subject};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "several-tables",
    severity: Severity::Info,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("several_tables.md"),
    check: Check::Migration(check),
};

/// Two tables are what every other draft changes; where it is not known how large they are, only more are worth a word.
const UNKNOWN: usize = 3;
const KNOWN: usize = 2;

fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let mut section = 0;
    let mut held: Vec<(Existing, std::ops::Range<usize>)> = Vec::new();
    let mut found: Vec<Finding> = Vec::new();
    for hold in subject.holds() {
        let now = subject.delivery.section(hold.range.start);
        if now != section {
            section = now;
            found.extend(piled(subject, &std::mem::take(&mut held)));
        }
        for (table, keeps_out, small) in &hold.taken {
            let new = !held.iter().any(|(other, _)| other.target == table.target);
            if *keeps_out == KeepsOut::Everybody && new && !small {
                held.push((table.clone(), hold.range.clone()));
            }
        }
    }
    found.extend(piled(subject, &held));
    findings.extend(found);
}

fn piled(subject: &Subject<'_>, held: &[(Existing, std::ops::Range<usize>)]) -> Option<Finding> {
    let known = held.iter().all(|(table, _)| table.rows.is_some());
    if held.len() < if known { KNOWN } else { UNKNOWN } {
        return None;
    }
    let (last, range) = held.last()?;
    let names: Vec<String> = held.iter().map(|(table, _)| format!("`{}`", table.label)).collect();
    let first = &held.first()?.0;
    let finding = Finding::new(
        &RULE,
        subject.migration,
        range.clone(),
        format!(
            "locks {} in one transaction: whoever reads `{}` waits until the lock on `{}` is got too, and a transaction that uses them in \
             another order waits for good",
            names.join(", "),
            first.label,
            last.label
        ),
    )
    .help("change each table in a migration of its own, or between BEGIN and COMMIT of its own in this file");
    Some(if known { finding.severity(Severity::Warning) } else { finding })
}
