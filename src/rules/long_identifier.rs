//! A name of more than 63 bytes: PostgreSQL cuts it with no more than a notice.

use super::tokens::{Kind, tokens};
use super::{Check, Finding, Rule, Severity, Step};
use crate::sql::{StatementKind, identifier_is_cut};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "long-identifier",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("long_identifier.md"),
    check: Check::Statement(check),
};

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    if matches!(step.statement.kind, StatementKind::Do { .. }) {
        return;
    }
    let mut seen: Vec<String> = Vec::new();
    for token in tokens(step.text()) {
        let name = match token.kind {
            Kind::Quoted => token.text.replace("\"\"", "\""),
            Kind::Word => token.text.to_owned(),
            _ => continue,
        };
        if !identifier_is_cut(&name) || seen.contains(&name) {
            continue;
        }
        let start = step.statement.range.start;
        let cut = &name[..name.floor_char_boundary(63)];
        findings.push(
            Finding::new(
                &RULE,
                &name,
                start + token.start..start + token.end,
                format!("this name has {} bytes; PostgreSQL keeps `{cut}`", name.len()),
            )
            .help("give it a shorter one, with `map:` or `@map` in the schema"),
        );
        seen.push(name);
    }
}
