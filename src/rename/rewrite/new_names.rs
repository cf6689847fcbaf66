//! Keys, indexes and sequences that only get another name.

use std::collections::BTreeMap;

use super::plan::Plan;
use super::sequence::order_with;
use crate::catalog::ObjectName;
use crate::rename::render::object;
use crate::sql::quote_identifier;

/// What a rename of a key, an index or a sequence is written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    Constraint,
    Index,
    Sequence,
}

/// A key, index or sequence that gets another name.
#[derive(Debug, Clone)]
pub(crate) struct NewName {
    pub(crate) word: Word,
    /// Its table, by the name after.
    pub(crate) table: ObjectName,
    /// It shares the name space of its schema's tables and indexes; other constraints' names are their table's own.
    pub(crate) relation: bool,
    pub(crate) from: String,
    pub(crate) to: String,
}

/// A space in which names are unique: a schema's, or a table's own in it.
type Space = (String, Option<String>);

/// Writes all new names, in an order that works across tables.
pub(crate) fn rename_all(plan: &mut Plan<'_>) {
    let mut spaces: BTreeMap<Space, Vec<_>> = BTreeMap::new();
    for name in std::mem::take(&mut plan.new_names) {
        let space = (name.table.schema.clone(), (!name.relation).then(|| name.table.name.clone()));
        spaces.entry(space).or_default().push((name.from.clone(), name.to.clone(), name));
    }
    for ((schema, _), names) in spaces {
        let taken = plan.relations(&schema);
        for (from, to, name) in order_with(names, &taken) {
            let own = object(plan.scene.before, &ObjectName { schema: schema.clone(), name: from.clone() });
            let table = object(plan.scene.before, &name.table);
            let (from, to) = (quote_identifier(&from), quote_identifier(&to));
            plan.block.push(match name.word {
                Word::Constraint => format!("ALTER TABLE {table} RENAME CONSTRAINT {from} TO {to};"),
                Word::Index => format!("ALTER INDEX {own} RENAME TO {to};"),
                Word::Sequence => format!("ALTER SEQUENCE {own} RENAME TO {to};"),
            });
        }
    }
}
