//! An enum value used in the file that adds it: PostgreSQL refuses that before the commit (55P04).

use super::{Check, Finding, Rule, Severity, Subject};
use crate::sql::StatementKind;
use crate::sql::tokens::{Kind, tokens};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "new-enum-value-used",
    severity: Severity::Error,
    optional: false,
    acceptable: false,
    destroys: false,
    page: include_str!("new_enum_value_used.md"),
    check: Check::Migration(check),
};

fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let statements = subject.script.statements();
    for (at, statement) in statements.iter().enumerate() {
        let StatementKind::AddEnumValue { name, value, .. } = &statement.kind else { continue };
        let fresh = |kind: &StatementKind| matches!(kind, StatementKind::CreateEnum { name: new, .. } if new == name);
        if statements[..at].iter().any(|earlier| fresh(&earlier.kind)) {
            continue;
        }
        let used = statements[at + 1..].iter().find(|later| {
            let declares = matches!(
                later.kind,
                StatementKind::AddEnumValue { .. }
                    | StatementKind::RenameEnumValue { .. }
                    | StatementKind::CreateEnum { .. }
                    | StatementKind::Comment
            );
            !declares && names(subject.script.text().get(later.range.clone()).unwrap_or_default(), value)
        });
        let Some(used) = used else { continue };
        let object = format!("{}.{value}", subject.label(&subject.before.resolve(name)));
        findings.push(
            Finding::new(
                &RULE,
                &object,
                used.range.clone(),
                format!("uses `{object}`, which this file adds: PostgreSQL refuses a new value until it is committed"),
            )
            .help("add the value in one migration, and use it in the next"),
        );
    }
}

/// Whether a literal is the value, or an array or body of code that holds it.
fn names(text: &str, value: &str) -> bool {
    let value = value.replace('\'', "''");
    tokens(text).iter().filter(|token| token.kind == Kind::Literal).any(|token| {
        token.text == value || (token.text.starts_with('{') || token.text.contains('\n')) && token.text.contains(&value)
    })
}
