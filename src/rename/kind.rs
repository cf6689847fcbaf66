//! What sort of values a type has.

use super::render::is_built_in;
use crate::sql::DataType;

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
        "text" | "character varying" | "character" | "citext" => Kind::Text,
        "smallint" | "integer" | "bigint" | "smallserial" | "serial" | "bigserial" => Kind::Number,
        "numeric" | "real" | "double precision" | "money" => Kind::Number,
        "json" | "jsonb" => Kind::Json,
        "date" => Kind::Time,
        name if name.starts_with("timestamp") => Kind::Time,
        name if is_built_in(name) => Kind::Own(name.to_owned()),
        // an enum, or a type that an extension brings
        _ => Kind::Text,
    }
}
