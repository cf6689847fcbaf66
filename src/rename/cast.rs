//! Whether a column's values can follow it to another type, and how (PostgreSQL's `pg_cast`, 15).

use crate::catalog::{Catalog, Column};
use crate::sql::{DataType, quote_identifier};

/// What happens to the values when a column's type changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cast {
    /// The same type.
    Same,
    /// Every value is kept; `using` where `SET DATA TYPE` alone is refused.
    Keeps { using: Option<String> },
    /// A value that does not fit makes the statement fail; none is changed.
    Checked { using: Option<String>, risk: String },
    /// Values may be changed without an error.
    Loses { reason: String },
    /// There is no cast.
    None,
}

/// Integers by the values they hold.
fn integer_rank(name: &str) -> Option<u8> {
    match name {
        "smallint" | "smallserial" => Some(1),
        "integer" | "serial" => Some(2),
        "bigint" | "bigserial" => Some(3),
        _ => None,
    }
}

fn is_text(name: &str) -> bool {
    matches!(name, "text" | "character varying" | "character" | "citext")
}

/// The cast from one column's type to another's. `column` is the name it has when the cast runs.
pub(crate) fn cast(known: Enums<'_>, from: &DataType, to: &DataType, column: &str) -> Cast {
    if from == to {
        return Cast::Same;
    }
    let name = quote_identifier(column);
    let keeps = |using: Option<String>| Cast::Keeps { using };
    let to_sql = super::render::data_type(to);
    if from.array != to.array {
        let element = DataType { array: true, ..from.clone() };
        return if from.array && matches!(to.name.as_str(), "json" | "jsonb") {
            keeps(Some(format!("to_{}({name})", to.name)))
        } else if from.array || element != *to {
            Cast::None
        } else {
            // a list of one; NULL stays NULL, which Prisma reads as an empty list
            keeps(Some(format!("CASE WHEN {name} IS NULL THEN NULL ELSE ARRAY[{name}] END")))
        };
    }
    let (is_enum, to_enum) = (known.has(from), known.has(to));
    // the detour of an array's elements goes through an array
    let text = if from.array { "text[]" } else { "text" };
    let text_bound = |of: &DataType| of.modifiers.first().copied();
    let explicit = || Some(format!("{name}::{to_sql}"));
    match (from.name.as_str(), to.name.as_str()) {
        (_, "text" | "citext") if is_text(&from.name) && from.name != "character" => keeps(None),
        (a, b) if is_text(a) && is_text(b) => match (text_bound(from), text_bound(to)) {
            (_, None) if b == "character varying" => keeps(None),
            (Some(old), Some(new)) if old <= new && b == "character varying" => keeps(None),
            (_, bound) if b == "character varying" => Cast::Checked {
                using: None,
                risk: format!("a value longer than {} characters makes it fail", bound.unwrap_or(1)),
            },
            _ => Cast::Loses { reason: "CHAR(n) pads or cuts trailing spaces".into() },
        },
        (a, b) if is_enum && to_enum && a != b => Cast::Checked {
            using: Some(format!("{name}::{text}::{to_sql}")),
            risk: format!("a value that {b} has not makes it fail"),
        },
        (a, b) if is_text(a) && to_enum => {
            Cast::Checked { using: explicit(), risk: format!("a value that is none of {b}'s makes it fail") }
        }
        (_, b) if is_enum && is_text(b) && text_bound(to).is_none() => keeps(explicit()),
        (a, b) if let (Some(old), Some(new)) = (integer_rank(a), integer_rank(b)) => {
            if old <= new {
                keeps(None)
            } else {
                Cast::Checked { using: None, risk: format!("a number too large for {b} makes it fail") }
            }
        }
        ("smallint" | "integer", "double precision") | ("smallint", "real") | ("real", "double precision") => {
            keeps(None)
        }
        (a, "numeric") if integer_rank(a).is_some() => match to.modifiers.as_slice() {
            [] => keeps(None),
            _ => Cast::Checked { using: None, risk: "a number with too many digits makes it fail".into() },
        },
        ("numeric", "numeric") => numeric(&from.modifiers, &to.modifiers),
        ("numeric" | "real" | "double precision", b) if integer_rank(b).is_some() => {
            Cast::Loses { reason: "fractions would be rounded".into() }
        }
        ("numeric" | "bigint" | "double precision" | "integer", "real" | "double precision") | (_, "real") => {
            Cast::Loses { reason: "digits beyond a float's precision would be lost".into() }
        }
        ("real" | "double precision", "numeric") => Cast::Loses { reason: "digits would be rounded".into() },
        (a, b) if a == b && a.starts_with("time") => precision(&from.modifiers, &to.modifiers),
        ("timestamp without time zone", "timestamp with time zone")
        | ("timestamp with time zone", "timestamp without time zone") => {
            Cast::Loses { reason: "values depend on the session's time zone".into() }
        }
        ("timestamp without time zone" | "timestamp with time zone", "date") => {
            Cast::Loses { reason: "the time of day would be lost".into() }
        }
        ("date", "timestamp without time zone") => keeps(None),
        ("json", "jsonb") => Cast::Loses { reason: "jsonb keeps neither repeated keys nor their order".into() },
        ("jsonb", "json") => keeps(None),
        ("boolean", b) if integer_rank(b) == Some(2) => keeps(explicit()),
        (a, "boolean") if integer_rank(a).is_some() => {
            Cast::Loses { reason: "all numbers but 0 would become true".into() }
        }
        ("character", "text") => Cast::Loses { reason: "CHAR(n) pads or cuts trailing spaces".into() },
        (_, b) if is_text(b) && !from.array => match text_bound(to) {
            None => keeps(explicit()),
            Some(length) => Cast::Checked {
                using: Some(format!("{name}::text")),
                risk: format!("a value longer than {length} characters makes it fail"),
            },
        },
        (a, b) if is_text(a) && castable_from_text(b) => {
            Cast::Checked { using: explicit(), risk: format!("a text that is no {b} makes it fail") }
        }
        _ => Cast::None,
    }
}

