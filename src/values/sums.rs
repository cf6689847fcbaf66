//! Sums over a column's values: equal sums, equal values, whatever the order of the rows.
//!
//! Each value is hashed with its row's key as seed, so that two rows that swap a value are seen; the hashes are added in 128
//! bits, so that duplicates do not cancel out. One pass over the table, inside the server; no value leaves it.

use postgres::Client;

use super::tables::{Column, Table};
use crate::database::Failure;
use crate::sql::quote_identifier;

/// Output columns of one query; the server allows 1,664.
const COLUMNS_AT_ONCE: usize = 400;

/// Hashes values where both sides have the same way to do it: the type's own, fast and the same for all sizes of integer.
const RECORDS_SINCE: i32 = 140_000;

/// How values are hashed. Both sides of a comparison must use the same form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Form {
    /// By the type's own hash function.
    Own,
    /// By its text.
    Text,
}

/// Types whose hash function says equal exactly where the values are, or nearly: object ids as in `pg_type.dat`. Integers
/// of every size hash alike.
const INTEGERS: &[u32] = &[20, 21, 23];
/// text, varchar
const TEXTS: &[u32] = &[25, 1043];
/// bool, bytea, char, float4, float8, numeric, uuid, date, time, timestamp, timestamptz, interval, inet, jsonb
const OTHERS: &[u32] = &[16, 17, 18, 700, 701, 1700, 2950, 1082, 1083, 1114, 1184, 1186, 869, 3802];

impl Form {
    /// The form for values of these two types; on servers before 14 only their text.
    pub(super) fn between(before: u32, after: u32, server_version: i32) -> Self {
        let both = |types: &[u32]| types.contains(&before) && types.contains(&after);
        let alike = both(INTEGERS) || both(TEXTS) || (before == after && OTHERS.contains(&before));
        if alike && server_version >= RECORDS_SINCE { Self::Own } else { Self::Text }
    }
}

/// The sum of one column.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(super) struct Sum {
    /// Values that are not NULL.
    pub(super) values: i64,
    /// None of no value, and where it was not asked for.
    pub(super) hash: Option<String>,
}

/// The seed: a hash of the row's key, whose columns are given. Without any, rows are a heap of values.
pub(super) fn seed<'a>(key: impl Iterator<Item = (&'a Column, Form)>) -> String {
    key.fold("0::bigint".into(), |seed, (column, form)| hash(&quoted(column), form, column, &seed))
}

/// A column as an expression over the table.
pub(super) fn quoted(column: &Column) -> String {
    quote_identifier(&column.name)
}

/// The hash of an expression that has the column's type.
pub(super) fn hash(expression: &str, form: Form, column: &Column, seed: &str) -> String {
    match form {
        // whatever its size, an integer hashes alike
        Form::Own if INTEGERS.contains(&column.type_id) => {
            format!("pg_catalog.hashint8extended(({expression})::bigint, {seed})")
        }
        Form::Own if !TEXTS.contains(&column.type_id) => {
            // a NULL has no hash, as with the other forms
            format!(
                "CASE WHEN ({expression}) IS NOT NULL THEN pg_catalog.hash_record_extended(ROW({expression}), {seed}) END"
            )
        }
        Form::Own | Form::Text => text_hash(expression, seed),
    }
}

/// The hash of an expression's text.
pub(super) fn text_hash(expression: &str, seed: &str) -> String {
    format!("pg_catalog.hashtextextended(({expression})::text COLLATE \"C\", {seed})")
}

/// What makes texts of values the same in every session.
pub(super) const SETTINGS: &str = "SET jit = off; SET DateStyle = 'ISO'; SET TimeZone = 'UTC'; SET extra_float_digits = 1; \
     SET bytea_output = 'hex'; SET IntervalStyle = 'postgres'; SET row_security = off; SET statement_timeout = 0";

/// Texts as the database's own sessions have them.
pub(super) const OWN_SETTINGS: &str =
    "RESET DateStyle; RESET TimeZone; RESET extra_float_digits; RESET bytea_output; RESET IntervalStyle";

/// An expression over a table, with the hash over it.
pub(super) type Question = (String, String);

/// Adds up expressions over a table. `seed` is the row's.
pub(super) fn of(client: &mut Client, table: &Table, seed: &str, questions: &[Question]) -> Result<Vec<Sum>, Failure> {
    let mut sums = Vec::with_capacity(questions.len());
    for chunk in questions.chunks(COLUMNS_AT_ONCE) {
        let asked: Vec<String> =
            chunk.iter().map(|(value, hash)| format!("count({value}), sum({hash})::text")).collect();
        let query = format!(
            "SELECT {} FROM (SELECT *, {seed} AS \"#seed\" FROM ONLY {}) AS \"#rows\"",
            asked.join(", "),
            table.quoted()
        );
        let row = client.query_one(&query, &[])?;
        for at in 0..chunk.len() {
            sums.push(Sum { values: row.try_get(2 * at)?, hash: row.try_get(1 + 2 * at)? });
        }
    }
    Ok(sums)
}

/// The name of the seed inside [`of`]'s expressions.
pub(super) const SEED: &str = "\"#seed\"";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_hash_alike_and_others_only_as_themselves() {
        assert_eq!(Form::between(23, 20, 150_000), Form::Own);
        assert_eq!(Form::between(25, 1043, 150_000), Form::Own);
        assert_eq!(Form::between(1114, 1184, 150_000), Form::Text);
        assert_eq!(Form::between(23, 25, 150_000), Form::Text);
        assert_eq!(Form::between(114, 114, 150_000), Form::Text, "json has no hash");
        assert_eq!(Form::between(23, 23, 130_000), Form::Text);
    }
}
