//! What the schema's files, at git HEAD and now, say about two columns' fields.

use super::scene::{Pair, Scene};
use super::schema::{Field, Model};
use super::score::Scale;
use super::weights::Sign;

/// What follows for two fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nothing is known, or nothing follows.
    Unknown,
    /// The same field; only `@map` changed.
    Identity,
    /// The new field stands exactly where the old one stood, alone.
    Same,
    /// The fields live on under other columns.
    Elsewhere,
}

/// Weighs what the schema's two states say.
pub(crate) fn compare(scene: &Scene<'_>, pair: &Pair, from: &str, to: &str, scale: &mut Scale<'_>) -> Place {
    let (Some(old_model), Some(new_model)) = scene.models(pair) else { return Place::Unknown };
    let (Some(old), Some(new)) = scene.fields(pair, from, to) else { return Place::Unknown };
    if old.name == new.name {
        scale.say(Sign::SameField, 1.0, format!("the field {} stayed, only its @map changed", old.name));
        return Place::Identity;
    }
    if new_model.field(&old.name).is_some_and(|field| !field.relation) {
        scale.say(Sign::OtherField, 1.0, format!("the field {} lives on under another column", old.name));
        return Place::Elsewhere;
    }
    if old_model.field(&new.name).is_some_and(|field| !field.relation) {
        scale.say(Sign::OtherField, 1.0, format!("the field {} was there before", new.name));
        return Place::Elsewhere;
    }
    if !old.attributes.is_empty() && old.attributes == new.attributes {
        scale.say(Sign::SameAttributes, 1.0, format!("same attributes {}", old.attributes));
    }
    if !old.comment.is_empty() && old.comment == new.comment {
        scale.say(Sign::SameComment, 1.0, "same comment in the schema");
    }
    let relation =
        |model: &Model, field: &Field| model.relation_through(&field.name).map(|relation| relation.name.clone());
    if let (Some(a), Some(b)) = (relation(old_model, old), relation(new_model, new))
        && a == b
    {
        scale.say(Sign::SameRelation, 1.0, format!("the relation {a} goes through both"));
    }
    place(old_model, new_model, old, new, scale)
}

/// Compares the places of two fields among those that stayed.
fn place(old_model: &Model, new_model: &Model, old: &Field, new: &Field, scale: &mut Scale<'_>) -> Place {
    let (a, b) = (Gap::around(old_model, new_model, old), Gap::around(new_model, old_model, new));
    if a.between != b.between {
        scale.note(Sign::OtherPlace, 1.0);
        return Place::Unknown;
    }
    if a.beside != b.beside {
        scale.say(Sign::NearPlace, 1.0, format!("{} stands near where {} stood in the schema", new.name, old.name));
        return Place::Unknown;
    }
    scale.say(Sign::SamePlace, 1.0, format!("{} stands where {} stood in the schema", new.name, old.name));
    if a.beside == (0, 0) { Place::Same } else { Place::Unknown }
}

/// Where a field stands: between which fields that stayed, and with how many others that did not.
struct Gap {
    between: (Option<String>, Option<String>),
    beside: (usize, usize),
}

impl Gap {
    fn around(model: &Model, other: &Model, field: &Field) -> Self {
        let at = model.fields.iter().position(|candidate| candidate.name == field.name).unwrap_or(0);
        let stayed = |field: &&Field| other.field(&field.name).is_some();
        let (above, below) = (&model.fields[..at], &model.fields[(at + 1).min(model.fields.len())..]);
        let head = above.iter().rev().take_while(|field| !stayed(field)).filter(|field| !field.relation).count();
        let tail = below.iter().take_while(|field| !stayed(field)).filter(|field| !field.relation).count();
        let before = above.iter().rev().find(stayed).map(|field| field.name.clone());
        let after = below.iter().find(stayed).map(|field| field.name.clone());
        Self { between: (before, after), beside: (head, tail) }
    }
}