/// Types whose input of a text either fails or means the same value.
fn castable_from_text(name: &str) -> bool {
    integer_rank(name).is_some()
        || matches!(
            name,
            "uuid" | "boolean" | "jsonb" | "json" | "numeric" | "date" | "inet" | "xml" | "timestamp without time zone"
        )
}

/// The enums of the catalogs before and after a migration: a type may be in one of them only.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Enums<'a> {
    pub(crate) before: &'a Catalog,
    pub(crate) after: &'a Catalog,
}

impl Enums<'_> {
    fn has(self, of: &DataType) -> bool {
        [self.before, self.after].iter().any(|catalog| catalog.enums.contains_key(&catalog.type_name(of)))
    }
}

/// What sort of values a type has: columns of one kind can hold each other's, as far as they fit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Texts, and enums: their values are labels.
    Text,
    Number,
    Time,
    Json,
    /// A type of its own.
    Own(String),
}

/// A type's kind; that of its elements for an array.
pub(crate) fn kind(of: &DataType) -> Kind {
    match of.name.as_str() {
        name if is_text(name) => Kind::Text,
        name if integer_rank(name).is_some() => Kind::Number,
        "numeric" | "real" | "double precision" | "money" => Kind::Number,
        "json" | "jsonb" => Kind::Json,
        "date" => Kind::Time,
        name if name.starts_with("timestamp") => Kind::Time,
        name if super::render::is_built_in(name) => Kind::Own(name.to_owned()),
        // an enum, or a type that an extension brings
        _ => Kind::Text,
    }
}

fn numeric(from: &[i64], to: &[i64]) -> Cast {
    let parts = |modifiers: &[i64]| modifiers.first().map(|p| (*p, modifiers.get(1).copied().unwrap_or(0)));
    match (parts(from), parts(to)) {
        (_, None) => Cast::Keeps { using: None },
        (Some((p, s)), Some((q, t))) if s <= t && p - s <= q - t => Cast::Keeps { using: None },
        (Some((_, s)), Some((_, t))) if s <= t => {
            Cast::Checked { using: None, risk: "a number with too many digits makes it fail".into() }
        }
        _ => Cast::Loses { reason: "digits after the point would be rounded".into() },
    }
}

/// Precision of fractional seconds; 6 where none is written.
fn precision(from: &[i64], to: &[i64]) -> Cast {
    let digits = |modifiers: &[i64]| modifiers.first().copied().unwrap_or(6);
    if digits(from) <= digits(to) {
        Cast::Keeps { using: None }
    } else {
        Cast::Loses { reason: "fractions of seconds would be rounded".into() }
    }
}

/// Whether the values of one column can become those of another without loss.
pub(crate) fn between(known: Enums<'_>, from: &Column, to: &Column) -> Cast {
    cast(known, &from.data_type, &to.data_type, "c")
}
