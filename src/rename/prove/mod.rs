//! The proof that needs no server: the draft and its rewrite, both replayed, end in the same catalog. [`begin()`] begins the
//! proof on one.

mod live;
mod replay;
mod rows;
mod sample;
mod stage;
mod values;
mod verdict;

use std::collections::BTreeSet;

use serde::Serialize;

pub use self::replay::{Begun, begin, unproved};
pub use self::stage::{Scratch, Stage};
pub use self::verdict::{Replay, Verdict};

use super::Draft;
use super::rewrite::{Moves, Rewrite};
use super::scene::Scene;
use crate::catalog::Catalog;
use crate::error::{Error, Result};

/// What the comparison showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// How the rewrite's end differs from the draft's; empty is proved.
    pub differences: Vec<String>,
    /// What is there in addition because it was kept.
    pub kept: Vec<String>,
}

impl Proof {
    /// Whether both ends are equal.
    pub fn holds(&self) -> bool {
        self.differences.is_empty()
    }
}

/// Replays both and compares. What Prisma cannot see and the draft would have destroyed by the way is expected to be kept.
///
/// # Errors
/// The rewrite cannot be read.
pub fn prove(draft: &Draft<'_>, rewrite: &Rewrite) -> Result<Proof> {
    let script = rewrite.text.script();
    if let Some(error) = script.errors().first() {
        return Err(Error::failed(format!("the rewrite of {} cannot be read", draft.migration))
            .because(error.message.clone())
            .help("this is a fault of prisma-safe: please report it with the migration; the draft was kept"));
    }
    let scene = Scene::new(draft);
    let renamed = Moves::new(&scene, &rewrite.renames).apply(&scene);
    let mut expected = scene.after;
    let mut reached = draft.before.clone();
    reached.apply(script, draft.migration);
    let mut kept = Vec::new();
    for object in &rewrite.kept {
        let (Some(from), Some(to)) = (reached.tables.get(&object.table), expected.tables.get_mut(&object.table)) else {
            continue;
        };
        let name = &object.name;
        if object.index {
            to.indexes.extend(from.indexes.get(name).map(|index| (name.clone(), index.clone())));
        } else {
            to.constraints.extend(from.constraints.get(name).map(|constraint| (name.clone(), constraint.clone())));
        }
        kept.push(format!("{} of {}", name, object.table.name));
    }
    keep_expressions(&mut expected, &reached, &renamed);
    keep_order(&mut expected, draft.before, &renamed);
    forgive(&mut expected, &reached);
    Ok(Proof { differences: expected.differences(&reached), kept })
}

/// A generated column's expression follows renames by itself. The draft, which drops a column that the expression reads, or the
/// generated column, cannot run, or loses the expression: where the rewrite ends in the expression that the renames alone
/// lead to, that is right.
fn keep_expressions(expected: &mut Catalog, reached: &Catalog, renamed: &Catalog) {
    for (name, table) in &renamed.tables {
        let (Some(expected), Some(reached)) = (expected.tables.get_mut(name), reached.tables.get(name)) else {
            continue;
        };
        for (column, own) in table.columns.iter().filter(|(_, own)| own.generated.is_some()) {
            let follows = reached.columns.get(column).is_some_and(|reached| reached.generated == own.generated);
            match expected.columns.get_mut(column) {
                Some(expected) if follows => expected.generated = own.generated.clone(),
                // the comparison reports its difference, if any
                _ => {}
            }
        }
    }
}

/// Labels that change places change the order of an enum that the draft leaves as it is. Prisma sees no order.
fn keep_order(expected: &mut Catalog, before: &Catalog, renamed: &Catalog) {
    for (name, labels) in &mut expected.enums {
        if let Some(moved) = renamed.enums.get(name).filter(|_| before.enums.get(name) == Some(labels)) {
            let set = |labels: &[String]| labels.iter().cloned().collect::<BTreeSet<_>>();
            if set(labels) == set(moved) {
                labels.clone_from(moved);
            }
        }
    }
}

/// Prisma's drafts may alter tables before they create them (an enum's block and a renamed model): what could not be
/// followed in the draft and can be in the rewrite is not a difference.
fn forgive(expected: &mut Catalog, reached: &Catalog) {
    let known: Vec<&String> = reached.opaque.iter().map(|opaque| &opaque.words).collect();
    expected.opaque.retain(|opaque| known.contains(&&opaque.words));
}
