//! From one catalog back to an earlier one, in an order that a server takes: what leans on others goes first and comes last.

use super::{Hints, Step, columns, composite};
use crate::catalog::{Catalog, Constraint, ObjectName, Table};
use crate::sql::{ConstraintKind, quote_identifier};
use crate::undo::render::{self, object};

/// The way from `now` to `then`. `hints` are what the two catalogs do not tell.
pub(super) fn step(now: &Catalog, then: &Catalog, hints: &Hints) -> Step {
    let mut step = Step::default();
    drop_leaning(&mut step, now, then);
    create_ground(&mut step, now, then);
    composite::change(&mut step, now, then);
    for name in &hints.enums {
        columns::recreate_enum(&mut step, now, then, name);
    }
    let mut new = Vec::new();
    for (name, table) in &then.tables {
        match now.tables.get(name) {
            Some(current) => columns::change(&mut step, now, then, name, current, table, hints),
            // after those that it inherits from
            None => new.push((generation(then, name), name, table)),
        }
    }
    new.sort_by_key(|(generation, ..)| *generation);
    for (_, name, table) in new {
        create_table(&mut step, then, name, table);
    }
    for (name, table) in then.tables.iter().filter(|(name, _)| !now.tables.contains_key(name)) {
        // before the rows are back, which are its partitions', and before it has anything that a partition would be given too
        if let Some((whole, _)) = &table.partition.of
            && !now.tables.contains_key(whole)
        {
            step.room.extend(attach(then, name, table));
        }
    }
    let mut gone: Vec<&ObjectName> = now.tables.keys().filter(|name| !then.tables.contains_key(name)).collect();
    gone.sort_by_cached_key(|name| std::cmp::Reverse(generation(now, name)));
    for name in gone {
        step.room.push(format!("DROP TABLE {};", object(now, name)));
    }
    drop_ground(&mut step, now, then);
    own_sequences(&mut step, now, then);
    create_leaning(&mut step, now, then);
    step
}

fn attach(then: &Catalog, name: &ObjectName, table: &Table) -> Option<String> {
    let (whole, bound) = table.partition.of.as_ref()?;
    Some(format!("ALTER TABLE {} ATTACH PARTITION {} {bound};", object(then, whole), object(then, name)))
}

/// Whether a check comes and goes with that of a table that this one inherits from, or is a partition of now.
fn comes_down(catalog: &Catalog, now: Option<&Table>, table: &Table, own: &str, constraint: &Constraint) -> bool {
    // one that is not attached yet needs the check before
    let whole = now.and_then(|now| now.partition.of.as_ref()).map(|(whole, _)| whole);
    let parents = table.inheritance.from.iter().chain(whole).filter_map(|parent| catalog.tables.get(parent));
    matches!(constraint.kind, ConstraintKind::Check { .. })
        && parents.into_iter().any(|parent| parent.constraints.get(own).is_some_and(|other| constraint.same(other)))
}

/// How many tables stand above one in a line of inheritance.
fn generation(catalog: &Catalog, name: &ObjectName) -> usize {
    let parents =
        |name: &ObjectName| catalog.tables.get(name).map(|own| own.inheritance.from.as_slice()).unwrap_or_default();
    parents(name).iter().map(|parent| generation(catalog, parent) + 1).max().unwrap_or(0)
}

fn is_foreign(constraint: &Constraint) -> bool {
    matches!(constraint.kind, ConstraintKind::ForeignKey { .. })
}

/// Constraints and indexes of tables that stay: foreign keys before the keys they need.
fn drop_leaning(step: &mut Step, now: &Catalog, then: &Catalog) {
    for foreign in [true, false] {
        for (name, table) in &now.tables {
            // those of a table that goes, go with it, but for a circle of foreign keys
            let Some(earlier) = then.tables.get(name) else { continue };
            for (own, constraint) in &table.constraints {
                let kept = earlier.constraints.get(own).is_some_and(|other| constraint.same(other));
                if is_foreign(constraint) == foreign && !kept && !comes_down(now, Some(table), table, own, constraint) {
                    let constraint = quote_identifier(own);
                    step.room.push(format!("ALTER TABLE {} DROP CONSTRAINT {constraint};", object(now, name)));
                }
            }
        }
    }
    for (name, table) in &now.tables {
        let Some(earlier) = then.tables.get(name) else { continue };
        for (own, index) in &table.indexes {
            if !earlier.indexes.get(own).is_some_and(|other| index.same(other)) {
                let index = ObjectName { schema: name.schema.clone(), name: own.clone() };
                step.room.push(format!("DROP INDEX {};", object(now, &index)));
            }
        }
    }
}

/// Schemas, enums and sequences that tables need.
fn create_ground(step: &mut Step, now: &Catalog, then: &Catalog) {
    for schema in then.schemas.difference(&now.schemas) {
        step.room.push(format!("CREATE SCHEMA {};", quote_identifier(schema)));
    }
    for (name, values) in then.enums.iter().filter(|(name, _)| !now.enums.contains_key(*name)) {
        step.room.push(render::create_enum(then, name, values));
    }
    for (name, owner) in then.sequences.iter().filter(|(name, _)| !now.sequences.contains_key(*name)) {
        if !comes_with_column(then, name, owner.as_ref()) {
            step.room.push(format!("CREATE SEQUENCE {};", object(then, name)));
        }
    }
}

