//! A model's many-to-many relation with itself, and what its columns A and B stand for.

use crate::catalog::ObjectName;
use crate::rename::names::alike;
use crate::rename::schema::{Model, Schema};

/// An implicit many-to-many relation of a model with itself: its two fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Relation {
    pub(super) model: String,
    pub(super) fields: [String; 2],
}

impl Relation {
    /// The relation behind a join table.
    pub(super) fn of(schema: &Schema, table: &ObjectName) -> Option<Self> {
        let name = table.name.strip_prefix('_')?;
        schema.models.iter().find_map(|model| {
            let here = model.schema.as_ref().is_none_or(|schema| *schema == table.schema);
            let fields: Vec<String> = lists(model, name).collect();
            let fields: [String; 2] = fields.try_into().ok()?;
            here.then(|| Self { model: model.name.clone(), fields })
        })
    }

    /// Whether a model has such a relation.
    pub(super) fn is_in(model: &Model) -> bool {
        let named = model.fields.iter().filter_map(|field| field.relation_name.as_deref());
        named.into_iter().any(|name| lists(model, name).count() == 2)
    }

    /// The field that A stands for.
    pub(super) fn first(&self) -> &String {
        self.fields.iter().min().unwrap_or(&self.fields[0])
    }
}

/// The fields of a model that are lists of itself under this relation.
fn lists<'a>(model: &'a Model, relation: &'a str) -> impl Iterator<Item = String> + 'a {
    let list = format!("{}[]", model.name);
    let own = model.fields.iter().filter(move |field| field.kind == list);
    own.filter(move |field| field.relation_name.as_deref() == Some(relation)).map(|field| field.name.clone())
}

/// What became of A and B.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Turn {
    /// They stand for the same fields, however these are called.
    Kept,
    /// They have changed places: this field became that one.
    Swapped { from: String, to: String },
    /// Both fields have other names: it is not known which is which.
    Unknown,
}

/// What became of A and B between two states of a relation.
pub(super) fn turn(old: &Relation, new: &Relation) -> Turn {
    let style = |a: &String, b: &String| a == b || alike(a, b).style_only;
    let [a, b] = &old.fields;
    let [c, d] = &new.fields;
    // the first of the old fields is now called so
    let (a_now, b_now) = if style(a, c) || style(b, d) {
        (c, d)
    } else if style(a, d) || style(b, c) {
        (d, c)
    } else {
        return Turn::Unknown;
    };
    if (old.first() == a) == (new.first() == a_now) {
        return Turn::Kept;
    }
    let (from, to) = if a == a_now { (b, b_now) } else { (a, a_now) };
    Turn::Swapped { from: from.clone(), to: to.clone() }
}
