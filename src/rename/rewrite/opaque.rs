//! Statements of a person's own, which cannot be rewritten with the rest: one that names what is renamed, after the rename,
//! would fail or do something else.

use super::plan::Plan;
use crate::error::{Error, Result};
use crate::sql::StatementKind;
use crate::sql::expression::{Piece, pieces};

/// Refuses the rewrite if such a statement names an old table, column or enum.
pub(crate) fn check(plan: &Plan<'_>) -> Result<()> {
    let script = plan.scene.draft.script;
    let mut names: Vec<&String> = Vec::new();
    for touched in &plan.touched {
        if touched.whole && touched.from.name != touched.to.name {
            names.push(&touched.from.name);
        }
        names.extend(touched.renamed.iter().filter(|(to, from)| to != from).map(|(_, from)| from));
    }
    names.extend(plan.moves.enums.iter().filter(|(from, to)| from.name != to.name).map(|(from, _)| &from.name));
    for statement in script.statements().iter().filter(|statement| is_own(&statement.kind)) {
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
