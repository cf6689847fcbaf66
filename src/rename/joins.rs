//! Implicit many-to-many tables follow their models: `_PostToTag` becomes `_LabelToPost` when `Tag` becomes `Label`.

use super::around::Around;
use super::candidate::{Candidate, Rename};
use super::given::Given;
use super::scene::{Scene, target};
use super::score::Scale;
use super::settle::{Compare, settle};
use super::tables::is_join;
use crate::catalog::{Catalog, ObjectName};
use crate::sql::ConstraintKind;

/// Candidates for join tables. Those whose models were renamed are certain once the models' renames are; a renamed
/// relation between the same models is found by its place.
pub(crate) fn find(scene: &Scene<'_>, given: &Given, around: &Around) -> Vec<Candidate> {
    let (gone, come) = scene.tables();
    let rename = |from: &ObjectName, to: &ObjectName| Rename::Table { from: from.clone(), to: to.clone(), join: true };
    let gone: Vec<_> = gone
        .into_iter()
        .filter(|from| is_join(scene.before.tables.get(from)) && !given.settles(&rename(from, from)))
        .collect();
    let come: Vec<_> =
        come.into_iter().filter(|to| is_join(scene.after.tables.get(to)) && !given.takes(&rename(to, to))).collect();
    let compared = gone.iter().map(|from| {
        let row = come.iter().map(|to| {
            let (a, b) = ends(scene.before, from)?;
            let mapped = |name: ObjectName| around.tables.get(&name).cloned().unwrap_or(name);
            let moved = a != mapped(a.clone()) || b != mapped(b.clone());
            let (a, b) = (mapped(a), mapped(b));
            let (c, d) = ends(&scene.after, to)?;
            if !((a == c && b == d) || (a == d && b == c)) {
                return None;
            }
            let mut scale = Scale::by_hand(scene.weights, 1.0);
            scale.add(0.5, format!("both join {} and {}", c.name, d.name));
            // `_PostToTag`: Prisma derives the name from the models, so a follower's name is derived again
            let derived = |name: &ObjectName, a: &ObjectName, b: &ObjectName| default_names(scene, name, a, b);
            let (old_a, old_b) = ends(scene.before, from)?;
            let follows = moved && derived(from, &old_a, &old_b) && derived(to, &c, &d);
            if follows {
                scale.add(3.0, "it follows its models");
            }
            let likeness = scene.likeness(&from.name, &to.name, &[]);
            scale.add(likeness.score, likeness.reason.clone());
            if a == b {
                scale.add(-0.5, "both ends are the same table: which is A is not known");
            }
            Some(Compare { clear: follows && a != b, ..Compare::decision(rename(from, to), scale) })
        });
        row.collect()
    });
    settle(scene, compared.collect())
}

/// The tables that columns A and B reference.
pub(crate) fn ends(catalog: &Catalog, name: &ObjectName) -> Option<(ObjectName, ObjectName)> {
    let table = catalog.tables.get(name)?;
    Some((target(catalog, table, "A")?, target(catalog, table, "B")?))
}

/// Whether a join table has the name that Prisma gives when the relation has none: `_` and both models' names.
fn default_names(scene: &Scene<'_>, name: &ObjectName, a: &ObjectName, b: &ObjectName) -> bool {
    let model = |table: &ObjectName| {
        let find = |schema: &super::schema::Schema| {
            schema.model_of_table(&table.schema, &table.name).map(|model| model.name.clone())
        };
        find(&scene.work).or_else(|| find(&scene.head)).unwrap_or_else(|| table.name.clone())
    };
    // PostgreSQL cuts a name at 63 bytes
    let cut = |name: String| name[..name.floor_char_boundary(63)].to_owned();
    let own = cut(name.name.clone());
    own == cut(format!("_{}To{}", model(a), model(b))) || own == cut(format!("_{}To{}", a.name, b.name))
}

/// A and B of a join table whose foreign keys the draft exchanges while both tables keep their names: the models have other names in
/// Prisma, and the alphabet puts them the other way round. The links stay what they are if the columns change places.
pub(crate) fn crossed(scene: &Scene<'_>, given: &Given, around: &Around) -> Vec<Candidate> {
    let mut found = Vec::new();
    for (name, table) in &scene.before.tables {
        if !is_join(Some(table)) || !is_join(scene.after.tables.get(name)) {
            continue;
        }
        let (Some((a, b)), Some((c, d))) = (ends(scene.before, name), ends(&scene.after, name)) else { continue };
        let stay = [&a, &b].iter().all(|table| !around.tables.contains_key(*table));
        if !stay || a == b || a != d || b != c {
            continue;
        }
        let evidence = vec![
            format!("A referenced {} and references {} now, B the other way round", a.name, b.name),
            "Prisma takes A for the model that comes first in the alphabet".to_owned(),
        ];
        for (from, to) in [("A", "B"), ("B", "A")] {
            let rename = Rename::Column { table: name.clone(), from: from.into(), to: to.into() };
            if !given.settles(&rename) {
                found.push(Candidate::new(scene.before, rename, 1.0, true, evidence.clone()));
            }
        }
    }
    found
}

