//! What speaks for a dropped and a created enum, or a removed and an added value, being the same one.

use super::around::Around;
use super::candidate::{Candidate, Rename};
use super::given::Given;
use super::scene::Scene;
use super::score::Scale;
use super::settle::{Compare, settle};
use crate::catalog::{Column, ObjectName};

/// Candidates for renamed enum types.
pub(crate) fn types(scene: &Scene<'_>, given: &Given) -> Vec<Candidate> {
    let rename = |from: &ObjectName, to: &ObjectName| Rename::Enum { from: from.clone(), to: to.clone() };
    let (gone, come) = scene.enums();
    let gone = gone.into_iter().filter(|name| !given.settles(&rename(name, name)));
    let unknown = Vec::new();
    let gone = gone.map(|name| (name, scene.before.enums.get(name).unwrap_or(&unknown)));
    let come = come.into_iter().filter(|name| !given.takes(&rename(name, name)));
    let come: Vec<_> = come.filter_map(|name| scene.after.enums.get_key_value(name)).collect();
    let compared = gone.map(|(from, old)| {
        let row = come.iter().map(|(to, new)| {
            // the same value in Prisma may be another label now
            let relabelled = scene.relabelled_in(from, to);
            let lives = |value: &&String| new.contains(value) || relabelled.iter().any(|(label, _)| label == *value);
            let shared = old.iter().filter(lives).count();
            let mut scale = Scale::by_hand(scene.weights, -2.5);
            let same = old == *new;
            let share = count(2 * shared) / count((old.len() + new.len()).max(1));
            if old.is_empty() {
                scale.add(-1.0, format!("the values of {} are not known", from.name));
            } else if same {
                scale.add((share - 0.4) * 5.0, format!("the same values {}", new.join(", ")));
            } else {
                scale.add((share - 0.4) * 5.0, format!("{shared} of {} values are the same", old.len()));
            }
            let likeness = scene.likeness(&from.name, &to.name, &[]);
            let moved = from.name == to.name;
            scale.add(if moved { 3.0 } else { likeness.score * 3.0 - 0.3 }, likeness.reason.clone());
            let followers = followers(scene, from, to);
            if followers > 0 {
                scale.add(2.5, format!("{followers} columns go from {} to {}", from.name, to.name));
            }
            let mapped = scene.head.enums.iter().any(|a| {
                a.database == from.name && scene.work.enums.iter().any(|b| b.database == to.name && a.name == b.name)
            });
            if mapped && !moved {
                scale.add(4.0, "the enum stayed, only its @@map changed");
            }
            let clear = same && (moved || likeness.style_only);
            Some(Compare {
                rename: rename(from, to),
                scale,
                clear,
                exact: likeness.style_only,
                proved: mapped && share > 0.5 && !likeness.opposed && !likeness.other_form,
                stays: false,
                quiet: false,
                asked: shared > 0 || followers > 0,
                lossy: None,
            })
        });
        row.collect()
    });
    settle(scene, compared.collect())
}

/// Columns that had the old type and have the new one.
fn followers(scene: &Scene<'_>, from: &ObjectName, to: &ObjectName) -> usize {
    let is = |of: &crate::sql::DataType, name: &ObjectName| {
        of.name == name.name && *of.schema.as_ref().unwrap_or(&scene.before.default_schema) == name.schema
    };
    let (_, created) = scene.tables();
    let becomes = |table: &ObjectName, column: &String| {
        let mut targets = std::iter::once(table).chain(created.iter().copied());
        targets.any(|target| {
            let after = scene.after.tables.get(target).and_then(|table| table.columns.get(column));
            after.is_some_and(|after| is(&after.data_type, to))
        })
    };
    let columns = scene.before.tables.iter().flat_map(|(table, of)| of.columns.iter().map(move |own| (table, own)));
    columns.filter(|(table, (name, column))| is(&column.data_type, from) && becomes(table, name)).count()
}

