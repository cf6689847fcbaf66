//! An enum value used in the file that adds it: PostgreSQL refuses that before the commit (55P04).

use super::columns::Columns;
use super::delivery::splits;
use super::{Check, Finding, Rule, Severity, Subject};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "new-enum-value-used",
    severity: Severity::Error,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("new_enum_value_used.md"),
    check: Check::Migration(check),
};

fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let statements = subject.script.statements();
    for used in subject.script.used_new_values(&Columns(subject.before)) {
        let object = format!("{}.{}", subject.label(&subject.before.resolve(&used.name)), used.value);
        let line = subject.script.position(statements[used.added].range.start).line;
        let (verb, severity) = match (used.certain, splits(subject.settings.prisma)) {
            (true, false) => ("uses", Severity::Error),
            (true, true) => ("uses", Severity::Warning),
            (false, false) => ("may use", Severity::Warning),
            (false, true) => ("may use", Severity::Info),
        };
        let message = match splits(subject.settings.prisma) {
            true => format!(
                "{verb} `{object}`, which this file adds: prisma-safe commits line {line} first, and the value stays if what follows fails"
            ),
            false => format!(
                "{verb} `{object}`, which this file adds: PostgreSQL refuses a new value until it is committed, and Prisma before 7.4 \
                 sends the file as one transaction, also to the shadow database"
            ),
        };
        findings.push(
            Finding::new(&RULE, &object, statements[used.used].range.clone(), message)
                .severity(severity)
                .help("add the value in one migration, and use it in the next"),
        );
    }
}
