//! Statements that lock a whole table by their nature: `LOCK`, `CLUSTER`, `VACUUM FULL`, `REFRESH MATERIALIZED VIEW`.

use super::{Check, Finding, Rule, Severity, Step};
use crate::sql::StatementKind;
use crate::sql::options::vacuums_in_full;
use crate::sql::tokens::{name, tokens};

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

/// `REINDEX` without `CONCURRENTLY`.
pub(super) const REINDEX: Rule = Rule {
    id: "blocking-reindex",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("blocking_reindex.md"),
    check: Check::Statement(reindex),
};

/// First words, and how long the lock lasts.
const BLOCKING: &[(&str, &str)] = &[
    ("LOCK", "until the end of the migration"),
    ("CLUSTER", "while it writes the table again"),
    ("REFRESH MATERIALIZED VIEW", "while it computes the view"),
];

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let StatementKind::Other { words } = &step.statement.kind else { return };
    let full = words.starts_with("VACUUM") && vacuums_in_full(step.text());
    let how_long = match BLOCKING.iter().find(|(first, _)| words.starts_with(first)) {
        Some(_) if words.contains("CONCURRENTLY") => return,
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

fn reindex(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let StatementKind::Other { words } = &step.statement.kind else { return };
    // PostgreSQL knows no other way for a system's own tables
    if !words.starts_with("REINDEX ") || words.contains("CONCURRENTLY") || words == "REINDEX SYSTEM" {
        return;
    }
    let tokens = tokens(step.text());
    let kind = words.rsplit(' ').next().unwrap_or_default();
    let behind = tokens.iter().position(|token| token.is(kind)).and_then(|at| name(&tokens[at + 1..]));
    let object = behind.map_or_else(|| words.clone(), |(name, _)| name.name);
    findings.push(
        Finding::new(
            &REINDEX,
            object,
            step.statement.range.clone(),
            "rebuilds an index and blocks writes to its table",
        )
        .help("use REINDEX … CONCURRENTLY, in a migration of its own"),
    );
}