/// A table's columns that are foreign keys by themselves, with what they reference.
fn links(catalog: &Catalog, name: &ObjectName) -> Vec<(String, ObjectName)> {
    let constraints = catalog.tables.get(name).into_iter().flat_map(|table| table.constraints.values());
    let link = |kind: &ConstraintKind| match kind {
        ConstraintKind::ForeignKey { columns, table, .. } => match columns.as_slice() {
            [column] => Some((column.clone(), catalog.resolve(table))),
            _ => None,
        },
        _ => None,
    };
    constraints.filter_map(|constraint| link(&constraint.kind)).collect()
}

/// The columns of a join table, each with the column of another table that references the same; none where they do not pair.
fn paired(scene: &Scene<'_>, around: &Around, from: &ObjectName, to: &ObjectName) -> Option<Vec<(String, String)>> {
    let mapped = |name: ObjectName| around.tables.get(&name).cloned().unwrap_or(name);
    let old: Vec<_> = links(scene.before, from).into_iter().map(|(column, target)| (column, mapped(target))).collect();
    let new = links(&scene.after, to);
    let of = |links: &[(String, ObjectName)], target: &ObjectName| -> Vec<String> {
        links.iter().filter(|(_, own)| own == target).map(|(column, _)| column.clone()).collect()
    };
    let pairs = old.iter().map(|(column, target)| match (of(&old, target).as_slice(), of(&new, target).as_slice()) {
        ([_], [other]) => Some((column.clone(), other.clone())),
        _ => None,
    });
    let pairs: Option<Vec<_>> = pairs.collect();
    pairs.filter(|pairs| pairs.len() == 2)
}

/// What a renamed join table takes along, where it becomes a model or was one: its two columns, by what they reference.
pub(crate) fn columns(scene: &Scene<'_>, around: &Around, rename: &Rename) -> Vec<Rename> {
    let Rename::Table { from, to, .. } = rename else { return Vec::new() };
    if is_join(scene.before.tables.get(from)) == is_join(scene.after.tables.get(to)) {
        return Vec::new();
    }
    let pairs = paired(scene, around, from, to).into_iter().flatten().filter(|(from, to)| from != to);
    pairs.map(|(column, other)| Rename::Column { table: from.clone(), from: column, to: other }).collect()
}

/// Candidates between join tables of Prisma's own and others: a relation that becomes a model, or a table that another tool made
/// and Prisma now makes anew. Their foreign keys say what belongs together.
pub(crate) fn explicit(scene: &Scene<'_>, given: &Given, around: &Around) -> Vec<Candidate> {
    let (gone, come) = scene.tables();
    let own = |name: &ObjectName| name.name.starts_with('_') && is_join(scene.before.tables.get(name));
    let rename =
        |from: &ObjectName, to: &ObjectName| Rename::Table { from: from.clone(), to: to.clone(), join: own(from) };
    let gone: Vec<_> = gone.into_iter().filter(|from| !given.settles(&rename(from, from))).collect();
    let come: Vec<_> = come.into_iter().filter(|to| !given.takes(&rename(to, to))).collect();
    let compared = gone.iter().map(|from| {
        let row = come.iter().map(|to| {
            let (was, is) = (is_join(scene.before.tables.get(from)), is_join(scene.after.tables.get(to)));
            let pairs = paired(scene, around, from, to).filter(|_| was != is)?;
            let mut scale = Scale::by_hand(scene.weights, 0.5);
            let targets: Vec<String> = links(&scene.after, to)
                .into_iter()
                .filter(|(column, _)| pairs.iter().any(|(_, own)| own == column))
                .map(|(_, target)| target.name)
                .collect();
            scale.add(1.5, format!("both link {} by foreign keys", targets.join(" and ")));
            for (old, new) in &pairs {
                scale.line(format!("{old} and {new} reference the same"));
            }
            let likeness = scene.likeness(&from.name, &to.name, &[]);
            scale.add(likeness.score * 2.0, likeness.reason.clone());
            Some(Compare::decision(rename(from, to), scale))
        });
        row.collect()
    });
    settle(scene, compared.collect())
}
