//! SQL that PostgreSQL's grammar refuses, or that could not be read: nothing in it can be called safe.

use super::{Check, Finding, Rule, Severity, Subject};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "unreadable-sql",
    summary: "is no SQL that could be read in full",
    severity: Severity::Error,
    acceptable: false,
    destroys: false,
    page: include_str!("unreadable_sql.md"),
    check: Check::Migration(check),
};

fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    // what follows the first error is mostly its echo
    let Some(error) = subject.script.errors().first() else { return };
    let more = subject.script.errors().len() - 1;
    let finding = Finding::new(
        &RULE,
        subject.migration,
        error.range.clone(),
        format!("could not be read: {}", error.message.trim_end_matches('.')),
    )
    .help("correct the statement; if PostgreSQL takes it as it is, please report it, and split it into another file");
    findings.push(if more > 0 { finding.replayed(format!("{more} more such places follow")) } else { finding });
}
