//! What speaks for a dropped and a created table being the same one.

use super::around::Around;
use super::candidate::Rename;
use super::cast::{self, Cast};
use super::given::Given;
use super::scene::{Pair, Scene};
use super::score::Scale;
use super::settle::Compare;
use super::weights::Sign;
use crate::catalog::{Column, ObjectName, Table};
use crate::sql::ConstraintKind;

/// Every pair of a dropped and a created table; those of implicit many-to-many relations follow their models and are left
/// out.
pub(crate) fn compared<'w>(scene: &Scene<'w>, given: &Given, around: &Around) -> super::settle::Table<'w> {
    let (gone, come) = scene.tables();
    let rename = |from: &ObjectName, to: &ObjectName| Rename::Table { from: from.clone(), to: to.clone(), join: false };
    let gone: Vec<_> = gone
        .into_iter()
        .filter(|from| !is_join(scene.before.tables.get(*from)) && !given.settles(&rename(from, from)))
        .collect();
    let come: Vec<_> =
        come.into_iter().filter(|to| !is_join(scene.after.tables.get(*to)) && !given.takes(&rename(to, to))).collect();
    let compared = gone.iter().map(|from| {
        let row = come.iter().map(|to| {
            let mut compare = compare(scene, around, from, to)?;
            if gone.len() == 1 && come.len() == 1 {
                compare.scale.say(Sign::OnlyTables, 1.0, "the only dropped and the only created table");
            }
            Some(compare)
        });
        row.collect()
    });
    compared.collect()
}

/// Whether a table is shaped like Prisma's for an implicit many-to-many relation: columns A and B, each a foreign key.
pub(crate) fn is_join(table: Option<&Table>) -> bool {
    table.is_some_and(|table| {
        let keys = table
            .constraints
            .values()
            .filter(|constraint| matches!(constraint.kind, ConstraintKind::ForeignKey { .. }));
        table.columns.keys().map(String::as_str).eq(["A", "B"]) && keys.count() == 2
    })
}

fn compare<'w>(scene: &Scene<'w>, around: &Around, from: &ObjectName, to: &ObjectName) -> Option<Compare<'w>> {
    let (old, new) = (scene.before.tables.get(from)?, scene.after.tables.get(to)?);
    let mut scale = Scale::starting(scene.weights, Sign::TableBase);
    let overlap = columns(scene, around, (from, old), (to, new), &mut scale);
    let likeness = scene.likeness(&from.name, &to.name, &[]);
    let moved = from.name == to.name;
    if moved {
        scale.say(Sign::SameTableName, 1.0, format!("the same name in schema {}", to.schema));
    } else if likeness.opposed {
        scale.say(Sign::OpposedTableName, 1.0, "the names mean opposite things");
    } else {
        scale.say(Sign::TableName, likeness.score, likeness.reason.clone());
    }
    let followers = followers(scene, from, to);
    if followers > 0 {
        scale.say(Sign::Followers, 1.0, format!("{followers} foreign keys to {} now lead to {}", from.name, to.name));
    }
    if let Some(count) = scene.counted.rows.get(&from.name) {
        scale.line(format!("{} holds {count} rows", from.name));
    }
    let pair = Pair { from: from.clone(), to: to.clone() };
    let mut proved = false;
    let mut lives_on = false;
    if let (Some(a), Some(b)) = scene.models(&pair) {
        if a.name == b.name {
            scale.say(Sign::SameModel, 1.0, format!("the model {} stayed, only its table's name changed", a.name));
            proved = overlap >= 0.5;
        } else if scene.work.model(&a.name).is_some() || scene.head.model(&b.name).is_some() {
            scale.say(Sign::OtherModel, 1.0, format!("the models {} and {} are two", a.name, b.name));
            lives_on = true;
        }
    }
    let clear =
        !lives_on && overlap >= 0.999 && (moved || likeness.style_only || (followers > 0 && likeness.score >= 0.7));
    Some(Compare {
        rename: Rename::Table { from: from.clone(), to: to.clone(), join: false },
        scale,
        clear,
        exact: likeness.style_only,
        proved,
        stays: false,
        quiet: false,
    })
}

