//! Whether a statement does more than its first words say: calls that may write, and statements inside others.

use super::tokens::{Token, calls, tokens};

/// Functions a `SELECT` may call without anything happening to rows.
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
];

/// Whether a query does no more than read, as far as its text says.
pub fn only_reads(text: &str) -> bool {
    !hides_writing(text) && calls(text).iter().all(|name| READING.contains(&name.as_str()))
}

/// `WITH gone AS (DELETE …)`: a statement that writes, inside another.
pub fn hides_writing(text: &str) -> bool {
    let writes = |token: &Token<'_>| ["delete", "update", "insert", "merge"].iter().any(|word| token.is(word));
    tokens(text).windows(2).any(|pair| pair[0].is_symbol("(") && writes(&pair[1]))
}
