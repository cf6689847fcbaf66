//! The rewrite: renames go before the first statement they concern, the drops and additions they stand for are cut out, and
//! what still differs is altered. Everything else keeps its bytes.

mod atoms;
mod columns;
mod enums;
mod gaps;
mod header;
mod keys;
mod moves;
mod new_names;
mod opaque;
mod place;
mod plan;
mod sequence;
mod text;

use std::collections::BTreeSet;

use super::candidate::{Decision, Rename};
use super::decide::Decisions;
use super::given::Given;
use super::scene::Scene;
use super::{Draft, directive, sides};
use crate::catalog::ObjectName;
use crate::error::{Error, Explain as _, Result};
use crate::sql::{Edit, Sql, edit};
pub(crate) use moves::Moves;
use plan::Plan;

/// A draft with its renames written as such.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rewrite {
    /// The migration's new text.
    pub text: Sql,
    /// What was changed in the draft.
    pub edits: Vec<Edit>,
    /// The renames it does.
    pub renames: Vec<Rename>,
    /// What the draft would have destroyed without naming it and what is kept now: checks, partial indexes.
    pub kept: Vec<Kept>,
    /// What a person should know, a line each.
    pub notes: Vec<String>,
}

/// A constraint or index that Prisma does not see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The table's name after the migration.
    pub table: ObjectName,
    /// The constraint's or index's name.
    pub name: String,
    /// An index, not a constraint.
    pub index: bool,
}

/// Rewrites the draft for what was decided. Without a rename the text stays as it is.
///
/// # Errors
/// Refused (exit status 3) where values could be lost, or where a statement of a person's own names what is renamed.
pub fn rewrite(draft: &Draft<'_>, decisions: &Decisions) -> Result<Rewrite> {
    let renames: Vec<Rename> = decisions.renames().cloned().collect();
    let dropped = dropped(draft, decisions);
    if renames.is_empty() && dropped.is_empty() {
        return Ok(Rewrite { text: draft.script.text().into(), ..Rewrite::default() });
    }
    if let Some(error) = draft.script.errors().first() {
        let place = draft.script.position(error.range.start);
        return Err(Error::refused(format!("cannot rewrite {}: line {} cannot be read", draft.migration, place.line))
            .because(error.message.clone())
            .help("correct the SQL, or decide `--delete` to leave the draft as it is"));
    }
    let scene = Scene::new(draft);
    let given_up = given_up(decisions);
    let moves = Moves::new(&scene, &renames);
    let plan = Plan::new(&scene, &moves, given_up)?;
    opaque::check(&plan)?;
    let mut block = moves::directives(draft.before, &renames);
    block.extend(sides::lines(&scene, &renames));
    block.extend(dropped.iter().map(|rename| directive::render_delete(draft.before, rename)));
    block.extend(moves.statements(&scene));
    block.extend(plan.block.iter().cloned());
    let mut edits = text::edits(&plan, &block, &dropped);
    edits.extend(header::edit(&plan));
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let text = edit::apply(draft.script.text(), &edits).explain(|| format!("could not rewrite {}", draft.migration))?;
    let kept = plan.kept.into_iter().map(|(table, name, index)| Kept { table, name, index }).collect();
    Ok(Rewrite { text: text.into(), edits, renames, kept, notes: plan.notes })
}

/// What a person really drops although it may be a rename, unless the file says so already.
fn dropped(draft: &Draft<'_>, decisions: &Decisions) -> Vec<Rename> {
    let written: Vec<Rename> = Given::recorded_in(draft.script, draft.before).deletes;
    let dropped = decisions.candidates.iter();
    let dropped = dropped
        .filter(|candidate| candidate.decision == Decision::Delete && candidate.by_person && candidate.score > 0.0);
    dropped
        .map(|candidate| candidate.rename.clone())
        .filter(|rename| !written.iter().any(|own| own.same_origin(rename)))
        .collect()
}

/// Columns that a person decided to drop.
fn given_up(decisions: &Decisions) -> BTreeSet<(ObjectName, String)> {
    let dropped = decisions.candidates.iter().filter(|candidate| candidate.decision == Decision::Delete);
    dropped
        .filter_map(|candidate| match &candidate.rename {
            Rename::Column { table, from, .. } => Some((table.clone(), from.clone())),
            _ => None,
        })
        .collect()
}
