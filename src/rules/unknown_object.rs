//! A statement whose effect depends on an object that no migration makes, where the target was not asked.

use std::collections::BTreeSet;

use super::{Check, Finding, Rule, Severity, Step};
use crate::effects::unknown::Kind;
use crate::effects::{Effect, What};
use crate::sql::{ActionKind, quote_literal};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "unknown-object",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("unknown_object.md"),
    check: Check::Statement(check),
};

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let mut named = BTreeSet::new();
    for Effect { range, what } in step.effects {
        let What::UnknownObject(reference) = what else { continue };
        let label = reference.label(&step.catalog.default_schema);
        if !named.insert(label.clone()) {
            continue;
        }
        // the type itself is known: what is made of it is not
        if reference.kind == Kind::Type && step.catalog.user_type(&reference.name).there().is_some() {
            let message =
                format!("by CASCADE this reaches the tables that are made OF type `{label}`, which are not known here");
            findings.push(Finding::new(&RULE, &label, range.clone(), message).help(format!(
                "look for them: SELECT oid::regclass FROM pg_class WHERE reloftype = {}::regtype; the rehearsal measures what they lose",
                quote_literal(&reference.name.quoted())
            )));
            continue;
        }
        let word = reference.word();
        let message = match retyped(step, range) {
            Some((table, to)) => format!(
                "no migration makes {word} `{label}`: unless its type, which is not known, is stored as {to} is, this writes every row of \
                 `{table}` again while nobody can read or write it, and whether every value fits is not known either"
            ),
            None => {
                format!(
                    "no migration makes {word} `{label}`: what this does to it, and to the values in it, is not known"
                )
            }
        };
        let finding = Finding::new(&RULE, &label, range.clone(), message).help(
            "review it where the database can be reached, or with `--catalog FILE`, which `prisma-safe catalog` writes there",
        );
        // an index holds no values; at worst it kept them unique
        findings.push(if word == "index" { finding.severity(Severity::Info) } else { finding });
    }
}

/// The table and the new type, where the action changes a column's type.
fn retyped(step: &Step<'_>, range: &std::ops::Range<usize>) -> Option<(String, String)> {
    step.actions().find(|(_, action)| action.range == *range).and_then(|(table, action)| match &action.kind {
        ActionKind::SetType { data_type, .. } => {
            Some((step.subject.label(&step.catalog.resolve(table)), data_type.to_string()))
        }
        _ => None,
    })
}
