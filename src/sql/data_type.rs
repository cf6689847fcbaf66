//! Types as Prisma writes them.

use super::{DataType, quote_identifier};

/// A type as Prisma writes it: `TEXT`, `TIMESTAMP(3)`, `"Role"[]`.
pub fn spelled(of: &DataType) -> String {
    let modifiers = if of.modifiers.is_empty() {
        String::new()
    } else {
        format!("({})", of.modifiers.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
    };
    let name = match of.name.as_str() {
        "character varying" => "VARCHAR",
        "character" => "CHAR",
        "numeric" => "DECIMAL",
        "timestamp without time zone" => "TIMESTAMP",
        "timestamp with time zone" => "TIMESTAMPTZ",
        "time without time zone" => "TIME",
        "time with time zone" => "TIMETZ",
        "bit varying" => "VARBIT",
        name if BUILT_IN.contains(&name) => &name.to_uppercase(),
        name => &quote_identifier(name),
    };
    let schema = of.schema.as_deref().map(|schema| format!("{}.", quote_identifier(schema))).unwrap_or_default();
    format!("{schema}{name}{modifiers}{}", if of.array { "[]" } else { "" })
}

/// Whether it is a type of PostgreSQL's own.
pub fn is_built_in(name: &str) -> bool {
    BUILT_IN.contains(&name) || name.starts_with("time") || name.starts_with("bit")
}

const BUILT_IN: &[&str] = &[
    "text",
    "smallint",
    "integer",
    "bigint",
    "smallserial",
    "serial",
    "bigserial",
    "real",
    "double precision",
    "boolean",
    "date",
    "uuid",
    "json",
    "jsonb",
    "bytea",
    "xml",
    "inet",
    "cidr",
    "macaddr",
    "money",
    "oid",
    "bit",
    "interval",
    "point",
    "citext",
    "tsvector",
    "tsquery",
    "hstore",
];
