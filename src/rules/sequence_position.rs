//! The position of a sequence is set by hand.

use super::{Check, Finding, Rule, Severity, Step};
use crate::catalog::ObjectName;
use crate::effects::What;
use crate::sql::tokens::tokens;
use crate::sql::{Statement, StatementKind};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "sequence-position",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("sequence_position.md"),
    check: Check::Statement(check),
};

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let set = step.effects.iter().find_map(|effect| match &effect.what {
        What::SequenceSet { name } => Some(name),
        _ => None,
    });
    let Some(name) = set.filter(|name| by_hand(step) && may_be_used(step, name)) else { return };
    let label = step.subject.label(name);
    findings.push(
        Finding::new(
            &RULE,
            &label,
            step.statement.range.clone(),
            format!("sets the position of `{label}` by hand: it may give out numbers that rows already hold"),
        )
        .help("derive the position from the rows: `SELECT setval('NAME', (SELECT max(id) FROM TABLE))`"),
    );
}

/// Whether the position is written down, and not computed from the rows.
fn by_hand(step: &Step<'_>) -> bool {
    let tokens = tokens(step.text());
    match &step.statement.kind {
        StatementKind::AlterSequence { .. } => tokens.iter().any(|token| token.is("restart")),
        // in `setval(…, (SELECT max(id) …))` a second query stands
        _ => {
            tokens.iter().filter(|token| token.is("select")).count() < 2 && !tokens.iter().any(|token| token.is("max"))
        }
    }
}

/// Whether rows may hold numbers of the sequence: not if the migrations under review have made it, or its table, or if that is empty.
fn may_be_used(step: &Step<'_>, name: &ObjectName) -> bool {
    let made = |name| step.catalog.sequences.contains_key(name) && !step.subject.before.sequences.contains_key(name);
    if made(name) {
        return false;
    }
    match step.catalog.sequences.get(name) {
        Some(Some((table, _))) => {
            step.existing_object(table).is_some_and(|table| table.rows != Some(0) || table.written)
                && !follows_rows(step, table)
        }
        _ => true,
    }
}

/// Whether the file itself has written numbered rows before this: then the position follows them.
fn follows_rows(step: &Step<'_>, table: &ObjectName) -> bool {
    let earlier = |statement: &&Statement| statement.range.start < step.statement.range.start;
    step.subject.script.statements().iter().filter(earlier).any(|statement| {
        matches!(&statement.kind, StatementKind::Insert { table: own } if step.catalog.resolve(own) == *table)
    })
}
