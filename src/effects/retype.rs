//! What a change of a column's type does to its values: nothing, a rewrite of the table, or a loss.
//!
//! Measured on PostgreSQL 15 by comparing relfilenodes: `varchar` to a wider `varchar` or to `text`, and `numeric` to a
//! wider precision at the same scale, leave the table as it is; a change of scale and `integer` to `bigint` rewrite it.

use super::using::{Form, form};
use crate::sql::{DataType, Expr};

/// A change that some values may not survive: `from` and `to` are built-in types, so that the target can be asked which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// The type before.
    pub from: DataType,
    /// The type after.
    pub to: DataType,
}

/// What a change of type does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retype {
    /// Only the catalog changes.
    Instant,
    /// Every row is written again, no value is lost.
    Rewrites,
    /// Values that do not fit make the statement fail.
    Refuses,
    /// Values that do not fit are cut or rounded without a word.
    Alters,
    /// The types are not built in, or `USING` computes the value.
    Unknown,
}

/// Judges a change of type; enums are judged elsewhere.
pub fn judge(from: &DataType, to: &DataType, using: Option<&Expr>, column: &str) -> Retype {
    let casts = match using.map(|using| form(&using.text, column)) {
        None => false,
        Some(Form::Casts(_)) => true,
        Some(Form::Zone(_)) if is_time(from) && is_time(to) => true,
        Some(_) => return Retype::Unknown,
    };
    if from.array != to.array {
        return Retype::Unknown;
    }
    let verdict = between(from, to);
    // an explicit cast to varchar(n) cuts where an assignment refuses
    if verdict == Retype::Refuses && casts && is_text(to) && is_text(from) { Retype::Alters } else { verdict }
}

/// Whether both types are PostgreSQL's own, so that the change can be tried on the data.
pub fn built_in(data_type: &DataType) -> bool {
    let known = rank(data_type).is_some()
        || is_text(data_type) && data_type.name != "citext"
        || is_time(data_type)
        || matches!(data_type.name.as_str(), "boolean" | "uuid" | "json" | "jsonb" | "bytea" | "inet" | "cidr");
    known && data_type.schema.as_deref().is_none_or(|schema| schema == "pg_catalog")
}

/// Whether it is a number.
pub fn is_number(data_type: &DataType) -> bool {
    rank(data_type).is_some()
}

pub(super) fn between(from: &DataType, to: &DataType) -> Retype {
    if from == to {
        return Retype::Instant;
    }
    if is_text(to) {
        return into_text(from, to);
    }
    if let (Some(from_rank), Some(to_rank)) = (rank(from), rank(to)) {
        return between_numbers(from, from_rank, to, to_rank);
    }
    if is_time(from) && is_time(to) {
        return between_times(from, to);
    }
    match (from.name.as_str(), to.name.as_str()) {
        ("json", "jsonb") | ("jsonb", "json") => Retype::Rewrites,
        ("boolean", "integer") => Retype::Rewrites,
        // every number but 0 is true
        (_, "boolean") if rank(from).is_some() => Retype::Alters,
        ("cidr", "inet") => Retype::Instant,
        _ if built_in(from) && built_in(to) => Retype::Refuses,
        _ => Retype::Unknown,
    }
}

pub(super) fn is_text(data_type: &DataType) -> bool {
    matches!(data_type.name.as_str(), "text" | "character varying" | "character" | "citext")
}

/// The most characters a value can have; none without a limit.
pub(super) fn width(data_type: &DataType) -> Option<i64> {
    match data_type.name.as_str() {
        "character varying" => data_type.modifiers.first().copied(),
        "character" => Some(data_type.modifiers.first().copied().unwrap_or(1)),
        "smallint" => Some(6),
        "integer" => Some(11),
        "bigint" => Some(20),
        "boolean" => Some(5),
        "uuid" => Some(36),
        "date" => Some(13),
        _ => None,
    }
}

fn into_text(from: &DataType, to: &DataType) -> Retype {
    // what `char` pads away cannot be told from what it had
    if to.name == "character" && is_text(from) && from.name != "character" {
        return Retype::Alters;
    }
    let fits = match (width(from), width(to)) {
        (_, None) => true,
        (Some(from), Some(to)) => from <= to,
        (None, Some(_)) => false,
    };
    let stored_alike = is_text(from) && from.name != "character" && to.name != "character";
    match (fits, stored_alike) {
        (false, _) => Retype::Refuses,
        (true, true) => Retype::Instant,
        (true, false) => Retype::Rewrites,
    }
}

/// Numbers from narrow to wide.
fn rank(data_type: &DataType) -> Option<u8> {
    Some(match data_type.name.as_str() {
        "smallint" => 0,
        "integer" => 1,
        "bigint" => 2,
        "numeric" => 3,
        "real" => 4,
        "double precision" => 5,
        _ => return None,
    })
}

fn between_numbers(from: &DataType, from_rank: u8, to: &DataType, to_rank: u8) -> Retype {
    match (from_rank, to_rank) {
        (0..=2, 0..=2) if to_rank > from_rank => Retype::Rewrites,
        (0..=2, 0..=2) => Retype::Refuses,
        (0..=2, 3) => match decimal(to) {
            None => Retype::Rewrites,
            Some((precision, scale)) if precision - scale >= [5, 10, 19][usize::from(from_rank)] => Retype::Rewrites,
            Some(_) => Retype::Refuses,
        },
        // exact in the mantissa
        (0, 4 | 5) | (1 | 4, 5) => Retype::Rewrites,
        (3, 3) => between_decimals(decimal(from), decimal(to)),
        _ => Retype::Alters,
    }
}

