//! Lists of columns as SQL: a side of a plan is one row.

use minijinja::{Value, context};

use super::plan::{Plan, Side};
use crate::sql::quote_identifier;

/// The columns for a template, each with its check's name.
pub(super) fn sides(sides: &[Side], check: impl Fn(usize) -> String) -> Vec<Value> {
    let one = |(at, side): (usize, &Side)| {
        context! {
            name => side.quoted(), type => side.data_type.clone(), default => side.default.clone(), required => side.required,
            check => check(at),
        }
    };
    sides.iter().enumerate().map(one).collect()
}

/// What the trigger says of the row that it sees: each list of columns as one row.
pub(super) fn trigger_context(plan: &Plan) -> Value {
    let row = |sides: &[Side], record: &str| joined(sides, ", ", |side| format!("{record}.{}", side.quoted()));
    let empty =
        |sides: &[Side], record: &str| joined(sides, " AND ", |side| format!("{record}.{} IS NULL", side.quoted()));
    let defaults = |sides: &[Side]| {
        joined(sides, ", ", |side| format!("CAST({} AS {})", side.default.as_deref().unwrap_or("NULL"), side.data_type))
    };
    let value = |side: &Side| of_row(side, plan).unwrap_or_default();
    let values = |sides: &[Side]| joined(sides, ", ", value);
    let (old, new) = (&plan.old[..], &plan.new[..]);
    context! {
        old_in_new => row(old, "NEW"), old_in_old => row(old, "OLD"), old_defaults => defaults(old), old_values => values(old),
        new_in_new => row(new, "NEW"), new_in_old => row(new, "OLD"), new_defaults => defaults(new), new_values => values(new),
        old_empty => empty(old, "NEW"), old_was_given => joined(old, " OR ", |side| format!("OLD.{} IS NOT NULL", side.quoted())),
        new_empty => empty(new, "NEW"), new_was_empty => empty(new, "OLD"),
        carry => assigned(plan.targets(), value), carry_back => assigned(old, value),
        complete => assigned(new, |side| format!("COALESCE(NEW.{}, {})", side.quoted(), value(side))),
    }
}

fn joined(sides: &[Side], between: &str, one: impl Fn(&Side) -> String) -> String {
    sides.iter().map(one).collect::<Vec<_>>().join(between)
}

/// Columns of the row that a trigger sees become what is said, all at once: no expression sees what another one has written.
fn assigned(sides: &[Side], value: impl Fn(&Side) -> String) -> String {
    match sides {
        [one] => format!("NEW.{} := {};", one.quoted(), value(one)),
        _ => {
            let targets = joined(sides, ", ", |side| format!("NEW.{}", side.quoted()));
            format!("SELECT {} INTO {targets};", joined(sides, ", ", value))
        }
    }
}

/// SQL: columns hold what the others say, all of them.
pub(super) fn agree(sides: &[Side]) -> Option<String> {
    if sides.is_empty() {
        return None;
    }
    let values: Vec<String> = sides.iter().map(value).collect::<Option<_>>()?;
    Some(format!("ROW({})::record *= ROW({})::record", joined(sides, ", ", Side::quoted), values.join(", ")))
}

/// A column's value, as SQL about a row.
pub(super) fn value(side: &Side) -> Option<String> {
    Some(cast(side.value.as_deref()?, side))
}

fn cast(expression: &str, to: &Side) -> String {
    format!("CAST({expression} AS {})", to.data_type)
}

/// A column's value, about the row that a trigger sees.
fn of_row(side: &Side, plan: &Plan) -> Option<String> {
    let expression = side.value.as_deref()?;
    Some(match plan.sides().find(|other| expression == other.quoted()) {
        Some(simple) => cast(&format!("NEW.{}", simple.quoted()), side),
        None => format!("(SELECT {} FROM (SELECT NEW.*) AS {})", cast(expression, side), quote_identifier(&plan.table)),
    })
}
