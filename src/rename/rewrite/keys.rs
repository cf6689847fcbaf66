//! Constraints, indexes and sequences of a renamed table or column: what only needs a new name is renamed, what stays the
//! same stays, and the draft's drops and creations of both go.

use std::collections::BTreeSet;

use super::new_names::{NewName, Word};
use super::plan::{Plan, Touched};
use crate::catalog::{Constraint, Index, ObjectName, Table};
use crate::rename::render::{constraint, names, object};
use crate::sql::{ConstraintKind, quote_identifier};

/// A constraint or an index, with its name.
#[derive(Clone, Copy)]
enum Key<'a> {
    Constraint(&'a String, &'a Constraint),
    Index(&'a String, &'a Index),
}

impl<'a> Key<'a> {
    fn all(table: &'a Table) -> Vec<Self> {
        let constraints = table.constraints.iter().map(|(name, value)| Self::Constraint(name, value));
        constraints.chain(table.indexes.iter().map(|(name, value)| Self::Index(name, value))).collect()
    }

    fn name(self) -> &'a String {
        match self {
            Self::Constraint(name, _) | Self::Index(name, _) => name,
        }
    }

    /// Whether both are the same but for their names. A unique constraint serves where Prisma wants a unique index.
    fn same(self, other: Self) -> bool {
        match (self, other) {
            (Self::Constraint(_, a), Self::Constraint(_, b)) => a.same(b),
            (Self::Index(_, a), Self::Index(_, b)) => a.same(b),
            _ => false,
        }
    }

    fn involves(self, column: &str) -> bool {
        match self {
            Self::Constraint(_, constraint) => constraint.kind.involves(column),
            Self::Index(_, index) => index.involves(column),
        }
    }

    /// The table it references, and the columns there.
    fn references(self) -> Option<(&'a crate::sql::Name, &'a [String])> {
        match self {
            Self::Constraint(_, Constraint { kind: ConstraintKind::ForeignKey { table, referenced, .. }, .. }) => {
                Some((table, referenced))
            }
            _ => None,
        }
    }

    /// Whether Prisma's differ does not see it: it would neither create it again nor mean to drop it.
    fn invisible(self) -> bool {
        match self {
            Self::Constraint(_, constraint) => {
                matches!(constraint.kind, ConstraintKind::Check { .. } | ConstraintKind::Exclude { .. })
            }
            Self::Index(_, index) => index.predicate.is_some() || index.keys.iter().any(|key| key.column.is_none()),
        }
    }

    /// The columns of a primary key or unique key, which foreign keys may lean on.
    fn leaned_on(self) -> Option<Vec<String>> {
        match self {
            Self::Constraint(_, constraint) => match &constraint.kind {
                ConstraintKind::PrimaryKey { columns, .. } | ConstraintKind::Unique { columns, .. } => {
                    Some(columns.clone())
                }
                _ => None,
            },
            Self::Index(_, index) if index.unique => index.keys.iter().map(|key| key.column.clone()).collect(),
            Self::Index(..) => None,
        }
    }
}

/// Keys that the draft replaces by others: foreign keys that lean on them cannot stay.
pub(crate) fn replaced(plan: &Plan<'_>, touched: &Touched) -> Vec<(ObjectName, BTreeSet<String>)> {
    let (Some(old), Some(new)) = (plan.renamed.tables.get(&touched.to), plan.scene.after.tables.get(&touched.to))
    else {
        return Vec::new();
    };
    let new = Key::all(new);
    let goes = |key: &Key<'_>| !new.iter().any(|other| key.same(*other));
    let columns = Key::all(old).into_iter().filter(goes).filter_map(Key::leaned_on);
    columns.map(|columns| (touched.to.clone(), columns.into_iter().collect())).collect()
}

