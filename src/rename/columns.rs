//! What speaks for a dropped and an added column being the same one.

use super::around::Around;
use super::exchange::Exchange;
use super::fields::{self, Place};
use super::kind::kind;
use super::links::{self, Targets};
use super::names::Likeness;
use super::profile;
use super::render::data_type;
use super::scene::Scene;
use super::score::Scale;
use super::weights::Sign;
use crate::catalog::Column;
use crate::effects::cast::Cast;
use crate::sql::quote_identifier;

/// A compared pair of columns.
#[derive(Debug)]
pub(crate) struct Compared<'w> {
    pub(crate) scale: Scale<'w>,
    /// Only case and separators of the names differ.
    pub(crate) exact: bool,
    /// Names that differ in style alone and equal definitions, with nothing against it: certain without a rival.
    pub(crate) clear: bool,
    /// The schema's files prove it: the same field with another `@map`, with nothing against it.
    pub(crate) proved: bool,
    /// Whether the new column could hold the old one's values.
    pub(crate) holds: Holds,
}

/// Whether a column could hold the values of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Holds {
    /// It is of the same kind: that is a decision, however unlike the names.
    Kind,
    /// A cast leads to its type, which is of another kind: text that is read as a number, say.
    Cast,
    /// Values would be changed, and why.
    Lossy(String),
    /// They would be keys of another table.
    No,
}

/// Compares a dropped column with an added one; none where their values cannot be the same.
pub(crate) fn compare<'w>(
    scene: &Scene<'w>,
    around: &Around,
    exchange: &Exchange<'_>,
    from: &str,
    to: &str,
) -> Option<Compared<'w>> {
    let pair = &exchange.pair;
    let (old, new) = (exchange.before(from)?, exchange.after(to)?);
    if new.generated.is_some() {
        return None; // its values are computed
    }
    let mut scale = Scale::starting(scene.weights, Sign::ColumnBase);
    let (same_type, mut holds) = types(scene, around, old, new, &mut scale)?;
    let same_shape = shape(old, new, &mut scale);
    let likeness = scene.likeness(from, to, &[&pair.from.name, &pair.to.name]);
    named(&likeness, &mut scale);
    repeated(scene, around, from, to, &mut scale);
    if exchange.divides(from, to) && likeness.score < 0.95 {
        scale.say(Sign::Divided, 1.0, "several names contain this one: split or merged?");
    }
    if from != to && around.moves_away(&pair.to, from) {
        scale.say(Sign::Moved, 1.0, format!("{from} is added to another table: moved there?"));
    }
    if links::compare(scene, around, exchange, (from, to), &mut scale) == Targets::Other {
        holds = Holds::No;
    }
    let field = fields::compare(scene, pair, from, to, &mut scale);
    profile::weigh(scene, exchange, from, to, &mut scale);
    let equal = same_type && same_shape && !scale.is_doubted();
    let renamed = from != to;
    let clear = equal && renamed && likeness.style_only && field != Place::Elsewhere;
    // Prisma recreates it only because its enum has another name
    let follows = !renamed && same_type && old.data_type != new.data_type;
    let proved = follows || (equal && renamed && field == Place::Identity);
    Some(Compared { scale, clear, exact: likeness.style_only, proved, holds })
}

