//! `NOT ENFORCED`: a constraint that nothing enforces.

use super::{Check, Finding, Rule, Severity, Step};
use crate::sql::StatementKind;
use crate::sql::tokens::tokens;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "unenforced-constraint",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("unenforced_constraint.md"),
    check: Check::Statement(check),
};

/// Whether a constraint's text says so.
pub(super) fn is_in(text: &str) -> bool {
    tokens(text).windows(2).any(|pair| pair[0].is("not") && pair[1].is("enforced"))
}

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    if !is_in(step.text()) {
        return;
    }
    let (StatementKind::CreateTable { table, .. } | StatementKind::AlterTable { table, .. }) = &step.statement.kind
    else {
        return;
    };
    let object = step.subject.label(&step.catalog.resolve(table));
    findings.push(
        Finding::new(
            &RULE,
            &object,
            step.statement.range.clone(),
            format!("a constraint of `{object}` is NOT ENFORCED: rows against it are written, and the ones there are not looked at"),
        )
        .help("leave the words out; to spare the scan of what is there, use NOT VALID and validate in a later migration"),
    );
}
