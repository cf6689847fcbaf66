//! What speaks for a dropped and an added column being the same one.

use std::collections::{BTreeMap, BTreeSet};

use super::cast::{self, Cast};
use super::names::{Likeness, change};
use super::render::data_type;
use super::scene::{Pair, Scene, memberships, target};
use super::schema::{Field, Model};
use super::score::Scale;
use crate::catalog::{Column, ObjectName, Table};

/// What is known of the whole migration while single columns are compared.
#[derive(Debug, Default)]
pub(crate) struct Around {
    /// Tables taken to be renamed.
    pub(crate) tables: BTreeMap<ObjectName, ObjectName>,
    /// Enums taken to be renamed.
    pub(crate) enums: BTreeMap<ObjectName, ObjectName>,
    /// How many objects of the migration a change of words fits (`team` to `organization`, `plaid` added).
    pub(crate) changes: BTreeMap<(String, String), usize>,
}

/// A compared pair of columns.
#[derive(Debug)]
pub(crate) struct Compared {
    pub(crate) scale: Scale,
    /// Only case and separators of the names differ.
    pub(crate) exact: bool,
    /// Names and definitions leave practically no doubt, if there is no rival.
    pub(crate) clear: bool,
    /// The schema's files prove it: the same field with another `@map`.
    pub(crate) proved: bool,
}

/// Compares a dropped column with an added one; none where their values cannot be the same.
pub(crate) fn compare(
    scene: &Scene<'_>,
    around: &Around,
    (pair, divided): (&Pair, &Divided),
    from: &str,
    to: &str,
) -> Option<Compared> {
    let (old_table, new_table) = (scene.before.tables.get(&pair.from)?, scene.after.tables.get(&pair.to)?);
    let (old, new) = (old_table.columns.get(from)?, new_table.columns.get(to)?);
    if new.generated.is_some() {
        return None; // its values are computed
    }
    let mut scale = Scale::starting(-3.0);
    let same_type = types(scene, around, old, new, &mut scale)?;
    let same_shape = shape(old, new, &mut scale);
    let likeness = scene.likeness(from, to, &[&pair.from.name, &pair.to.name]);
    named(&likeness, &mut scale);
    let exchanged = repeated(around, from, to, &mut scale);
    if divided.concerns(from, to) && likeness.score < 0.95 {
        scale.add(-1.5, "several names contain this one: split or merged?");
    }
    let keys = relations(scene, around, (old_table, from), (new_table, to), &mut scale);
    let field = fields(scene, pair, from, to, &mut scale);
    if let Some(count) = scene.values.get(&(pair.from.name.clone(), from.to_owned())) {
        scale.add(0.0, format!("{from} holds {count} values"));
    }
    let strong_name = likeness.style_only || (exchanged && keys);
    let clear = same_type
        && same_shape
        && !likeness.opposed
        && field != Place::Elsewhere
        && (strong_name || (field == Place::Same && likeness.score >= 0.7));
    Some(Compared { scale, clear, exact: likeness.style_only, proved: field == Place::Identity && same_type })
}

/// Weighs the types. Gives whether they are the same; none where no value could follow.
fn types(scene: &Scene<'_>, around: &Around, old: &Column, new: &Column, scale: &mut Scale) -> Option<bool> {
    let mut expected = old.data_type.clone();
    let name = ObjectName {
        schema: expected.schema.clone().unwrap_or_else(|| scene.before.default_schema.clone()),
        name: expected.name.clone(),
    };
    if let Some(renamed) = around.enums.get(&name) {
        expected.name = renamed.name.clone();
        expected.schema = new.data_type.schema.clone();
    }
    let shown = (data_type(&old.data_type), data_type(&new.data_type));
    match cast::cast(&scene.after, &expected, &new.data_type, "c") {
        Cast::Same => {
            let common = match new.data_type.name.as_str() {
                "boolean" => -0.3,
                "text" | "integer" | "timestamp without time zone" => 0.0,
                _ => 0.3,
            };
            scale.add(1.5 + common, format!("same type {}", shown.1));
            return Some(true);
        }
        Cast::Keeps { .. } => scale.add(-0.3, format!("{} becomes {}, every value fits", shown.0, shown.1)),
        Cast::Checked { risk, .. } => scale.add(-1.6, format!("{} becomes {}: {risk}", shown.0, shown.1)),
        Cast::Loses { reason } => scale.add(-2.0, format!("{} becomes {}: {reason}", shown.0, shown.1)),
        Cast::None => return None,
    }
    Some(false)
}