/// Whether `SERIAL` or an identity column makes the sequence.
fn comes_with_column(catalog: &Catalog, name: &ObjectName, owner: Option<&(ObjectName, String)>) -> bool {
    let Some((table, column)) = owner else { return false };
    let Some(found) = catalog.tables.get(table).and_then(|table| table.columns.get(column)) else { return false };
    let serial = render::serial(catalog, table, column, found).is_some();
    found.identity || serial && render::sequence(catalog, found).as_ref() == Some(name)
}

/// The table with its columns; what its rows must obey comes after they are back.
fn create_table(step: &mut Step, then: &Catalog, name: &ObjectName, table: &Table) {
    let own = |(own, _): &(&String, _)| !table.inheritance.columns.contains(*own);
    let mut columns: Vec<_> = table.columns.iter().filter(own).collect();
    columns.sort_by_key(|(_, column)| column.position);
    for (own, column) in table.columns.iter().filter(|(own, _)| table.inheritance.columns.contains(*own)) {
        step.rules.extend(columns::own_default(then, name, table, own, column));
    }
    let columns: Vec<String> =
        columns.iter().map(|(own, column)| format!("    {}", render::column(then, name, own, column, true))).collect();
    let by = table.partition.key.as_ref().map(|key| format!(" PARTITION BY {key}")).unwrap_or_default();
    let from: Vec<String> = table.inheritance.from.iter().map(|parent| object(then, parent)).collect();
    let from = if from.is_empty() { String::new() } else { format!(" INHERITS ({})", from.join(", ")) };
    step.room.push(format!("CREATE TABLE {} (\n{}\n){from}{by};", object(then, name), columns.join(",\n")));
}

/// What came with the migration and nothing needs any more.
fn drop_ground(step: &mut Step, now: &Catalog, then: &Catalog) {
    for (name, owner) in now.sequences.iter().filter(|(name, _)| !then.sequences.contains_key(*name)) {
        let column = |catalog: &Catalog, (table, column): &(ObjectName, String)| {
            catalog.tables.get(table).is_some_and(|table| table.columns.contains_key(column))
        };
        let goes_along = owner.as_ref().is_some_and(|owner| !column(then, owner));
        if !goes_along && !comes_with_column(now, name, owner.as_ref()) {
            step.room.push(format!("DROP SEQUENCE {};", object(now, name)));
        }
    }
    for name in now.enums.keys().filter(|name| !then.enums.contains_key(*name)) {
        step.room.push(format!("DROP TYPE {};", object(now, name)));
    }
    for schema in now.schemas.difference(&then.schemas) {
        step.room.push(format!("DROP SCHEMA {};", quote_identifier(schema)));
    }
}

/// Who each sequence goes away with.
fn own_sequences(step: &mut Step, now: &Catalog, then: &Catalog) {
    for (name, owner) in &then.sequences {
        let changed = match now.sequences.get(name) {
            Some(current) => current != owner,
            None => owner.is_some() && !comes_with_column(then, name, owner.as_ref()),
        };
        if changed {
            let owner = owner.as_ref().map_or_else(
                || "NONE".to_owned(),
                |(table, column)| format!("{}.{}", object(then, table), quote_identifier(column)),
            );
            step.room.push(format!("ALTER SEQUENCE {} OWNED BY {owner};", object(then, name)));
        }
    }
}

/// Keys and checks, then indexes, then foreign keys.
fn create_leaning(step: &mut Step, now: &Catalog, then: &Catalog) {
    let missing = |name: &ObjectName, own: &String, constraint: &Constraint| {
        let current = now.tables.get(name).and_then(|table| table.constraints.get(own));
        !current.is_some_and(|current| current.same(constraint))
    };
    // what a partition has already, its whole does not give it a second time
    let mut tables: Vec<(&ObjectName, &Table)> = then.tables.iter().collect();
    tables.sort_by_cached_key(|(name, _)| std::cmp::Reverse(depth(then, name)));
    let add = |step: &mut Step, foreign: bool| {
        for (name, table) in &tables {
            for (own, constraint) in table.constraints.iter().filter(|(_, each)| is_foreign(each) == foreign) {
                if missing(name, own, constraint) && !comes_down(then, now.tables.get(name), table, own, constraint) {
                    let add = render::add_constraint(own, constraint);
                    step.rules.push(format!("ALTER TABLE {} {add};", object(then, name)));
                }
            }
        }
    };
    add(step, false);
    for (name, table) in &tables {
        for (own, index) in &table.indexes {
            let current = now.tables.get(name).and_then(|table| table.indexes.get(own));
            if !current.is_some_and(|current| current.same(index)) {
                step.rules.push(render::create_index(then, name, own, index));
            }
        }
    }
    add(step, true);
    for (name, table) in &then.tables {
        // one that is there was detached: what the whole gets or loses by an earlier statement's reverse, it does too
        let detached = now.tables.get(name).is_none_or(|now| now.partition.of.is_none());
        if let Some((whole, _)) = &table.partition.of
            && now.tables.contains_key(whole)
            && detached
        {
            step.rules.extend(attach(then, name, table));
        }
    }
}

/// How many tables a partition is in, one in another.
fn depth(catalog: &Catalog, name: &ObjectName) -> usize {
    let whole = |name: &ObjectName| catalog.tables.get(name)?.partition.of.as_ref().map(|(whole, _)| whole.clone());
    std::iter::successors(whole(name), whole).take(catalog.tables.len()).count()
}
