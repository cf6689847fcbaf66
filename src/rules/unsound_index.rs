//! An index that is there and does not work: left invalid by a try that failed, or built by a server that can corrupt it.

use std::ops::RangeInclusive;

use super::{Check, Finding, Rule, Severity, Step};
use crate::sql::StatementKind;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "unsound-index",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("unsound_index.md"),
    check: Check::Statement(check),
};

/// Servers whose `CREATE INDEX CONCURRENTLY` and `REINDEX CONCURRENTLY` can leave out rows (release notes of 14.4).
const CORRUPTING: RangeInclusive<u32> = 140_000..=140_003;

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let live = step.subject.live;
    let corrupting = live.is_some_and(|live| CORRUPTING.contains(&live.server_version()));
    let range = step.statement.range.clone();
    let StatementKind::CreateIndex(index) = &step.statement.kind else {
        let StatementKind::Other { words } = &step.statement.kind else { return };
        if corrupting && words.starts_with("REINDEX") && words.ends_with("CONCURRENTLY") {
            findings.push(corrupt(words, range));
        }
        return;
    };
    let Some(name) = &index.name else { return };
    let table = step.catalog.resolve(&index.table);
    let index_name = crate::catalog::ObjectName { schema: table.schema.clone(), name: name.clone() };
    let standing = live.and_then(|live| live.invalid_index(&index_name));
    if standing == Some(true) {
        // our deploy drops it first, if this statement works CONCURRENTLY
        let (then, severity) = match (index.concurrently, index.if_not_exists) {
            (true, true) => {
                ("plain Prisma would keep it and report success; our deploy builds it anew", Severity::Warning)
            }
            (true, false) => ("plain Prisma fails on the name; our deploy builds it anew", Severity::Warning),
            (false, true) => {
                ("IF NOT EXISTS keeps it: the deploy succeeds, and the index still does not work", Severity::Error)
            }
            (false, false) => ("this statement fails, as the name is taken", Severity::Error),
        };
        findings.push(
            Finding::new(
                &RULE,
                name,
                range.clone(),
                format!("an invalid index `{name}` is left over from an earlier try: {then}"),
            )
            .severity(severity)
            .measured(format!("{name} is invalid"))
            .help(format!("first, by itself: DROP INDEX CONCURRENTLY {};", index_name.quoted())),
        );
    } else if standing.is_none() && index.concurrently && index.if_not_exists {
        findings.push(
            Finding::new(
                &RULE,
                name,
                range.clone(),
                format!("IF NOT EXISTS keeps an invalid index `{name}` that an earlier try may have left, and reports success"),
            )
            .severity(Severity::Info)
            .help("leave IF NOT EXISTS out: Prisma runs a migration once, and a left-over index then shows itself"),
        );
    }
    if corrupting && index.concurrently {
        findings.push(corrupt(name, range));
    }
}

fn corrupt(object: &str, range: std::ops::Range<usize>) -> Finding {
    Finding::new(
        &RULE,
        object,
        range,
        "the server is PostgreSQL 14.0 to 14.3, whose CONCURRENTLY can build an index that lacks rows",
    )
    .severity(Severity::Error)
    .help("update the server to 14.4 or later first; check old indexes with amcheck, or rebuild them")
}