/// Weighs nullability and default. Gives whether both are the same.
fn shape(old: &Column, new: &Column, scale: &mut Scale) -> bool {
    let default = |column: &Column| column.default.as_ref().map(|default| default.text.clone());
    let sequence =
        |text: &Option<String>| text.as_ref().is_some_and(|text| text.to_lowercase().starts_with("nextval("));
    let (a, b) = (default(old), default(new));
    let same_default = a == b || (sequence(&a) && sequence(&b));
    match (old.not_null, new.not_null) {
        (a, b) if a == b => scale.weigh(0.3),
        (false, true) => scale.add(-0.7, "it becomes required"),
        _ => scale.add(-0.3, "it becomes optional"),
    }
    if same_default && a.is_some() {
        scale.add(0.6, "same default");
    } else if !same_default {
        scale.weigh(-0.6);
    }
    same_default && old.not_null == new.not_null
}

fn named(likeness: &Likeness, scale: &mut Scale) {
    if likeness.opposed {
        scale.add(-3.0, "the names mean opposite things");
    } else {
        scale.add(likeness.score * 4.0 - 0.9, likeness.reason.clone());
    }
    if likeness.other_form {
        scale.add(-1.0, "only one of the names says key, unit or form");
    }
}

/// The same change of words elsewhere in the migration: `teamId` → `organizationId` in five tables.
fn repeated(around: &Around, from: &str, to: &str, scale: &mut Scale) -> bool {
    let Some(change) = change(from, to) else { return false };
    let count = around.changes.get(&change).copied().unwrap_or(0);
    if count < 2 {
        return false;
    }
    let line = match (change.0.as_str(), change.1.as_str()) {
        ("", added) => format!("{added} is added to other names too"),
        (gone, "") => format!("{gone} goes from other names too"),
        (gone, come) => format!("{gone} becomes {come} elsewhere too"),
    };
    scale.add(1.2, line);
    true
}

/// Names that live on in several others: one dropped column was split, or several were merged into an added one, and no
/// rename keeps that.
#[derive(Debug, Default)]
pub(crate) struct Divided {
    split: BTreeSet<String>,
    merged: BTreeSet<String>,
}

impl Divided {
    pub(crate) fn new(scene: &Scene<'_>, pair: &Pair) -> Self {
        let (gone, come) = scene.columns(pair);
        let several = |one: &&String, many: &[String]| {
            let parts = many.iter().filter(|other| other != one).filter(|other| {
                let found = scene.likeness(one, other, &[]);
                found.contained && found.score < 0.95
            });
            parts.count() > 1
        };
        Self {
            split: gone.iter().filter(|from| several(from, &come)).cloned().collect(),
            merged: come.iter().filter(|to| several(to, &gone)).cloned().collect(),
        }
    }

    fn concerns(&self, from: &str, to: &str) -> bool {
        self.split.contains(from) || self.merged.contains(to)
    }
}