/// Candidates for renamed values, in enums that stay or are taken to be renamed.
pub(crate) fn values(scene: &Scene<'_>, given: &Given, around: &Around) -> Vec<Candidate> {
    let mut found = Vec::new();
    for (name, old) in &scene.before.enums {
        let Some(new) = scene.after.enums.get(around.enums.get(name).unwrap_or(name)) else { continue };
        let rename =
            |from: &String, to: &String| Rename::EnumValue { of: name.clone(), from: from.clone(), to: to.clone() };
        let untouched = |value: &String| !scene.pool.renamed_values.contains(&(name.clone(), value.clone()));
        let defaults = defaults(scene, name, around);
        let gone: Vec<_> = old
            .iter()
            .enumerate()
            .filter(|(_, value)| !new.contains(value) && untouched(value) && !given.settles(&rename(value, value)))
            .collect();
        let come: Vec<_> = new
            .iter()
            .enumerate()
            .filter(|(_, value)| !old.contains(value) && untouched(value) && !given.takes(&rename(value, value)))
            .collect();
        let compared = gone.iter().map(|(i, from)| {
            let row = come.iter().map(|(j, to)| {
                let mut scale = Scale::by_hand(scene.weights, -1.2);
                let likeness = scene.likeness(from, to, &[]);
                if likeness.opposed {
                    scale.add(-2.0, "the values mean opposite things");
                } else {
                    scale.add(likeness.score * 3.5 - 0.4, likeness.reason.clone());
                }
                let stayed = |values: &[String], at: usize, others: &[String]| {
                    let before = values[..at].iter().rev().find(|value| others.contains(value)).cloned();
                    (before, values[at + 1..].iter().find(|value| others.contains(value)).cloned())
                };
                if stayed(old, *i, new) == stayed(new, *j, old) {
                    scale.add(1.0, format!("{to} stands where {from} stood"));
                }
                if old.len() == new.len() && i == j {
                    scale.weigh(0.4);
                }
                if defaults.contains(&(from.as_str(), to.as_str())) {
                    scale.add(1.5, format!("a default went from {from} to {to}"));
                }
                if gone.len() == 1 && come.len() == 1 {
                    scale.add(0.8, "the only removed and the only added value");
                }
                let mapped = mapped(scene, name, around.enums.get(name).unwrap_or(name), from, to);
                if mapped {
                    scale.add(5.0, "the value stayed, only its @map changed");
                }
                Some(Compare {
                    rename: rename(from, to),
                    scale,
                    clear: likeness.style_only,
                    exact: likeness.style_only,
                    proved: mapped && !likeness.opposed && !likeness.other_form,
                    stays: false,
                    quiet: false,
                    asked: true,
                    lossy: None,
                })
            });
            row.collect()
        });
        found.extend(settle(scene, compared.collect()));
    }
    found
}

/// What the defaults of an enum's columns were and are.
fn defaults<'s>(scene: &'s Scene<'_>, of: &ObjectName, around: &Around) -> Vec<(&'s str, &'s str)> {
    let value = |column: &'s Column| column.default.as_ref().and_then(|default| default.text.split('\'').nth(1));
    let tables =
        scene.before.tables.iter().filter_map(|(name, table)| {
            Some((table, scene.after.tables.get(around.tables.get(name).unwrap_or(name))?))
        });
    let columns = tables
        .flat_map(|(old, new)| old.columns.iter().filter_map(|(name, column)| Some((column, new.columns.get(name)?))));
    let of_enum = columns.filter(|(column, _)| scene.before.type_name(&column.data_type) == *of);
    of_enum.filter_map(|(old, new)| Some((value(old)?, value(new)?))).collect()
}

/// Whether the schema's value is the same and only its name in the database changed.
fn mapped(scene: &Scene<'_>, before: &ObjectName, after: &ObjectName, from: &str, to: &str) -> bool {
    let value = |schema: &super::schema::Schema, name: &ObjectName, value: &str| {
        let found = schema.enums.iter().find(|of| of.database == name.name)?;
        found.values.iter().find(|(_, database)| database == value).map(|(name, _)| name.clone())
    };
    let old = value(&scene.head, before, from);
    old.is_some() && old == value(&scene.work, after, to)
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
