//! Values for a column, made by the server itself: an expression over the row's number `n` that gives another value for
//! each row, and other values for each column, so that a column in another one's place shows.

use crate::sql::{quote_identifier, quote_literal};

/// What a column's values must be like.
#[derive(Debug, Clone, Default)]
pub(super) struct Shape {
    /// The type's own name in the catalog (`text`, `int4`); of a domain, what is below it; of an array, the elements'.
    pub(super) base: String,
    /// The whole type, to cast to.
    pub(super) whole: String,
    /// An enum's values, in order; none of any other type.
    pub(super) labels: Vec<String>,
    pub(super) array: bool,
    /// Characters at most.
    pub(super) length: Option<i32>,
    /// Digits before the point at most.
    pub(super) digits: Option<i32>,
}

/// The expression; none for a type of which nothing is known.
pub(super) fn expression(shape: &Shape, name: &str, place: i32) -> Option<String> {
    let one = |n: &str| match shape.labels.as_slice() {
        [] => scalar(shape, name, place, n),
        labels => Some(enumerated(labels, place, n)),
    };
    let value = if shape.array { format!("ARRAY[{}, {}]", one("n")?, one("(n + 1)")?) } else { one("n")? };
    Some(format!("CAST({value} AS {})", shape.whole))
}

/// The values one after the other, as text: the type itself may be one that is not there yet.
fn enumerated(labels: &[String], place: i32, n: &str) -> String {
    let list: Vec<String> = labels.iter().map(|label| quote_literal(label)).collect();
    format!("(ARRAY[{}])[1 + ({n} + {place}) % {}]", list.join(", "), labels.len())
}

/// Whether its values are text.
pub(super) fn is_text(shape: &Shape) -> bool {
    !shape.array && shape.labels.is_empty() && matches!(shape.base.as_str(), "text" | "varchar" | "bpchar" | "citext")
}

fn scalar(shape: &Shape, name: &str, place: i32, n: &str) -> Option<String> {
    let label: String = name.chars().filter(char::is_ascii_alphanumeric).take(20).collect();
    let apart = place * 100;
    Some(match shape.base.as_str() {
        "int2" | "int4" | "int8" | "float4" | "float8" | "oid" | "money" => format!("{n} + {}", apart % 30_000),
        "numeric" => match shape.digits {
            Some(digits) if digits < 4 => format!("({n} % {}) + 0.0", 10_i32.pow(digits.max(0).unsigned_abs())),
            _ => format!("{n} + {}", apart % 9_000),
        },
        "text" | "varchar" | "bpchar" | "citext" | "name" => match shape.length {
            Some(length) if length < 3 => format!("chr(64 + {n})"),
            Some(length) if length < 24 => format!("chr({}) || {n}", 97 + place.rem_euclid(26)),
            _ => format!("{} || {n}", quote_literal(&format!("{label} "))),
        },
        "bool" => format!("({n} + {place}) % 2 = 0"),
        "uuid" => format!("md5({} || {n})", quote_literal(&label)),
        "json" | "jsonb" => format!("jsonb_build_object({}, {n})", quote_literal(&label)),
        "date" | "timestamp" | "timestamptz" => {
            format!("timestamp '2020-01-01 12:00' + ({n} + {apart}) * interval '1 day'")
        }
        "time" | "timetz" => format!("time '00:00' + ({n} + {apart}) * interval '1 second'"),
        "interval" => format!("({n} + {apart}) * interval '1 minute'"),
        "bytea" => format!("convert_to({} || {n}, 'UTF8')", quote_literal(&label)),
        "inet" => format!("inet '10.0.0.0' + ({n} + {apart})"),
        "cidr" => format!("set_masklen(inet '10.0.0.0' + ({n} + {apart}), 32)::cidr"),
        "macaddr" => format!("('08:00:2b:01:02:' || lpad(to_hex({n}), 2, '0'))"),
        "bit" => format!("({n})::int4::bit({})", shape.length.unwrap_or(1)),
        "varbit" => format!("({n})::int4::bit(8)"),
        "xml" => format!("('<a>' || {n} || '</a>')"),
        "point" => format!("point({n}, {place})"),
        "tsvector" => format!("to_tsvector('simple', {} || {n})", quote_literal(&label)),
        _ => return None,
    })
}

/// Other values to try where a check refuses these: what the check itself names, and what stands just beside it.
pub(super) fn alternatives(shape: &Shape, checks: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    if shape.array || !shape.labels.is_empty() {
        return found;
    }
    let numeric = matches!(shape.base.as_str(), "int2" | "int4" | "int8" | "float4" | "float8" | "numeric" | "money");
    let text = is_text(shape);
    for (literal, string) in checks.iter().flat_map(|check| literals(check)) {
        let number = literal.parse::<f64>().ok();
        match number {
            _ if string && text => found.push(quote_literal(&literal)),
            Some(_) if numeric => found.extend([literal.clone(), format!("{literal} + n"), format!("{literal} - n")]),
            Some(length) if text && !string && (1.0..=1000.0).contains(&length) => {
                found.push(format!("rpad('v' || n, {length:.0}, 'x')"));
            }
            _ => {}
        }
    }
    found.dedup();
    found.truncate(8);
    found.into_iter().map(|value| format!("CAST({value} AS {})", shape.whole)).collect()
}

/// Strings (true) and numbers (false) in an expression.
fn literals(expression: &str) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    let mut rest = expression;
    while let Some(at) = rest.find(|c: char| c == '\'' || c == '"' || c.is_ascii_digit()) {
        let first = rest[at..].chars().next();
        // a digit within a word is not a number
        let inside = rest[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let (literal, end) = match first {
            Some(quote @ ('\'' | '"')) => {
                let body = &rest[at + 1..];
                let length = body.find(quote).unwrap_or(body.len());
                ((quote == '\'').then(|| (body[..length].to_owned(), true)), at + 1 + length + 1)
            }
            _ => {
                let body = &rest[at..];
                let length = body.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(body.len());
                ((!inside).then(|| (body[..length].to_owned(), false)), at + length)
            }
        };
        found.extend(literal);
        rest = rest.get(end..).unwrap_or_default();
    }
    found
}

/// A row's own columns in a list.
pub(super) fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(quote_identifier).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_of_a_check() {
        let check = "((rating >= 1) AND (\"col2\" <= 5.5) AND (status = ANY (ARRAY['a'::text, 'b2'::text])))";
        let found = literals(check);
        let found: Vec<&str> = found.iter().map(|(literal, _)| literal.as_str()).collect();
        assert_eq!(found, ["1", "5.5", "a", "b2"]);
    }

    #[test]
    fn columns_have_values_of_their_own() {
        let text = Shape { base: "text".into(), whole: "text".into(), ..Shape::default() };
        assert_eq!(expression(&text, "artist", 2).unwrap(), "CAST('artist ' || n AS text)");
        let strange = Shape { base: "geometry".into(), ..text };
        assert_eq!(expression(&strange, "x", 1), None);
    }
}
