//! Values of some rows are overwritten: by an `UPDATE` with a condition, or by `ON CONFLICT … DO UPDATE`.

use std::collections::BTreeSet;

use super::{Check, Finding, Rule, Severity, Step, cost};
use crate::catalog::Known;
use crate::effects::{self, What};
use crate::sql::StatementKind;
use crate::sql::tokens::{Token, name, tokens, where_is_trivial};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "overwritten-values",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: true,
    page: include_str!("overwritten_values.md"),
    check: Check::Statement(check),
};

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let which = match &step.statement.kind {
        // in every row it is update-without-where
        StatementKind::Update { has_where: true, .. } if !where_is_trivial(step.text()) => "in the rows of a condition",
        StatementKind::Insert { .. } => "in rows that are there already",
        _ => return,
    };
    let tokens = tokens(step.text());
    let mut seen = BTreeSet::new();
    for effect in step.effects {
        let What::ValuesOverwritten { table, columns, which: rows } = &effect.what else { continue };
        // delete-rows reports what foreign keys do, and the key's own finding
        if matches!(rows, effects::Which::Referring { .. } | effects::Which::Following { .. }) {
            continue;
        }
        // a table of the file's own, or an empty one, has nothing to lose
        let Some(table) = step.existing_object(table).filter(|table| table.rows != Some(0) || table.written) else {
            continue;
        };
        let objects = columns.iter().filter(|column| !fills_gaps(&tokens, column)).filter_map(|column| {
            // a column that the migrations under review add has nothing to lose either
            let on_target = step.column(&table, column)?;
            let known = !matches!(step.catalog.column(&table.name, column), Known::Unknown);
            Some((format!("{}.{column}", table.label), known, step.held(&table, &on_target)))
        });
        let whole = columns.is_empty().then(|| (table.label.clone(), true, None));
        for (object, known, held) in objects.chain(whole) {
            if held == Some(0) && !table.written || !seen.insert(object.clone()) {
                continue;
            }
            let mut finding = Finding::new(
                &RULE,
                &object,
                step.statement.range.clone(),
                format!("overwrites `{object}` {which}: the old values are lost to the application"),
            )
            .help(
                "run the condition as a SELECT on production first; fill gaps only, with `AND column IS NULL`, or write to a \
                 new column",
            );
            if !known {
                finding = finding.severity(Severity::Info);
            }
            if let Some(held) = held {
                finding = finding.measured(format!("{} hold a value there", cost::rows(held)));
            }
            findings.push(step.with_followers(finding));
        }
    }
}

/// Whether a statement writes only where the column is null: `WHERE … "note" IS NULL`, or `SET note = COALESCE(note, …)`.
fn fills_gaps(tokens: &[Token<'_>], column: &str) -> bool {
    let is_it = |at: usize| {
        tokens.get(at..).and_then(name).is_some_and(|(name, _)| name.schema.is_none() && name.name == column)
    };
    let null = |at: usize| {
        is_it(at)
            && tokens.get(at + 1).is_some_and(|is| is.is("is"))
            && tokens.get(at + 2).is_some_and(|null| null.is("null"))
    };
    let or = tokens.iter().any(|token| token.is("or"));
    let kept = |at: usize| {
        is_it(at)
            && tokens.get(at + 1).is_some_and(|equals| equals.is_symbol("="))
            && tokens.get(at + 2).is_some_and(|word| word.is("coalesce"))
            && is_it(at + 4)
    };
    (0..tokens.len()).any(|at| null(at) && !or || kept(at))
}