/// Weighs foreign keys, keys and indexes. Gives whether both reference the same table.
fn relations(
    scene: &Scene<'_>,
    around: &Around,
    (old_table, from): (&Table, &str),
    (new_table, to): (&Table, &str),
    scale: &mut Scale,
) -> bool {
    let mut same_target = false;
    match (target(scene.before, old_table, from), target(&scene.after, new_table, to)) {
        (Some(old), Some(new)) => {
            let expected = around.tables.get(&old).unwrap_or(&old);
            if *expected == new {
                same_target = true;
                scale.add(1.2, format!("both reference {}", new.name));
            } else {
                scale.add(-3.0, format!("{from} references {}, {to} references {}", old.name, new.name));
            }
        }
        (Some(_), None) | (None, Some(_)) => scale.add(-1.5, "only one of them is a foreign key"),
        (None, None) => {}
    }
    let (old, new) = (memberships(old_table, from), memberships(new_table, to));
    for (kind, word, weight) in [(0, "the primary key", 1.0), (1, "a unique index", 0.8), (2, "an index", 0.5)] {
        match (old[kind], new[kind]) {
            (0, 0) => {}
            (0, _) | (_, 0) => scale.weigh(-0.5),
            _ => scale.add(weight, format!("both stand in {word}")),
        }
    }
    same_target
}

/// What the schema's files say about two columns' fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nothing is known, or nothing follows.
    Unknown,
    /// The same field; only `@map` changed.
    Identity,
    /// The new field stands exactly where the old one stood, alone.
    Same,
    /// The fields live on under other columns.
    Elsewhere,
}

fn fields(scene: &Scene<'_>, pair: &Pair, from: &str, to: &str, scale: &mut Scale) -> Place {
    let (Some(old_model), Some(new_model)) = scene.models(pair) else { return Place::Unknown };
    let (Some(old), Some(new)) = scene.fields(pair, from, to) else { return Place::Unknown };
    if old.name == new.name {
        scale.add(6.0, format!("the field {} stayed, only its @map changed", old.name));
        return Place::Identity;
    }
    if new_model.field(&old.name).is_some_and(|field| !field.relation) {
        scale.add(-4.0, format!("the field {} lives on under another column", old.name));
        return Place::Elsewhere;
    }
    if old_model.field(&new.name).is_some_and(|field| !field.relation) {
        scale.add(-4.0, format!("the field {} was there before", new.name));
        return Place::Elsewhere;
    }
    if !old.attributes.is_empty() && old.attributes == new.attributes {
        scale.add(0.6, format!("same attributes {}", old.attributes));
    }
    if !old.comment.is_empty() && old.comment == new.comment {
        scale.add(1.0, "same comment in the schema");
    }
    let relation =
        |model: &Model, field: &Field| model.relation_through(&field.name).map(|relation| relation.name.clone());
    if let (Some(a), Some(b)) = (relation(old_model, old), relation(new_model, new))
        && a == b
    {
        scale.add(2.5, format!("the relation {a} goes through both"));
    }
    place(old_model, new_model, old, new, scale)
}

/// Compares the places of two fields among those that stayed.
fn place(old_model: &Model, new_model: &Model, old: &Field, new: &Field, scale: &mut Scale) -> Place {
    let gap = |model: &Model, other: &Model, field: &Field| -> (Option<String>, Option<String>, usize, usize) {
        let at = model.fields.iter().position(|candidate| candidate.name == field.name).unwrap_or(0);
        let stayed = |field: &&Field| other.field(&field.name).is_some();
        let (above, below) = (&model.fields[..at], &model.fields[at + 1..]);
        let head = above.iter().rev().take_while(|field| !stayed(field)).filter(|field| !field.relation).count();
        let tail = below.iter().take_while(|field| !stayed(field)).filter(|field| !field.relation).count();
        let before = above.iter().rev().find(stayed).map(|field| field.name.clone());
        let after = below.iter().find(stayed).map(|field| field.name.clone());
        (before, after, head, tail)
    };
    let (a, b) = (gap(old_model, new_model, old), gap(new_model, old_model, new));
    if a.0 == b.0 && a.1 == b.1 {
        if (a.2, a.3) == (b.2, b.3) {
            scale.add(2.0, format!("{} stands where {} stood in the schema", new.name, old.name));
            return if (a.2, a.3) == (0, 0) { Place::Same } else { Place::Unknown };
        }
        scale.add(0.5, format!("{} stands near where {} stood in the schema", new.name, old.name));
    } else {
        scale.weigh(-0.8);
    }
    Place::Unknown
}
