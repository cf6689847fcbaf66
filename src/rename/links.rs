//! What foreign keys, keys and indexes say about two columns.

use super::around::Around;
use super::exchange::Exchange;
use super::scene::{Scene, memberships, target};
use super::score::Scale;
use super::weights::Sign;
use crate::catalog::{Index, Table};
use crate::sql::ConstraintKind;

/// What two columns' foreign keys say of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Targets {
    /// Both lead to the same table.
    Same,
    /// They lead to different tables: the values are keys of different things.
    Other,
    /// At least one of them is not a foreign key.
    None,
}

/// Weighs foreign keys, keys and indexes. Gives what the foreign keys say.
pub(crate) fn compare(
    scene: &Scene<'_>,
    around: &Around,
    exchange: &Exchange<'_>,
    (from, to): (&str, &str),
    scale: &mut Scale<'_>,
) -> Targets {
    let mut targets = Targets::None;
    match (target(scene.before, exchange.old, from), target(&scene.after, exchange.new, to)) {
        (Some(old), Some(new)) => {
            let expected = around.tables.get(&old).unwrap_or(&old);
            if *expected == new {
                targets = Targets::Same;
                scale.say(Sign::SameTarget, 1.0, format!("both reference {}", new.name));
            } else {
                targets = Targets::Other;
                scale.say(
                    Sign::OtherTarget,
                    1.0,
                    format!("{from} references {}, {to} references {}", old.name, new.name),
                );
            }
        }
        (Some(_), None) | (None, Some(_)) => scale.say(Sign::OneKey, 1.0, "only one of them is a foreign key"),
        (None, None) => {}
    }
    let (old, new) = (memberships(exchange.old, from), memberships(exchange.new, to));
    let kinds =
        [(Sign::BothPrimary, "the primary key"), (Sign::BothUnique, "a unique index"), (Sign::BothIndexed, "an index")];
    for (kind, (sign, word)) in kinds.into_iter().enumerate() {
        match (old[kind], new[kind]) {
            (0, 0) => {}
            (0, _) | (_, 0) => scale.note(Sign::OneIndexed, 1.0),
            _ => scale.say(sign, 1.0, format!("both stand in {word}")),
        }
    }
    if is_unique(exchange.old, from) && is_unique(exchange.new, to) {
        scale.say(Sign::UniqueAlone, 1.0, "each is unique by itself");
    }
    if let Some(columns) = shared_index(exchange, from, to) {
        scale.say(Sign::SameIndex, 1.0, format!("an index on both, with {}", columns.join(", ")));
    }
    targets
}

/// Whether a key or a whole unique index is over this column alone.
fn is_unique(table: &Table, column: &str) -> bool {
    let keys = table.constraints.values().any(|constraint| match &constraint.kind {
        ConstraintKind::PrimaryKey { columns, .. } | ConstraintKind::Unique { columns, .. } => *columns == [column],
        _ => false,
    });
    let alone = |index: &Index| matches!(index.keys.as_slice(), [key] if key.column.as_deref() == Some(column));
    keys || table.indexes.values().any(|index| index.unique && index.predicate.is_none() && alone(index))
}

/// The other columns of an index or key that was dropped and created alike, but for these two columns.
fn shared_index(exchange: &Exchange<'_>, from: &str, to: &str) -> Option<Vec<String>> {
    exchange.old_keys.iter().find_map(|(unique, columns)| {
        let put: Vec<String> =
            columns.iter().map(|name| if name == from { to.to_owned() } else { name.clone() }).collect();
        let others = columns.iter().filter(|name| *name != from);
        let found =
            columns.len() > 1 && columns.iter().any(|name| name == from) && exchange.new_keys.contains(&(*unique, put));
        found.then(|| others.cloned().collect())
    })
}
