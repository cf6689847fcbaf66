//! The SQL of each question. Names are quoted, values are parameters; an expression from a migration is only run where it
//! is plain.

use crate::catalog::ObjectName;
use crate::effects::retype::{self, Loss};
use crate::rules::{Key, Which};
use crate::sql::tokens::{Kind, calls, tokens};
use crate::sql::{DataType, Expr, quote_identifier};

/// As many groups of duplicates are counted.
const MOST_GROUPS: u64 = 1_000;

/// From here on the server can say whether a text is a value of a type, and needs not be refused one to know.
const INPUT_IS_VALID: u32 = 160_000;

/// PostgreSQL's own functions that only look at their arguments. A migration's expression with any other is not run.
const PLAIN: &[&str] = &[
    "abs",
    "array_length",
    "bit_length",
    "btrim",
    "cardinality",
    "cast",
    "char_length",
    "character_length",
    "coalesce",
    "date_part",
    "date_trunc",
    "extract",
    "greatest",
    "jsonb_array_length",
    "jsonb_typeof",
    "least",
    "length",
    "lower",
    "ltrim",
    "md5",
    "nullif",
    "num_nonnulls",
    "num_nulls",
    "octet_length",
    "position",
    "replace",
    "round",
    "rtrim",
    "strpos",
    "substring",
    "trim",
    "upper",
    "varying",
];

/// A question in SQL.
pub(super) struct Question {
    /// What is unknown without an answer, for the report.
    pub(super) what: String,
    /// The rows: what follows `FROM table WHERE`.
    pub(super) condition: String,
    /// `$1`, where the condition has one.
    pub(super) values: Vec<String>,
    /// What duplicates agree in; empty for every other question.
    pub(super) group: Vec<String>,
}

impl Question {
    /// The question about these rows of the table.
    ///
    /// # Errors
    /// Why it cannot be asked, with what stays unknown.
    pub(super) fn about(table: &ObjectName, which: &Which<'_>, version: u32) -> Result<Self, (String, &'static str)> {
        let name = &table.name;
        let plain =
            |what: String, condition: String| Ok(Self { what, condition, values: Vec::new(), group: Vec::new() });
        match *which {
            Which::Set { column } => {
                plain(format!("values in {name}.{column}"), format!("{} IS NOT NULL", quote_identifier(column)))
            }
            Which::Null { column } => {
                plain(format!("NULLs in {name}.{column}"), format!("{} IS NULL", quote_identifier(column)))
            }
            Which::Duplicated { keys, predicate, nulls_equal } => duplicated(table, keys, predicate, nulls_equal),
            Which::Orphaned { columns, parent, referenced } => {
                let what = format!("rows of {name} without a partner in {}", parent.name);
                if columns.len() != referenced.len() {
                    return Err((what, "the key has another number of columns"));
                }
                plain(what, orphaned(table, columns, parent, referenced))
            }
            Which::Breaking { check } => {
                let what = format!("rows of {name} against the check {}", check.text);
                if !is_plain(&check.text) {
                    return Err((what, "it calls a function"));
                }
                plain(what, format!("NOT ({})", check.text))
            }
            Which::Holding { column, values, array } => {
                let what = format!("rows of {name}.{column} that hold {}", values.join(", "));
                let column = quote_identifier(column);
                let condition = match array {
                    true => format!("{column}::text[] && $1::text[]"),
                    false => format!("{column}::text = ANY ($1::text[])"),
                };
                Ok(Self { what, condition, values: values.to_vec(), group: Vec::new() })
            }
            Which::Unfit { column, loss } => {
                plain(format!("values of {name}.{column} that do not fit {}", loss.to), unfit(column, loss, version))
            }
        }
    }

    /// How many rows, or groups of duplicates.
    pub(super) fn count(&self, table: &str) -> String {
        let Self { condition, group, .. } = self;
        if group.is_empty() {
            return format!("SELECT count(*) FROM {table} WHERE {condition}");
        }
        format!(
            "SELECT count(*) FROM (SELECT FROM {table} WHERE {condition} GROUP BY {} HAVING count(*) > 1 LIMIT {MOST_GROUPS}) AS groups",
            group.join(", ")
        )
    }

    /// The keys of the first `limit` rows, each as a text; of duplicates, of the first groups.
    pub(super) fn keys(&self, table: &str, key: &[String], limit: usize) -> String {
        let Self { condition, group, .. } = self;
        let columns: Vec<String> = key.iter().map(|column| quote_identifier(column)).collect();
        let order = columns.join(", ");
        let texts: Vec<String> = columns.iter().map(|column| format!("left({column}::text, 40)")).collect();
        let one = format!("concat_ws(', ', {})", texts.join(", "));
        let rows = if group.is_empty() {
            format!("SELECT {one} AS key FROM {table} WHERE {condition} ORDER BY {order} LIMIT {limit}")
        } else {
            let first = columns.first().map_or("", String::as_str);
            format!(
                "SELECT array_to_string((array_agg({one} ORDER BY {order}))[1:3], ' and ') AS key FROM {table} WHERE {condition} \
                 GROUP BY {} HAVING count(*) > 1 ORDER BY (array_agg({first} ORDER BY {order}))[1] LIMIT {limit}",
                group.join(", ")
            )
        };
        format!("SELECT array_agg(key) FROM ({rows}) AS sample")
    }
}

