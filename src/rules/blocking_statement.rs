//! Statements that lock a whole table by their nature: `LOCK`, `CLUSTER`, `VACUUM FULL`, `REFRESH MATERIALIZED VIEW`.

use super::{Check, Finding, Rule, Severity, Step};
use crate::sql::StatementKind;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "blocking-statement",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("blocking_statement.md"),
    check: Check::Statement(check),
};

/// First words, and how long the lock lasts.
const BLOCKING: &[(&str, &str)] = &[
    ("LOCK", "until the end of the migration"),
    ("CLUSTER", "while it writes the table again"),
    ("REFRESH MATERIALIZED VIEW", "while it computes the view"),
];

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let StatementKind::Other { words } = &step.statement.kind else { return };
    let text = step.text().to_uppercase();
    let full = words.starts_with("VACUUM") && text.contains("FULL");
    let how_long = match BLOCKING.iter().find(|(first, _)| words.starts_with(first)) {
        Some(_) if text.contains("CONCURRENTLY") => return,
        Some((_, how_long)) => how_long,
        None if full => "while it writes the table again",
        None => return,
    };
    findings.push(
        Finding::new(&RULE, words, step.statement.range.clone(), format!("`{words}` keeps others out {how_long}")).help(
            "run it outside the deploy, at a quiet time; a materialized view with a unique index refreshes CONCURRENTLY",
        ),
    );
}