/// Plans the keys of one table.
pub(crate) fn plan(plan: &mut Plan<'_>, touched: &Touched) {
    let after = &plan.scene.after;
    let (old_table, new_table) = (plan.renamed.tables.get(&touched.to).cloned(), after.tables.get(&touched.to));
    let (Some(old_table), Some(new_table)) = (&old_table, new_table) else { return };
    let concerned = |key: &Key<'_>| {
        touched.whole
            || touched.columns.iter().any(|column| key.involves(column))
            || key.references().is_some_and(|(table, columns)| plan.moves_under(&after.resolve(table), columns))
    };
    let followers: Vec<String> =
        old_table.constraints.keys().filter(|name| follows(plan, new_table, name)).cloned().collect();
    let stays_possible = |key: &Key<'_>| {
        key.references().is_none_or(|(table, columns)| {
            plan.may_stay(&touched.to, old_table, key.name(), &after.resolve(table), columns)
        })
    };
    let ours = |key: &Key<'_>| !followers.contains(key.name()) && concerned(key);
    let mut old: Vec<Key<'_>> = Key::all(old_table).into_iter().filter(ours).collect();
    let mut new: Vec<Key<'_>> = Key::all(new_table).into_iter().filter(ours).collect();
    let mut kept = Vec::new();
    for same_name in [true, false] {
        old.retain(|key| {
            let fits =
                |other: &Key<'_>| key.same(*other) && (!same_name || key.name() == other.name()) && stays_possible(key);
            match new.iter().position(fits) {
                Some(at) => {
                    kept.push((*key, new.remove(at)));
                    false
                }
                None => true,
            }
        });
    }
    for (key, other) in kept {
        cut_drop(plan, touched, key);
        cut_create(plan, touched, other);
        let (word, relation) = match key {
            Key::Constraint(_, constraint) => (Word::Constraint, constraint.kind.has_index()),
            Key::Index(..) => (Word::Index, true),
        };
        let (from, to) = (key.name().clone(), other.name().clone());
        if from != to {
            plan.new_names.push(NewName { word, table: touched.to.clone(), relation, from, to });
        }
    }
    let taking: BTreeSet<String> = plan.new_names.iter().map(|name| name.to.clone()).collect();
    for key in old {
        drop_key(plan, touched, key, taking.contains(key.name()), new_table);
    }
    for key in new {
        create_key(plan, touched, key);
    }
    for name in followers {
        plan.preserve(touched, &name, false);
    }
    sequences(plan, touched);
}

/// Whether a foreign key leads to a table or column that the draft has dropped from under it: Prisma does not manage the table
/// that it is of, and so says nothing of it. It follows the renames by itself.
fn follows(plan: &Plan<'_>, new_table: &Table, name: &String) -> bool {
    let after = &plan.scene.after;
    let Some(constraint) = new_table.constraints.get(name) else { return false };
    let Some((table, columns)) = Key::Constraint(name, constraint).references() else { return false };
    let target = after.tables.get(&after.resolve(table));
    let moved = plan.touched.iter().any(|touched| touched.from == after.resolve(table));
    moved && target.is_none_or(|target| columns.iter().any(|column| !target.columns.contains_key(column)))
}

fn cut_drop(plan: &mut Plan<'_>, touched: &Touched, key: Key<'_>) {
    if let Some(at) = drop_atom(plan, touched, key) {
        plan.cut(at);
    }
}

fn drop_atom(plan: &Plan<'_>, touched: &Touched, key: Key<'_>) -> Option<super::atoms::At> {
    match key {
        Key::Constraint(name, _) => plan.atoms.drop_constraint.get(&(touched.from.clone(), name.clone())).copied(),
        Key::Index(name, _) => {
            let index = ObjectName { schema: touched.from.schema.clone(), name: name.clone() };
            plan.atoms.drop_index.get(&index).copied()
        }
    }
}

fn create_atom(plan: &Plan<'_>, touched: &Touched, key: Key<'_>) -> Option<super::atoms::At> {
    match key {
        Key::Constraint(name, _) => plan.atoms.add_constraint.get(&(touched.to.clone(), name.clone())).copied(),
        Key::Index(name, _) => {
            let index = ObjectName { schema: touched.to.schema.clone(), name: name.clone() };
            plan.atoms.create_index.get(&index).copied()
        }
    }
}