/// Precision and scale; none for `numeric` without a limit.
fn decimal(data_type: &DataType) -> Option<(i64, i64)> {
    let precision = *data_type.modifiers.first()?;
    Some((precision, data_type.modifiers.get(1).copied().unwrap_or(0)))
}

fn between_decimals(from: Option<(i64, i64)>, to: Option<(i64, i64)>) -> Retype {
    match (from, to) {
        (_, None) => Retype::Instant,
        (None, Some(_)) => Retype::Alters,
        (Some((_, from)), Some((_, to))) if to < from => Retype::Alters,
        (Some((p, s)), Some((precision, scale))) if precision - scale < p - s => Retype::Refuses,
        (Some((_, from)), Some((_, to))) if to == from => Retype::Instant,
        _ => Retype::Rewrites,
    }
}

pub(super) fn is_time(data_type: &DataType) -> bool {
    matches!(
        data_type.name.as_str(),
        "date"
            | "time without time zone"
            | "time with time zone"
            | "timestamp without time zone"
            | "timestamp with time zone"
    )
}

/// Whether a value's reading hangs on a time zone: from a type without one to one with it, or back.
pub(super) fn reads_zone(from: &DataType, to: &DataType) -> bool {
    let zoned = |of: &DataType| of.name.ends_with("with time zone");
    is_time(from) && is_time(to) && zoned(from) != zoned(to)
}

fn between_times(from: &DataType, to: &DataType) -> Retype {
    let digits = |of: &DataType| of.modifiers.first().copied().unwrap_or(6);
    let is_stamp = |of: &DataType| of.name.starts_with("timestamp");
    match (from.name.as_str(), to.name.as_str()) {
        (a, b) if a == b => {
            if digits(to) >= digits(from) {
                Retype::Instant
            } else {
                Retype::Alters
            }
        }
        ("date", _) if is_stamp(to) => Retype::Rewrites,
        (_, _) if is_stamp(from) && is_stamp(to) => {
            // without a rewrite only where the session's time zone is UTC
            if digits(to) >= digits(from) { Retype::Rewrites } else { Retype::Alters }
        }
        ("time without time zone", "time with time zone") if digits(to) >= digits(from) => Retype::Rewrites,
        _ => Retype::Alters,
    }
}

/// Whether PostgreSQL has a cast between two types of times.
pub(super) fn has_time_cast(from: &DataType, to: &DataType) -> bool {
    let is = |of: &DataType, start: &str| of.name.starts_with(start);
    let (stamp, time) = ("timestamp", "time ");
    match (is(from, stamp), is(to, stamp)) {
        (true, true) => true,
        (true, false) => to.name != "time with time zone" || from.name == "timestamp with time zone",
        (false, true) => from.name == "date",
        (false, false) => is(from, time) && is(to, time) || from.name == to.name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, modifiers: &[i64]) -> DataType {
        DataType { schema: None, name: name.into(), modifiers: modifiers.into(), array: false }
    }

    fn cast(text: &str) -> Expr {
        Expr { text: text.into() }
    }

    #[test]
    fn widening_is_instant_or_rewrites() {
        let varchar = |n| of("character varying", &[n]);
        let text = of("text", &[]);
        assert_eq!(between(&varchar(50), &varchar(200)), Retype::Instant);
        assert_eq!(between(&varchar(50), &text), Retype::Instant);
        assert_eq!(between(&of("numeric", &[10, 2]), &of("numeric", &[12, 2])), Retype::Instant);
        assert_eq!(between(&of("numeric", &[12, 2]), &of("numeric", &[13, 3])), Retype::Rewrites);
        assert_eq!(between(&of("integer", &[]), &of("bigint", &[])), Retype::Rewrites);
        assert_eq!(between(&of("integer", &[]), &text), Retype::Rewrites);
        let stamp = "timestamp without time zone";
        assert_eq!(between(&of(stamp, &[3]), &of(stamp, &[6])), Retype::Instant);
        assert_eq!(between(&of(stamp, &[3]), &of("timestamp with time zone", &[3])), Retype::Rewrites);
    }

    #[test]
    fn narrowing_refuses_or_alters() {
        let varchar = |n| of("character varying", &[n]);
        assert_eq!(between(&of("text", &[]), &varchar(50)), Retype::Refuses);
        assert_eq!(between(&of("bigint", &[]), &of("integer", &[])), Retype::Refuses);
        assert_eq!(between(&of("numeric", &[12, 2]), &of("numeric", &[12, 3])), Retype::Refuses);
        assert_eq!(between(&of("numeric", &[12, 3]), &of("numeric", &[12, 2])), Retype::Alters);
        assert_eq!(between(&of("double precision", &[]), &of("integer", &[])), Retype::Alters);
        assert_eq!(between(&of("timestamp without time zone", &[6]), &of("date", &[])), Retype::Alters);
        assert_eq!(between(&of("text", &[]), &of("integer", &[])), Retype::Refuses);
        let cut = cast("\"a\"::varchar(50)");
        assert_eq!(judge(&of("text", &[]), &varchar(50), Some(&cut), "a"), Retype::Alters);
    }
}
