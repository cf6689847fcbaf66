//! A name of more than 63 bytes: PostgreSQL cuts it with no more than a notice.

use super::{Check, Finding, Rule, Severity, Step};
use crate::sql::tokens::{Kind, tokens};
use crate::sql::{ConstraintKind, DefaultName, StatementKind, default_name, identifier_is_cut};

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
    derived(step, findings);
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

/// Constraints without a name: PostgreSQL makes one of table and columns, and cuts it otherwise than Prisma would.
fn derived(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let create = match &step.statement.kind {
        StatementKind::CreateTable { table, columns, constraints, .. } => {
            let inner = columns.iter().flat_map(|column| &column.constraints);
            inner.chain(constraints).map(|constraint| (table, step.statement.range.clone(), constraint)).collect()
        }
        _ => Vec::new(),
    };
    for (table, range, constraint) in step.added_constraints().chain(create) {
        let (kind, suffix) = match &constraint.kind {
            ConstraintKind::Unique { using_index: None, .. } => (DefaultName::Unique, "key"),
            ConstraintKind::ForeignKey { .. } => (DefaultName::ForeignKey, "fkey"),
            _ => continue,
        };
        let columns: Vec<&str> = constraint.kind.columns().iter().map(String::as_str).collect();
        let whole = format!("{}_{}_{suffix}", table.name, columns.join("_"));
        if constraint.name.is_some() || !identifier_is_cut(&whole) {
            continue;
        }
        let wanted = default_name(kind, &table.name, &columns);
        findings.push(
            Finding::new(
                &RULE,
                &wanted,
                range,
                format!("PostgreSQL names this by itself and cuts the name; Prisma looks for `{wanted}`, and will draft a rename"),
            )
            .help(format!("name it: CONSTRAINT {} …", crate::sql::quote_identifier(&wanted))),
        );
    }
}
