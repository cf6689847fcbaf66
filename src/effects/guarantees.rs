//! Constraints and unique indexes that are dropped while their table stays, and foreign keys that lead elsewhere afterwards.

use std::collections::BTreeSet;

use super::unknown::{self, Reference};
use super::{Guarantee, Scene, What};
use crate::catalog::{Catalog, Constraint, Index, Known, ObjectName, Table};
use crate::sql::{ConstraintKind, Expr, quote_identifier};

/// `DROP INDEX`. One behind a constraint is refused by PostgreSQL.
pub(super) fn index(scene: &Scene<'_>, index: &ObjectName) -> Option<What> {
    let table = match scene.before.index_owner(index) {
        Known::There(table) => table,
        Known::Absent => return None,
        Known::Unknown => {
            return Some(What::UnknownObject(Reference { kind: unknown::Kind::Index, name: index.clone() }));
        }
    };
    let dropped = scene.before.tables.get(table)?.indexes.get(&index.name).filter(|dropped| dropped.unique)?;
    let keys = keys(dropped);
    let end = at_the_end(scene, table)?;
    // with a column that goes as well there is nothing left to keep
    let plain = dropped.keys.iter().filter_map(|key| key.column.as_ref());
    if plain.into_iter().any(|column| !end.columns.contains_key(column)) {
        return None;
    }
    (!is_unique(end, dropped)).then(|| What::GuaranteeGone {
        table: table.clone(),
        name: index.name.clone(),
        guarantee: Guarantee::UniqueIndex(keys),
    })
}

/// `DROP CONSTRAINT`.
pub(super) fn constraint(scene: &Scene<'_>, table: &ObjectName, name: &str) -> Vec<What> {
    let dropped = match scene.before.constraint(table, name) {
        Known::There(dropped) => dropped,
        Known::Absent => return Vec::new(),
        Known::Unknown => {
            let kind = unknown::Kind::Constraint(name.to_owned());
            return vec![What::UnknownObject(Reference { kind, name: table.clone() })];
        }
    };
    let Some(end) = at_the_end(scene, table) else { return Vec::new() };
    // with a column that goes as well there is nothing left to keep
    if !dropped.kind.columns().iter().all(|column| end.columns.contains_key(column)) {
        return Vec::new();
    }
    if let Some(to) = led(scene, end, &dropped.kind) {
        return vec![to(table)];
    }
    if replaced(scene.end, end, dropped) {
        return Vec::new();
    }
    let guarantee = Guarantee::Constraint(dropped.kind.clone());
    vec![What::GuaranteeGone { table: table.clone(), name: name.to_owned(), guarantee }]
}

/// The table after the migration, under the name that a later statement may give it; none where it goes as well, and has nothing to
/// keep.
fn at_the_end<'a>(scene: &Scene<'a>, table: &ObjectName) -> Option<&'a Table> {
    scene.end.tables.get(table).or_else(|| scene.end.tables.get(&scene.end.renamed(table)?))
}

/// Where a dropped foreign key's columns lead at the end, if that is another table. One that follows its table's new name leads
/// where it led.
fn led(scene: &Scene<'_>, end: &Table, dropped: &ConstraintKind) -> Option<impl FnOnce(&ObjectName) -> What> {
    let ConstraintKind::ForeignKey { columns, table: parent, .. } = dropped else { return None };
    let from = scene.before.resolve(parent);
    let now = end.constraints.values().find_map(|it| match &it.kind {
        ConstraintKind::ForeignKey { columns: own, table, .. } if own == columns => Some(scene.end.resolve(table)),
        _ => None,
    })?;
    let renamed = !scene.end.tables.contains_key(&from) && !scene.before.tables.contains_key(&now);
    if now == from || renamed {
        return None;
    }
    let columns = columns.clone();
    Some(move |table: &ObjectName| What::KeyLed { table: table.clone(), columns, from, to: now })
}

