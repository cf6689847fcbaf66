//! Foreign keys that led to a dropped table, and lead to a created one.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::scene::{Pair, Scene};
use crate::catalog::{ObjectName, Table};
use crate::sql::{ConstraintKind, Name};

/// How many tables have a foreign key that led to the one table before and, on the same columns, leads to the other after.
pub(super) struct Followers(FxHashMap<(ObjectName, ObjectName), usize>);

impl Followers {
    pub(super) fn of(scene: &Scene<'_>) -> Self {
        let mut counts = FxHashMap::default();
        for pair in scene.kept_tables() {
            let (Some(old), Some(new)) = (scene.before.tables.get(&pair.from), scene.after.tables.get(&pair.to)) else {
                // a kept table is in both
                continue;
            };
            let mut led: BTreeSet<(ObjectName, ObjectName)> = BTreeSet::new();
            for (columns, from) in keys(old) {
                let others =
                    keys(new).filter(|(others, _)| *others == columns || follow(scene, &pair, columns, others));
                led.extend(others.map(|(_, to)| (scene.before.resolve(from), scene.after.resolve(to))));
            }
            for leading in led {
                *counts.entry(leading).or_insert(0) += 1;
            }
        }
        Self(counts)
    }

    pub(super) fn count(&self, from: &ObjectName, to: &ObjectName) -> usize {
        self.0.get(&(from.clone(), to.clone())).copied().unwrap_or(0)
    }
}

/// The foreign keys of a table: their columns and the table that they lead to.
fn keys(table: &Table) -> impl Iterator<Item = (&Vec<String>, &Name)> {
    table.constraints.values().filter_map(|own| match &own.kind {
        ConstraintKind::ForeignKey { columns, table, .. } => Some((columns, table)),
        _ => None,
    })
}

/// Whether a foreign key's columns may have been renamed together with the table it leads to.
fn follow(scene: &Scene<'_>, pair: &Pair, old: &[String], new: &[String]) -> bool {
    let (gone, come) = scene.columns(pair);
    old.len() == new.len()
        && old.iter().zip(new).all(|(from, to)| {
            from == to || (gone.contains(from) && come.contains(to) && scene.same_type(pair, from, to))
        })
}
