//! A statement that reaches another server, or a file or program of the server's machine.

use super::{Check, Finding, Rule, Severity, Step};
use crate::effects::What;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "outside-database",
    severity: Severity::Error,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("outside_database.md"),
    check: Check::Statement(check),
};

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let reached = step.effects.iter().find_map(|effect| match &effect.what {
        What::ReachesOutside { what } => Some(what),
        _ => None,
    });
    let Some(what) = reached else { return };
    // by its number: a line would be another one as soon as the accepting comment stands above it
    let number =
        step.subject.script.statements().iter().take_while(|own| own.range.start <= step.statement.range.start).count();
    findings.push(
        Finding::new(
            &RULE,
            format!("statement {number}"),
            step.statement.range.clone(),
            format!("reaches {what}: no rollback undoes that, and no backup holds it"),
        )
        .help(
            "do it outside of the migration\nelse accept it in the migration, and deploy with `--skip-rehearsal --reason TEXT`: \
             a rehearsal would reach the same thing",
        ),
    );
}