/// Weighs the types. Gives whether they are the same, and whether the new one could hold the values; none where no value
/// could follow.
fn types(
    scene: &Scene<'_>,
    around: &Around,
    old: &Column,
    new: &Column,
    scale: &mut Scale<'_>,
) -> Option<(bool, Holds)> {
    let expected = scene.renamed_type(&around.enums, &old.data_type);
    let shown = (data_type(&old.data_type), data_type(&new.data_type));
    let same_kind = kind(&expected) == kind(&new.data_type);
    let holds = if same_kind { Holds::Kind } else { Holds::Cast };
    match scene.cast(&expected, &new.data_type) {
        Cast::Same => {
            match new.data_type.name.as_str() {
                "boolean" => scale.note(Sign::BooleanType, 1.0),
                "text" | "integer" | "timestamp without time zone" => {}
                _ => scale.note(Sign::RareType, 1.0),
            }
            scale.say(Sign::SameType, 1.0, format!("same type {}", shown.1));
            return Some((true, Holds::Kind));
        }
        Cast::Keeps { .. } => {
            scale.say(Sign::FittingType, 1.0, format!("{} becomes {}, every value fits", shown.0, shown.1));
        }
        Cast::Checked { risk, .. } => {
            scale.say(Sign::CheckedType, 1.0, format!("{} becomes {}: {risk}", shown.0, shown.1));
        }
        Cast::Loses { reason } => {
            scale.say(Sign::LossyType, 1.0, format!("{} becomes {}: {reason}", shown.0, shown.1));
            return Some((false, Holds::Lossy(reason)));
        }
        Cast::None => return None,
    }
    Some((false, holds))
}

/// Whether nullability and default are the same.
pub(super) fn same_shape(old: &Column, new: &Column) -> bool {
    old.not_null == new.not_null && same_default(old, new)
}

fn same_default(old: &Column, new: &Column) -> bool {
    // `ARRAY[]::"Role"[]`: the type's own name follows the type
    let own = |column: &Column| quote_identifier(&column.data_type.name);
    let text = |column: &Column| column.default.as_ref().map(|default| default.text.replace(&own(column), "type"));
    let sequence =
        |text: &Option<String>| text.as_ref().is_some_and(|text| text.to_lowercase().starts_with("nextval("));
    let (a, b) = (text(old), text(new));
    a == b || (sequence(&a) && sequence(&b))
}

/// Weighs nullability and default. Gives whether both are the same.
fn shape(old: &Column, new: &Column, scale: &mut Scale<'_>) -> bool {
    let same_default = same_default(old, new);
    match (old.not_null, new.not_null) {
        (false, true) => scale.say(Sign::BecomesRequired, 1.0, "it becomes required"),
        (true, false) => scale.say(Sign::BecomesOptional, 1.0, "it becomes optional"),
        _ => {}
    }
    if same_default && old.default.is_some() {
        scale.say(Sign::SameDefault, 1.0, "same default");
    } else if !same_default {
        scale.note(Sign::OtherDefault, 1.0);
    }
    same_shape(old, new)
}

fn named(likeness: &Likeness, scale: &mut Scale<'_>) {
    if likeness.opposed {
        scale.say(Sign::OpposedName, 1.0, "the names mean opposite things");
    } else if likeness.score > 0.0 {
        scale.say(Sign::Name, likeness.score, likeness.reason.clone());
    } else {
        scale.note(Sign::StrangeName, 1.0);
    }
    if let Some(word) = &likeness.same_reference {
        scale.say(Sign::SameReference, 1.0, format!("both names refer by {word}"));
    }
    if likeness.other_form {
        scale.say(Sign::OtherForm, 1.0, "only one of the names says key, unit or form");
    }
}

/// The same change of words elsewhere in the migration: `teamId` → `organizationId` in five tables.
fn repeated(scene: &Scene<'_>, around: &Around, from: &str, to: &str, scale: &mut Scale<'_>) {
    let Some(change) = scene.change(from, to) else { return };
    let count = around.changes.get(&change).copied().unwrap_or(0);
    if count < 2 {
        return;
    }
    let line = match (change.0.as_str(), change.1.as_str()) {
        ("", added) => format!("{added} is added to other names too"),
        (gone, "") => format!("{gone} goes from other names too"),
        (gone, come) => format!("{gone} becomes {come} elsewhere too"),
    };
    // twins of a table change alike, whatever the change is: that says more if a part of the names stays
    let part = scene.spelling(from).parts.words.len() > change.0.split_whitespace().count();
    scale.say(if part { Sign::Repeated } else { Sign::RepeatedWhole }, 1.0, line);
}
