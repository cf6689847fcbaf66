//! Statements of a person's own, which cannot be rewritten with the rest: one that names what is renamed, after the rename,
//! would fail or do something else.

use super::place::first;
use super::plan::Plan;
use crate::error::{Error, Result};
use crate::sql::StatementKind;
use crate::sql::expression::{Piece, pieces};

/// Refuses the rewrite if such a statement, behind the place where things are renamed, names an old table, column or enum.
pub(crate) fn check(plan: &Plan<'_>) -> Result<()> {
    let script = plan.scene.draft.script;
    let place = first(plan).unwrap_or(0);
    let behind = script.statements().iter().skip(place).filter(|statement| is_own(&statement.kind));
    let names = old_names(plan);
    for statement in behind {
        let text = &script.text()[statement.range.clone()];
        let Some(name) = names.iter().find(|name| mentions(text, name)) else { continue };
        let line = script.position(statement.range.start).line;
        return Err(Error::refused(format!(
            "cannot rewrite {}: the statement on line {line} names {name}, which would be renamed before it runs",
            plan.scene.draft.migration
        ))
        .help("take that statement out (a rename keeps the values by itself), or decide `--delete` to leave the draft as it is"));
    }
    Ok(())
}

/// Whether a person's own statement between these places uses what is renamed.
pub(super) fn uses_between(plan: &Plan<'_>, from: usize, to: usize) -> bool {
    let script = plan.scene.draft.script;
    let between = script.statements().iter().take(to).skip(from).filter(|statement| is_own(&statement.kind));
    let names = old_names(plan);
    let mut texts = between.map(|statement| &script.text()[statement.range.clone()]);
    texts.any(|text| names.iter().any(|name| mentions(text, name)))
}

/// The names that are gone after the renames.
fn old_names<'p>(plan: &'p Plan<'_>) -> Vec<&'p String> {
    let mut names: Vec<&String> = Vec::new();
    for touched in &plan.touched {
        if touched.whole && touched.from.name != touched.to.name {
            names.push(&touched.from.name);
        }
        names.extend(touched.renamed.iter().filter(|(to, from)| to != from).map(|(_, from)| from));
    }
    names.extend(plan.moves.enums.iter().filter(|(from, to)| from.name != to.name).map(|(from, _)| &from.name));
    names
}

/// Whether a statement is none of Prisma's.
fn is_own(kind: &StatementKind) -> bool {
    matches!(
        kind,
        StatementKind::Other { .. }
            | StatementKind::Do { .. }
            | StatementKind::Insert { .. }
            | StatementKind::Update { .. }
            | StatementKind::Delete { .. }
            | StatementKind::Truncate { .. }
            | StatementKind::Select
            | StatementKind::CreateView { .. }
            | StatementKind::CreateFunction { .. }
            | StatementKind::CreateTrigger { .. }
    )
}

fn mentions(text: &str, name: &str) -> bool {
    pieces(text).into_iter().any(|piece| match piece {
        // the body of a function or a DO block
        Piece::Text(body) if body.starts_with('$') => mentions(body.trim_matches('$'), name),
        piece => piece.name().is_some_and(|found| found == *name),
    })
}
