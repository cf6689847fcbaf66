//! Whether a statement does more than its first words say: calls that may write, and statements inside others.

use super::tokens::{Kind, Token, after, calls, tokens};

/// Functions a `SELECT` may call without anything happening to rows or objects.
pub const READING: &[&str] = &[
    "setval",
    "set_config",
    "pg_get_serial_sequence",
    "max",
    "min",
    "count",
    "coalesce",
    "greatest",
    "now",
    "nextval",
    "currval",
    "version",
    "pg_sleep",
    "exists",
    "select",
    "from",
    "in",
    "values",
    "as",
    "and",
    "or",
    "not",
    "cast",
    "regclass",
    "pg_advisory_lock",
    "pg_advisory_xact_lock",
    "pg_advisory_unlock",
    "current_setting",
    "to_regclass",
    "length",
    "lower",
    "upper",
    "trim",
    "concat",
    "format",
    "replace",
    "substring",
    "left",
    "right",
    "abs",
    "round",
    "sum",
    "avg",
    "nullif",
    "to_char",
    "date_trunc",
    "md5",
    "random",
    "gen_random_uuid",
    "generate_series",
    "array_agg",
    "string_agg",
    "string_to_array",
    "array_to_string",
    "array_length",
    "unnest",
    "jsonb_agg",
    "json_agg",
    "jsonb_object_agg",
    "json_object_agg",
    "jsonb_build_object",
    "json_build_object",
    "row_number",
    "has_table_privilege",
    "has_schema_privilege",
    "pg_typeof",
    "pg_get_constraintdef",
    "pg_get_viewdef",
];

/// Whether a query does no more than read, as far as its text says.
pub fn only_reads(text: &str) -> bool {
    !hides_writing(text) && calls_unknown(text).is_none()
}

/// The first function that a query calls and that may do anything, as far as its text says.
pub fn calls_unknown(text: &str) -> Option<String> {
    calls(text).into_iter().find(|name| !READING.contains(&name.as_str()))
}

/// `WITH gone AS (DELETE …)`: a statement that writes, inside another.
pub fn hides_writing(text: &str) -> bool {
    let writes = |token: &Token<'_>| ["delete", "update", "insert", "merge"].iter().any(|word| token.is(word));
    tokens(text).windows(2).any(|pair| pair[0].is_symbol("(") && writes(&pair[1]))
}

/// The literals of a text: the bodies of functions.
pub fn literals(text: &str) -> impl Iterator<Item = &str> {
    tokens(text).into_iter().filter(|token| token.kind == Kind::Literal).map(|token| token.text)
}

/// Whether a `CREATE FUNCTION` may change rows or objects when it is called, as far as its text says: one in another language
/// may, and so may one that runs text.
pub fn may_write(definition: &str) -> bool {
    const WRITING: &[&str] = &[
        "insert", "update", "delete", "merge", "truncate", "copy", "execute", "call", "perform", "create", "alter",
        "drop",
    ];
    let outer = tokens(definition);
    let language = after(&outer, "language").and_then(<[Token<'_>]>::first);
    let followed =
        language.is_some_and(|token| ["sql", "plpgsql"].iter().any(|name| token.text.eq_ignore_ascii_case(name)));
    // its own CREATE stands in front
    let own = outer.iter().skip(1).any(|token| WRITING.iter().any(|word| token.is(word)));
    let inner =
        || literals(definition).any(|body| tokens(body).iter().any(|token| WRITING.iter().any(|word| token.is(word))));
    !followed || own || inner()
}
