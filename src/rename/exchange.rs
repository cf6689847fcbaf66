//! What one table loses and gains, looked at as a whole.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::scene::{Pair, Scene};
use crate::catalog::{Column, Table};
use crate::sql::{ConstraintKind, DataType};

/// A table's dropped and added columns, with the table before and after.
pub(crate) struct Exchange<'s> {
    pub(crate) pair: Pair,
    pub(crate) old: &'s Table,
    pub(crate) new: &'s Table,
    /// The column lists of its indexes and keys, with whether they are unique.
    pub(crate) old_keys: Vec<(bool, Vec<String>)>,
    pub(crate) new_keys: Vec<(bool, Vec<String>)>,
    /// Dropped columns.
    pub(crate) gone: Vec<String>,
    /// Added columns.
    pub(crate) come: Vec<String>,
    /// Columns that stay under their name, but get another type: one of a chain or a swap may look like that.
    pub(crate) retyped: Vec<String>,
    /// Dropped columns whose name lives on in several added ones.
    split: BTreeSet<String>,
    /// Added columns whose name was in several dropped ones.
    merged: BTreeSet<String>,
}

impl<'s> Exchange<'s> {
    /// None where the table is not there before and after.
    pub(crate) fn new(scene: &'s Scene<'_>, pair: &Pair) -> Option<Self> {
        let (old, new) = (scene.before.tables.get(&pair.from)?, scene.after.tables.get(&pair.to)?);
        let (gone, come) = scene.columns(pair);
        let mut parts: (BTreeMap<&String, usize>, BTreeMap<&String, usize>) = Default::default();
        for from in &gone {
            for to in come.iter().filter(|to| from != *to && holds_part(scene, from, to)) {
                *parts.0.entry(from).or_default() += 1;
                *parts.1.entry(to).or_default() += 1;
            }
        }
        let several = |parts: BTreeMap<&String, usize>| -> BTreeSet<String> {
            parts.into_iter().filter(|(_, count)| *count > 1).map(|(name, _)| name.clone()).collect()
        };
        let (split, merged) = (several(parts.0), several(parts.1));
        let retyped = scene.pool.retyped_columns.iter().filter(|(table, _)| *table == pair.from && *table == pair.to);
        let retyped: Vec<String> = retyped
            .map(|(_, name)| name.clone())
            .filter(|name| old.columns.contains_key(name) && new.columns.contains_key(name) && !gone.contains(name))
            .collect();
        let (old_keys, new_keys) = (lists(old), lists(new));
        Some(Self { pair: pair.clone(), old, new, old_keys, new_keys, gone, come, retyped, split, merged })
    }

    /// Whether nothing goes, or nothing comes, so that no column can be another.
    pub(crate) fn is_empty(&self) -> bool {
        (self.gone.is_empty() && self.retyped.is_empty()) || (self.come.is_empty() && self.retyped.is_empty())
    }

    /// A column before.
    pub(crate) fn before(&self, name: &str) -> Option<&'s Column> {
        self.old.columns.get(name)
    }

    /// A column after.
    pub(crate) fn after(&self, name: &str) -> Option<&'s Column> {
        self.new.columns.get(name)
    }

    /// Whether one column seems to be split into several, or several merged into one: no rename keeps that.
    pub(crate) fn divides(&self, from: &str, to: &str) -> bool {
        self.split.contains(from) || self.merged.contains(to)
    }
}

/// Whether one name lives on in the other, as in a part or in the whole.
pub(crate) fn holds_part(scene: &Scene<'_>, one: &str, other: &str) -> bool {
    let found = scene.likeness(one, other, &[]);
    found.contained && found.score < 0.95
}

/// How many of the dropped and added columns have each type.
pub(crate) struct Types<'s> {
    gone: HashMap<&'s DataType, usize>,
    come: HashMap<&'s DataType, usize>,
}

impl<'s> Types<'s> {
    pub(crate) fn count(exchange: &Exchange<'s>, gone: &[String], come: &[String]) -> Self {
        let mut types = Self { gone: HashMap::new(), come: HashMap::new() };
        for column in gone.iter().filter_map(|name| exchange.before(name)) {
            *types.gone.entry(&column.data_type).or_default() += 1;
        }
        for column in come.iter().filter_map(|name| exchange.after(name)) {
            *types.come.entry(&column.data_type).or_default() += 1;
        }
        types
    }

    /// Whether a dropped and an added column have a type that no other of them has.
    pub(crate) fn only(&self, from: &Column, to: &Column) -> bool {
        from.data_type == to.data_type
            && self.gone.get(&from.data_type) == Some(&1)
            && self.come.get(&to.data_type) == Some(&1)
    }
}

/// The column lists of a table's indexes and keys, with whether they are unique.
fn lists(table: &Table) -> Vec<(bool, Vec<String>)> {
    let indexes = table.indexes.values().filter_map(|index| {
        let columns: Option<Vec<String>> = index.keys.iter().map(|key| key.column.clone()).collect();
        Some((index.unique, columns?))
    });
    let keys = table.constraints.values().filter_map(|constraint| match &constraint.kind {
        ConstraintKind::PrimaryKey { columns, .. } | ConstraintKind::Unique { columns, .. } => {
            Some((true, columns.clone()))
        }
        _ => None,
    });
    indexes.chain(keys).collect()
}