/// Whether the table still keeps at the end what a dropped constraint kept.
fn replaced(world: &Catalog, end: &Table, dropped: &Constraint) -> bool {
    let columns = dropped.kind.columns();
    match &dropped.kind {
        ConstraintKind::PrimaryKey { .. } => {
            end.constraints.values().any(|it| matches!(it.kind, ConstraintKind::PrimaryKey { .. }))
        }
        ConstraintKind::Unique { .. } => covers(end, columns),
        ConstraintKind::ForeignKey { .. } => end
            .constraints
            .values()
            .any(|it| matches!(&it.kind, ConstraintKind::ForeignKey { columns: own, .. } if own == columns)),
        ConstraintKind::Check { expr } => {
            let about = end.columns.keys().any(|column| expr.mentions(column));
            !about || implied(world, end, expr)
        }
        ConstraintKind::Exclude { .. } => end.constraints.values().any(|it| it.kind == dropped.kind),
    }
}

/// Whether the checks and `NOT NULL`s of a table demand everything that a check demanded. One that is only about the same columns
/// replaces none.
fn implied(world: &Catalog, end: &Table, check: &Expr) -> bool {
    let checks = end.constraints.values().filter_map(|it| match &it.kind {
        ConstraintKind::Check { expr } => Some(world.demands(expr)),
        _ => None,
    });
    let required = end.columns.iter().filter(|(_, column)| column.not_null);
    let required =
        required.flat_map(|(name, _)| world.demands(&Expr { text: format!("{} IS NOT NULL", quote_identifier(name)) }));
    let kept: BTreeSet<String> = checks.flatten().chain(required).collect();
    world.demands(check).is_subset(&kept)
}

/// Whether at most these columns make a row unique.
fn covers(table: &Table, columns: &[String]) -> bool {
    let columns: BTreeSet<&String> = columns.iter().collect();
    let within = |keys: &[String]| !keys.is_empty() && keys.iter().all(|key| columns.contains(key));
    let of_constraint = table.constraints.values().any(|it| match &it.kind {
        ConstraintKind::PrimaryKey { columns, .. } | ConstraintKind::Unique { columns, .. } => within(columns),
        _ => false,
    });
    let of_index = |index: &Index| {
        let plain: Option<Vec<String>> = index.keys.iter().map(|key| key.column.clone()).collect();
        index.unique && index.predicate.is_none() && plain.is_some_and(|keys| within(&keys))
    };
    of_constraint || table.indexes.values().any(of_index)
}

fn is_unique(table: &Table, dropped: &Index) -> bool {
    let plain: Option<Vec<String>> = dropped.keys.iter().map(|key| key.column.clone()).collect();
    table.indexes.values().any(|index| index == dropped) || plain.is_some_and(|keys| covers(table, &keys))
}

/// The keys of an index as written.
fn keys(index: &Index) -> Vec<String> {
    index.keys.iter().map(|key| key.column.clone().unwrap_or_else(|| key.text.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{What, of_script};
    use crate::catalog::Catalog;
    use crate::sql::Script;

    fn gone(sql: &str) -> Vec<String> {
        let before = Script::parse("CREATE TABLE a (id INT CONSTRAINT k PRIMARY KEY, x TEXT);");
        let catalog = Catalog::replay("public", [("1", &before)]);
        let effects = of_script(&catalog, &Script::parse(sql)).into_iter().flatten();
        let name = |what| match what {
            What::GuaranteeGone { name, .. } => Some(name),
            _ => None,
        };
        effects.filter_map(|effect| name(effect.what)).collect()
    }

    #[test]
    fn a_table_keeps_its_guarantees_under_another_name() {
        assert_eq!(gone("ALTER TABLE a DROP CONSTRAINT k;"), ["k"]);
        assert_eq!(
            gone("ALTER TABLE a DROP CONSTRAINT k; ALTER TABLE a RENAME TO b; ALTER TABLE b RENAME TO c;"),
            ["k"]
        );
        assert_eq!(
            gone("ALTER TABLE a DROP CONSTRAINT k; ALTER TABLE a RENAME TO b; ALTER TABLE b ADD PRIMARY KEY (x);"),
            [""; 0]
        );
        assert_eq!(gone("ALTER TABLE a DROP CONSTRAINT k; DROP TABLE a; CREATE TABLE b (id INT, x TEXT);"), [""; 0]);
    }
}