fn cut_create(plan: &mut Plan<'_>, touched: &Touched, key: Key<'_>) {
    if let Some(at) = create_atom(plan, touched, key) {
        plan.cut(at);
    }
}

/// A key that the draft drops: by its own statement, which stays; with its table or column, which no longer goes.
fn drop_key(plan: &mut Plan<'_>, touched: &Touched, key: Key<'_>, in_the_way: bool, new_table: &Table) {
    let atom = drop_atom(plan, touched, key);
    let moved = touched.from.schema != touched.to.schema;
    if let Some(at) = atom {
        if !in_the_way && !moved {
            return;
        }
        plan.cut(at);
    } else {
        let still_there = Key::all(new_table).iter().any(|other| other.name() == key.name() && other.same(key));
        if still_there {
            return;
        }
        if key.invisible() {
            plan.preserve(touched, key.name(), matches!(key, Key::Index(..)));
            return;
        }
    }
    let line = match key {
        Key::Constraint(name, _) => {
            format!(
                "ALTER TABLE {} DROP CONSTRAINT {};",
                object(plan.scene.before, &touched.to),
                quote_identifier(name)
            )
        }
        Key::Index(name, _) => {
            let index = ObjectName { schema: touched.to.schema.clone(), name: name.clone() };
            format!("DROP INDEX {};", object(plan.scene.before, &index))
        }
    };
    plan.block.push(line);
}

/// A key that the draft creates: by its own statement, which stays; with its table or column, which is not created now.
fn create_key(plan: &mut Plan<'_>, touched: &Touched, key: Key<'_>) {
    if create_atom(plan, touched, key).is_some() {
        return;
    }
    match key {
        Key::Constraint(name, value) => {
            let text =
                format!("ADD CONSTRAINT {} {}", quote_identifier(name), constraint(plan.scene.before, &value.kind));
            plan.late_actions(touched, text);
        }
        Key::Index(name, index) => {
            let unique = if index.unique { "UNIQUE " } else { "" };
            let keys = index.keys.iter().map(|key| key.text.clone()).collect::<Vec<_>>().join(", ");
            let method = if index.method == "btree" { String::new() } else { format!(" USING {}", index.method) };
            let include =
                if index.include.is_empty() { String::new() } else { format!(" INCLUDE ({})", names(&index.include)) };
            let nulls = if index.nulls_not_distinct { " NULLS NOT DISTINCT" } else { "" };
            let filter = index.predicate.as_ref().map(|expr| format!(" WHERE {}", expr.text)).unwrap_or_default();
            let table = object(plan.scene.before, &touched.to);
            let name = quote_identifier(name);
            plan.late_statement(
                touched,
                format!("CREATE {unique}INDEX {name} ON {table}{method}({keys}){include}{nulls}{filter};"),
            );
        }
    }
}

/// Sequences of `SERIAL` columns get the names that new ones would have.
fn sequences(plan: &mut Plan<'_>, touched: &Touched) {
    let owned = |catalog: &crate::catalog::Catalog, column: &String| {
        let owner = Some((touched.to.clone(), column.clone()));
        catalog.sequences.iter().find(|(_, of)| **of == owner).map(|(name, _)| name.clone())
    };
    let Some(table) = plan.scene.after.tables.get(&touched.to) else { return };
    let columns: Vec<String> =
        table.columns.keys().filter(|name| touched.whole || touched.columns.contains(*name)).cloned().collect();
    for column in columns {
        if let (Some(old), Some(new)) = (owned(&plan.renamed, &column), owned(&plan.scene.after, &column))
            && old.name != new.name
        {
            let table = touched.to.clone();
            plan.new_names.push(NewName { word: Word::Sequence, table, relation: true, from: old.name, to: new.name });
        }
    }
}
