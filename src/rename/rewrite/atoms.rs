//! A draft's statements, taken apart into the smallest pieces that can go: whole statements, or actions of `ALTER TABLE`.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::catalog::{Catalog, ObjectName};
use crate::sql::{ActionKind, Script, StatementKind};

/// A statement, or one action of an `ALTER TABLE`, by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At {
    pub(crate) statement: usize,
    /// None is the whole statement.
    pub(crate) action: Option<usize>,
}

/// Where a draft drops, creates and alters what. Tables are named as the statement names them.
#[derive(Debug, Default)]
pub(crate) struct Atoms {
    pub(crate) drop_column: BTreeMap<(ObjectName, String), At>,
    pub(crate) add_column: BTreeMap<(ObjectName, String), At>,
    pub(crate) alter_column: BTreeMap<(ObjectName, String), Vec<At>>,
    pub(crate) drop_constraint: BTreeMap<(ObjectName, String), At>,
    pub(crate) add_constraint: BTreeMap<(ObjectName, String), At>,
    pub(crate) drop_index: BTreeMap<ObjectName, At>,
    pub(crate) create_index: BTreeMap<ObjectName, At>,
    pub(crate) drop_table: BTreeMap<ObjectName, At>,
    pub(crate) create_table: BTreeMap<ObjectName, At>,
    pub(crate) drop_type: BTreeMap<ObjectName, At>,
    pub(crate) create_type: BTreeMap<ObjectName, At>,
    /// Prisma's blocks that give an enum new values: `BEGIN; CREATE TYPE "Role_new" …; COMMIT;`, by the enum.
    pub(crate) enum_block: BTreeMap<ObjectName, Range<usize>>,
}

impl Atoms {
    pub(crate) fn read(script: &Script, catalog: &Catalog) -> Self {
        let mut atoms = Self::default();
        for (statement, parsed) in script.statements().iter().enumerate() {
            let at = At { statement, action: None };
            match &parsed.kind {
                StatementKind::AlterTable { table, actions, .. } => {
                    let table = catalog.resolve(table);
                    for (action, parsed) in actions.iter().enumerate() {
                        atoms.action(&table, &parsed.kind, At { statement, action: Some(action) });
                    }
                }
                StatementKind::DropIndex { indexes, .. } if let [index] = indexes.as_slice() => {
                    atoms.drop_index.insert(catalog.resolve(index), at);
                }
                StatementKind::CreateIndex(index) => {
                    if let Some(name) = &index.name {
                        let schema = catalog.resolve(&index.table).schema;
                        atoms.create_index.insert(ObjectName { schema, name: name.clone() }, at);
                    }
                }
                StatementKind::DropTable { tables, .. } if let [table] = tables.as_slice() => {
                    atoms.drop_table.insert(catalog.resolve(table), at);
                }
                StatementKind::CreateTable { table, .. } => {
                    atoms.create_table.insert(catalog.resolve(table), at);
                }
                StatementKind::DropType { names, .. } if let [name] = names.as_slice() => {
                    atoms.drop_type.insert(catalog.resolve(name), at);
                }
                StatementKind::CreateEnum { name, .. } => {
                    let name = catalog.resolve(name);
                    if let Some(block) = enum_block(script, catalog, &name, statement) {
                        let of = name.name.strip_suffix("_new").unwrap_or(&name.name).to_owned();
                        atoms.enum_block.insert(ObjectName { name: of, ..name.clone() }, block);
                    }
                    atoms.create_type.insert(name, at);
                }
                _ => {}
            }
        }
        atoms
    }

    fn action(&mut self, table: &ObjectName, kind: &ActionKind, at: At) {
        let key = |name: &String| (table.clone(), name.clone());
        match kind {
            ActionKind::DropColumn { name, .. } => {
                self.drop_column.insert(key(name), at);
            }
            ActionKind::AddColumn { column, .. } => {
                self.add_column.insert(key(&column.name), at);
            }
            ActionKind::SetType { column, .. }
            | ActionKind::SetNotNull { column }
            | ActionKind::DropNotNull { column }
            | ActionKind::SetDefault { column, .. }
            | ActionKind::DropDefault { column } => self.alter_column.entry(key(column)).or_default().push(at),
            ActionKind::DropConstraint { name, .. } => {
                self.drop_constraint.insert(key(name), at);
            }
            ActionKind::AddConstraint(constraint) => {
                if let Some(name) = &constraint.name {
                    self.add_constraint.insert(key(name), at);
                }
            }
            _ => {}
        }
    }
}

/// The statements from `BEGIN` to `COMMIT` around the creation of `…_new`, if they end in its taking the enum's name.
fn enum_block(script: &Script, catalog: &Catalog, new: &ObjectName, at: usize) -> Option<Range<usize>> {
    let statements = script.statements();
    let old = new.name.strip_suffix("_new")?;
    let begin = at.checked_sub(1).filter(|begin| statements[*begin].kind == StatementKind::Begin)?;
    let commit = (at..statements.len()).find(|end| statements[*end].kind == StatementKind::Commit)?;
    let takes = |kind: &StatementKind| match kind {
        StatementKind::RenameType { name, to } => catalog.resolve(name) == *new && to == old,
        _ => false,
    };
    statements[begin..=commit].iter().any(|statement| takes(&statement.kind)).then_some(begin..commit + 1)
}
