//! `DROP … CASCADE` of anything but a table: it also drops what depends on it, columns and tables included.

use super::{Check, Finding, Rule, Severity, Step};
use crate::database::victims::Dropped;
use crate::effects::{Definition, Effect, What};
use crate::sql::tokens::{after, tokens};
use crate::sql::{ActionKind, ObjectName};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "drop-cascade",
    severity: Severity::Error,
    optional: false,
    acceptable: true,
    destroys: true,
    page: include_str!("drop_cascade.md"),
    check: Check::Statement(check),
};

/// As many victims are named one by one.
const SHOWN: usize = 20;

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    for Effect { range, what } in step.effects {
        let What::DefinitionGone { kind, name, cascade: true, .. } = what else { continue };
        let label = match kind {
            Definition::Schema | Definition::Extension => name.name.clone(),
            _ => step.subject.label(name),
        };
        let word = kind.word();
        let message = format!("drops {word} `{label}` and, by CASCADE, {}", taken(*kind));
        let finding = Finding::new(&RULE, &label, range.clone(), message).help(
            "drop the dependents by name first and leave CASCADE out: PostgreSQL then refuses if one was forgotten",
        );
        let dropped = dropped(step, *kind, name);
        let victims = dropped.as_ref().zip(step.subject.live).and_then(|(dropped, live)| live.victims(dropped));
        findings.push(match victims {
            Some(victims) if victims.is_empty() => {
                finding.severity(Severity::Warning).measured("nothing depends on it now: CASCADE takes nothing along")
            }
            Some(victims) => named(finding, &victims),
            None => finding,
        });
    }
    constraints(step, findings);
}

/// Each victim as a fact of its own.
fn named(mut finding: Finding, victims: &[String]) -> Finding {
    for victim in victims.iter().take(SHOWN) {
        finding = finding.measured(format!("CASCADE drops {victim}"));
    }
    match victims.len().checked_sub(SHOWN) {
        Some(more @ 1..) => finding.measured(format!("and {more} more")),
        _ => finding,
    }
}

/// What may be dropped along, where the database cannot be asked.
fn taken(kind: Definition) -> &'static str {
    match kind {
        Definition::Schema => "every table in it",
        Definition::Enum | Definition::Domain => "every column of that type with its data",
        Definition::Sequence => "the defaults that use it",
        Definition::View | Definition::MaterializedView => "the views built on it",
        Definition::Extension => "every column of its types with its data",
        Definition::Function
        | Definition::Trigger
        | Definition::Rule
        | Definition::Policy
        | Definition::Publication
        | Definition::Statistics
        | Definition::Other => "whatever depends on it",
    }
}

/// How the target knows it; none for a kind that it is not asked about.
fn dropped(step: &Step<'_>, kind: Definition, name: &ObjectName) -> Option<Dropped> {
    Some(match kind {
        Definition::View | Definition::MaterializedView | Definition::Sequence => Dropped::Relation(name.clone()),
        Definition::Enum | Definition::Domain => Dropped::Type(name.clone()),
        Definition::Schema => Dropped::Schema(name.name.clone()),
        Definition::Extension => Dropped::Extension(name.name.clone()),
        Definition::Function => Dropped::Function(signature(step.text(), name)),
        Definition::Trigger
        | Definition::Rule
        | Definition::Policy
        | Definition::Publication
        | Definition::Statistics
        | Definition::Other => return None,
    })
}

/// The function with its arguments, where they are written.
fn signature(text: &str, name: &ObjectName) -> String {
    let tokens = tokens(text);
    let open = tokens.iter().position(|token| token.is_symbol("("));
    let close = tokens.iter().rposition(|token| token.is_symbol(")"));
    let arguments = open.zip(close).and_then(|(open, close)| text.get(tokens[open].start..tokens[close].end));
    // argument names and modes do not belong to it, and are seldom written
    let named = after(&tokens, "drop function").is_some();
    format!("{}{}", name.quoted(), arguments.filter(|_| named).unwrap_or_default())
}

/// A constraint that others rely on.
fn constraints(step: &Step<'_>, findings: &mut Vec<Finding>) {
    for (table, action) in step.actions() {
        let ActionKind::DropConstraint { name, cascade: true, .. } = &action.kind else { continue };
        // what these migrations have made is relied on by nothing that is there
        let Some(table) = step.existing(table) else { continue };
        let object = format!("{}.{name}", table.label);
        findings.push(
            Finding::new(
                &RULE,
                &object,
                action.range.clone(),
                format!("drops constraint `{object}` and, by CASCADE, the foreign keys that rely on it"),
            )
            .severity(Severity::Warning)
            .help("drop these foreign keys by name first and leave CASCADE out"),
        );
    }
}
