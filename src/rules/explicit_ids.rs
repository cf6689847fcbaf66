//! Rows inserted with their own numbers into a column that counts by itself: the sequence does not notice, and the next insert of
//! the application takes a number that is taken.

use super::{Check, Finding, Rule, Severity, Step};
use crate::sql::tokens::{after, name, tokens};
use crate::sql::{Statement, StatementKind};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "explicit-ids",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: false,
    page: include_str!("explicit_ids.md"),
    check: Check::Statement(check),
};

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let StatementKind::Insert { table } = &step.statement.kind else { return };
    let resolved = step.catalog.resolve(table);
    let Some(known) = step.catalog.tables.get(&resolved) else { return };
    let tokens = tokens(step.text());
    // the columns in parentheses behind the table's name
    let Some((_, rest)) = after(&tokens, "into").and_then(name) else { return };
    if !rest.first().is_some_and(|token| token.is_symbol("(")) {
        return;
    }
    let listed = rest[1..].iter().take_while(|token| !token.is_symbol(")"));
    let listed: Vec<String> =
        listed.filter_map(|token| name(std::slice::from_ref(token))).map(|(name, _)| name.name).collect();
    let counts = |column: &String| {
        known.columns.get(column).is_some_and(|column| {
            column.identity
                || column.default.as_ref().is_some_and(|default| default.text.to_lowercase().contains("nextval("))
        })
    };
    let Some(column) = listed.iter().find(|column| counts(column)) else { return };
    if moves_on(step) {
        return;
    }
    let object = format!("{}.{column}", step.subject.label(&resolved));
    let quoted = crate::sql::quote_identifier(&table.name);
    findings.push(
        Finding::new(
            &RULE,
            &object,
            step.statement.range.clone(),
            format!("numbers `{object}` by hand: its sequence does not move, and the application's next insert fails on a number that is taken"),
        )
        .help(format!(
            "leave the column out, or move the sequence on: SELECT setval(pg_get_serial_sequence('{quoted}', '{column}'), (SELECT max(\"{column}\") FROM {quoted}))"
        )),
    );
}

/// Whether a later statement sets a sequence.
fn moves_on(step: &Step<'_>) -> bool {
    let sets = |statement: &Statement| match &statement.kind {
        StatementKind::AlterSequence { .. } => true,
        StatementKind::Select | StatementKind::Do { .. } => {
            let text = step.subject.script.text().get(statement.range.clone()).unwrap_or_default();
            text.to_lowercase().contains("setval")
        }
        _ => false,
    };
    step.subject.script.statements().iter().filter(|it| it.range.start > step.statement.range.start).any(sets)
}
