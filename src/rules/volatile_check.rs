//! A check that calls a function whose answer changes: rows that were right become wrong by themselves, and a backup no longer
//! loads.

use super::{Check, Finding, Rule, Severity, Step};
use crate::sql::tokens::{calls, tokens};
use crate::sql::{ConstraintDef, ConstraintKind, StatementKind};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "volatile-check",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("volatile_check.md"),
    check: Check::Statement(check),
};

const CHANGING: &[&str] = &[
    "now",
    "random",
    "clock_timestamp",
    "statement_timestamp",
    "transaction_timestamp",
    "timeofday",
    "gen_random_uuid",
    "uuid_generate_v4",
    "age",
    "current_setting",
];

const KEYWORDS: &[&str] = &[
    "current_date",
    "current_time",
    "current_timestamp",
    "localtime",
    "localtimestamp",
    "current_user",
    "session_user",
];

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let mut look = |constraint: &ConstraintDef, label: String, range: std::ops::Range<usize>| {
        let ConstraintKind::Check { expr } = &constraint.kind else { return };
        let called = calls(&expr.text).into_iter().find(|name| CHANGING.contains(&name.as_str()));
        let keyword = || {
            let tokens = tokens(&expr.text);
            KEYWORDS.iter().find(|word| tokens.iter().any(|token| token.is(word))).map(|word| (*word).to_owned())
        };
        let Some(what) = called.or_else(keyword) else { return };
        let object = constraint.name.clone().unwrap_or(label);
        let message = format!(
            "`{what}` gives another answer tomorrow: rows that pass `{object}` now may not pass when a backup is loaded"
        );
        findings.push(
            Finding::new(&RULE, object, range, message)
                .help("check it in a trigger or in the application, when the row is written"),
        );
    };
    for (table, range, constraint) in step.added_constraints() {
        look(constraint, step.subject.label(&step.catalog.resolve(table)), range);
    }
    if let StatementKind::CreateTable { table, columns, constraints, .. } = &step.statement.kind {
        let label = step.subject.label(&step.catalog.resolve(table));
        for constraint in constraints.iter().chain(columns.iter().flat_map(|column| &column.constraints)) {
            look(constraint, label.clone(), step.statement.range.clone());
        }
    }
}