/// Weighs how many columns both tables share, by name and type. Gives the share, 0 to 1.
fn columns(
    scene: &Scene<'_>,
    around: &Around,
    (from, old): (&ObjectName, &Table),
    (to, new): (&ObjectName, &Table),
    scale: &mut Scale<'_>,
) -> f64 {
    let mut same = 0.0;
    let mut telling = 0.0;
    for (name, column) in &old.columns {
        let likely = |other: &String| scene.likeness(name, other, &[&from.name, &to.name]).score * 0.8;
        let worth = |counterpart: &Column| match cast::cast(
            &scene.after,
            &scene.renamed_type(&around.enums, &column.data_type),
            &counterpart.data_type,
            "c",
        ) {
            Cast::Same => 1.0,
            Cast::None | Cast::Loses { .. } => 0.2,
            Cast::Keeps { .. } | Cast::Checked { .. } => 0.6,
        };
        let best = match new.columns.get(name) {
            Some(counterpart) => worth(counterpart),
            None => {
                let free = new.columns.iter().filter(|(other, _)| !old.columns.contains_key(*other));
                let scores =
                    free.map(|(other, counterpart)| (likely(other), counterpart)).filter(|(name, _)| *name >= 0.4);
                scores.map(|(name, counterpart)| name * worth(counterpart)).fold(0.0, f64::max)
            }
        };
        same += best;
        if !COMMON.contains(&name.as_str()) {
            telling += best;
        }
    }
    let size = old.columns.len() + new.columns.len();
    let share = if size == 0 { 0.0 } else { 2.0 * same / f64::from(u32::try_from(size).unwrap_or(u32::MAX)) };
    let own = old.columns.keys().filter(|name| !COMMON.contains(&name.as_str())).count();
    // columns that nearly every table has say nothing
    if own > 0 {
        scale.note(Sign::TellingColumns, telling.min(4.0) / 4.0);
    }
    let all = old.columns.len();
    let equal = old.columns.keys().filter(|name| new.columns.contains_key(*name)).count();
    let line = if equal == all && new.columns.len() == all {
        format!("the same {all} columns")
    } else {
        format!("{equal} of {all} columns have the same name")
    };
    scale.say(Sign::SharedColumns, share - 0.5, line);
    share
}

/// Columns that nearly every table has.
const COMMON: &[&str] =
    &["id", "uuid", "createdAt", "updatedAt", "created_at", "updated_at", "deletedAt", "deleted_at", "name"];

/// Foreign keys of other tables that referenced the old table and, on the same columns, reference the new one.
fn followers(scene: &Scene<'_>, from: &ObjectName, to: &ObjectName) -> usize {
    scene
        .kept_tables()
        .filter(|pair| {
            let (Some(old), Some(new)) = (scene.before.tables.get(&pair.from), scene.after.tables.get(&pair.to)) else {
                return false;
            };
            old.constraints.values().any(|a| match &a.kind {
                ConstraintKind::ForeignKey { columns, table, .. } if scene.before.resolve(table) == *from => {
                    new.constraints.values().any(|b| match &b.kind {
                        ConstraintKind::ForeignKey { columns: others, table, .. } => {
                            let same = others == columns || follow(scene, pair, columns, others);
                            same && scene.after.resolve(table) == *to
                        }
                        _ => false,
                    })
                }
                _ => false,
            })
        })
        .count()
}

/// Whether a foreign key's columns may have been renamed together with the table it leads to.
fn follow(scene: &Scene<'_>, pair: &Pair, old: &[String], new: &[String]) -> bool {
    let (gone, come) = scene.columns(pair);
    old.len() == new.len()
        && old.iter().zip(new).all(|(from, to)| {
            from == to || (gone.contains(from) && come.contains(to) && scene.same_type(pair, from, to))
        })
}