fn duplicated(
    table: &ObjectName,
    keys: &[Key],
    predicate: Option<&Expr>,
    nulls_equal: bool,
) -> Result<Question, (String, &'static str)> {
    let words: Vec<&str> = keys
        .iter()
        .map(|key| match key {
            Key::Column(text) | Key::Expression(text) => text.as_str(),
        })
        .collect();
    let what = format!("duplicates in {} ({})", table.name, words.join(", "));
    if predicate.is_some_and(|predicate| !is_plain(&predicate.text)) {
        return Err((what, "the index's condition calls a function"));
    }
    if keys.iter().any(|key| matches!(key, Key::Expression(text) if !is_plain(text))) {
        return Err((what, "a key of the index calls a function"));
    }
    let group: Vec<String> = keys
        .iter()
        .map(|key| match key {
            Key::Column(name) => quote_identifier(name),
            Key::Expression(text) => format!("({text})"),
        })
        .collect();
    let mut conditions: Vec<String> = predicate.iter().map(|predicate| format!("({})", predicate.text)).collect();
    if !nulls_equal {
        conditions.extend(group.iter().map(|key| format!("{key} IS NOT NULL")));
    }
    conditions.push("true".into());
    Ok(Question { what, condition: conditions.join(" AND "), values: Vec::new(), group })
}

fn orphaned(table: &ObjectName, columns: &[String], parent: &ObjectName, referenced: &[String]) -> String {
    let child = table.quoted();
    let set = columns.iter().map(|column| format!("{child}.{} IS NOT NULL", quote_identifier(column)));
    let equal: Vec<String> = columns
        .iter()
        .zip(referenced)
        .map(|(column, key)| format!("parent.{} = {child}.{}", quote_identifier(key), quote_identifier(column)))
        .collect();
    let alone = format!("NOT EXISTS (SELECT FROM {} AS parent WHERE {})", parent.quoted(), equal.join(" AND "));
    set.chain([alone]).collect::<Vec<_>>().join(" AND ")
}

fn unfit(column: &str, loss: &Loss, version: u32) -> String {
    let name = quote_identifier(column);
    let Loss { from, to } = loss;
    let from_text = matches!(from.name.as_str(), "text" | "character varying");
    let condition = match limits(to) {
        Some((least, most)) if retype::is_number(from) => {
            format!("round({name}::numeric) NOT BETWEEN {least} AND {most} OR round({name}::numeric) <> {name}")
        }
        _ if from_text && !is_text(to) && version >= INPUT_IS_VALID => format!("NOT pg_input_is_valid({name}, '{to}')"),
        Some((least, most)) if from_text => format!(
            "CASE WHEN {name} ~ '^\\s*[-+]?[0-9]{{1,40}}\\s*$' THEN {name}::numeric NOT BETWEEN {least} AND {most} ELSE true END"
        ),
        // there and back again: what does not come back was cut or rounded, and what cannot go is refused
        _ => format!("({name}::{to}::{from})::text IS DISTINCT FROM {name}::text"),
    };
    format!("{name} IS NOT NULL AND ({condition})")
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type.name.as_str(), "text" | "character varying" | "character")
}

/// The least and the greatest value of a whole number's type.
fn limits(data_type: &DataType) -> Option<(i64, i64)> {
    match data_type.name.as_str() {
        "smallint" => Some((i64::from(i16::MIN), i64::from(i16::MAX))),
        "integer" => Some((i64::from(i32::MIN), i64::from(i32::MAX))),
        "bigint" => Some((i64::MIN, i64::MAX)),
        _ => None,
    }
}

/// Whether an expression of a migration does nothing but look: no unknown function, no query of its own, one expression.
fn is_plain(text: &str) -> bool {
    let tokens = tokens(text);
    // a quoted or qualified name before a parenthesis is a user's function
    let foreign = tokens.windows(2).any(|pair| pair[0].kind == Kind::Quoted && pair[1].is_symbol("("))
        || tokens.windows(3).any(|three| three[0].is_symbol(".") && three[2].is_symbol("("));
    !foreign
        && calls(text).iter().all(|name| PLAIN.contains(&name.as_str()))
        && !tokens.iter().any(|token| token.is("select") || token.is_symbol(";"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_expressions_are_run() {
        for text in
            ["\"plays\" > 0", "lower(\"email\")", "char_length(a) <= 200 AND coalesce(b, '') <> ''", "a IN (1, 2)"]
        {
            assert!(is_plain(text), "{text}");
        }
        for text in [
            "evil(a)",
            "public.lower(a)",
            "\"lower\"(a)",
            "pg_sleep(9) IS NULL",
            "(SELECT 1) = 1",
            "true); DROP TABLE a; --",
        ] {
            assert!(!is_plain(text), "{text}");
        }
    }
}
