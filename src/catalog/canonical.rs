//! When two expressions are surely the same.

use std::collections::{BTreeMap, BTreeSet};

use super::expressions::is_plain;
use crate::sql::expression::{Piece, pieces};
use crate::sql::{DataType, quote_literal};

/// One spelling for expressions that are surely the same: case of keywords, needless quotes, space, outer parentheses,
/// the default schema, a cast to the type that the column has anyway, and how JSON and numbers are written.
pub(super) fn canonical(text: &str, schema: &str, data_type: Option<&DataType>) -> String {
    let all = pieces(text);
    let all: Vec<Piece<'_>> = all.into_iter().filter(|piece| !matches!(piece, Piece::Space(_))).collect();
    let all = without_schema(&all, schema);
    let solid = without_parentheses(&all);
    let Some(data_type) = data_type else { return spell(solid) };
    let bare = without_casts(solid, data_type);
    match bare.as_slice() {
        [literal] => value(*literal, data_type).unwrap_or_else(|| spell(&bare)),
        [Piece::Symbol("-"), Piece::Number(number)] => format!("-{number}"),
        bare => spell(bare),
    }
}

/// What a check demands, one by one: `a AND b` demands both. Each in [`canonical`]'s spelling.
pub(super) fn demands(text: &str, schema: &str) -> BTreeSet<String> {
    let all: Vec<Piece<'_>> = pieces(text).into_iter().filter(|piece| !matches!(piece, Piece::Space(_))).collect();
    let solid = without_parentheses(&all);
    let is = |piece: &Piece<'_>, word: &str| matches!(piece, Piece::Word(own) if own.eq_ignore_ascii_case(word));
    let mut depth = 0_usize;
    let mut parts: Vec<Vec<Piece<'_>>> = vec![Vec::new()];
    for piece in solid {
        match piece {
            Piece::Symbol("(") => depth += 1,
            Piece::Symbol(")") => depth = depth.saturating_sub(1),
            // an AND beside these may belong to them
            _ if depth == 0 && ["or", "between", "case"].iter().any(|word| is(piece, word)) => {
                return BTreeSet::from([canonical(text, schema, None)]);
            }
            _ if depth == 0 && is(piece, "and") => {
                parts.push(Vec::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(*piece);
        }
    }
    let text = |part: &Vec<Piece<'_>>| part.iter().map(|piece| piece.text()).collect::<Vec<_>>().join(" ");
    if parts.len() == 1 {
        return BTreeSet::from([canonical(&text(&parts[0]), schema, None)]);
    }
    parts.iter().flat_map(|part| demands(&text(part), schema)).collect()
}

/// Without the default schema before a dot.
fn without_schema<'a>(pieces: &[Piece<'a>], schema: &str) -> Vec<Piece<'a>> {
    let dot = |at: usize| pieces.get(at) == Some(&Piece::Symbol("."));
    let first = |at: usize| at == 0 || !dot(at - 1);
    let mut kept = Vec::with_capacity(pieces.len());
    let mut at = 0;
    while let Some(piece) = pieces.get(at) {
        if dot(at + 1) && first(at) && piece.name().is_some_and(|name| name == schema) {
            at += 2;
        } else {
            kept.push(*piece);
            at += 1;
        }
    }
    kept
}

fn without_parentheses<'a, 'b>(mut pieces: &'b [Piece<'a>]) -> &'b [Piece<'a>] {
    while let [Piece::Symbol("("), inside @ .., Piece::Symbol(")")] = pieces {
        if !balanced(inside) {
            break;
        }
        pieces = inside;
    }
    pieces
}

/// Whether parentheses inside close only what was opened inside.
fn balanced(pieces: &[Piece<'_>]) -> bool {
    let mut depth = 0_usize;
    for piece in pieces {
        match piece {
            Piece::Symbol("(") => depth += 1,
            Piece::Symbol(")") if depth == 0 => return false,
            Piece::Symbol(")") => depth -= 1,
            _ => {}
        }
    }
    depth == 0
}

/// A literal, or an array of literals, without casts to the column's type.
fn without_casts<'a>(pieces: &[Piece<'a>], data_type: &DataType) -> Vec<Piece<'a>> {
    let element = DataType { array: false, ..data_type.clone() };
    match pieces {
        [literal @ Piece::Text(_), Piece::Symbol("::"), cast @ ..]
            if is_type(cast, data_type) || numbers(cast, data_type) =>
        {
            vec![*literal]
        }
        [Piece::Word(array), Piece::Symbol("["), ..] if array.eq_ignore_ascii_case("array") && data_type.array => {
            let end = pieces.iter().position(|piece| *piece == Piece::Symbol("]")).map_or(pieces.len(), |at| at + 1);
            let (list, cast) = pieces.split_at(end);
            if !matches!(cast, []) && !matches!(cast, [Piece::Symbol("::"), cast @ ..] if is_type(cast, data_type)) {
                return pieces.to_vec();
            }
            let mut bare = Vec::new();
            for item in list.split_inclusive(|piece| matches!(piece, Piece::Symbol("," | "]" | "["))) {
                match item {
                    [literal @ Piece::Text(_), Piece::Symbol("::"), cast @ .., end] if is_type(cast, &element) => {
                        bare.extend([*literal, *end]);
                    }
                    item => bare.extend_from_slice(item),
                }
            }
            bare
        }
        pieces => pieces.to_vec(),
    }
}

/// A literal's value, where several texts are one value.
fn value(literal: Piece<'_>, data_type: &DataType) -> Option<String> {
    let text = literal.string().filter(|_| !data_type.array)?;
    match data_type.name.as_str() {
        "jsonb" => {
            let json: serde_json::Value = serde_json::from_str(&text).ok()?;
            Some(quote_literal(&sorted(json).to_string()))
        }
        name if is_number(name) => text.parse::<f64>().ok().filter(|number| number.is_finite()).map(|_| text),
        _ => None,
    }
}

fn is_number(name: &str) -> bool {
    matches!(name, "smallint" | "integer" | "bigint" | "numeric" | "real" | "double precision")
}

/// Whether a number is cast in a column of numbers: `-1` is printed as `'-1'::integer` whatever the column's type.
fn numbers(cast: &[Piece<'_>], data_type: &DataType) -> bool {
    !data_type.array && is_number(&data_type.name) && is_number(&spell(cast))
}

/// `jsonb` does not keep the order of keys.
fn sorted(json: serde_json::Value) -> serde_json::Value {
    match json {
        serde_json::Value::Object(map) => {
            let ordered: BTreeMap<String, _> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            serde_json::Value::Object(ordered.into_iter().collect())
        }
        serde_json::Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}

fn spell(pieces: &[Piece<'_>]) -> String {
    let mut text = String::new();
    for (at, piece) in pieces.iter().enumerate() {
        if at > 0 && !glued(pieces[at - 1], *piece) {
            text.push(' ');
        }
        match piece {
            Piece::Word(word) => text.push_str(&word.to_ascii_lowercase()),
            Piece::Quoted(_) => match piece.name() {
                Some(name) if is_plain(&name) => text.push_str(&name),
                _ => text.push_str(piece.text()),
            },
            other => text.push_str(other.text()),
        }
    }
    text
}

/// Whether no space is between two pieces: `f(a, b)[1]::t`, but `a in (b)`.
fn glued(before: Piece<'_>, after: Piece<'_>) -> bool {
    const KEYWORDS: &[&str] = &["all", "and", "any", "between", "in", "is", "like", "not", "or", "then", "when"];
    match (before, after) {
        (Piece::Symbol("(" | "[" | "." | "::"), _) | (_, Piece::Symbol(")" | "]" | "," | "." | "::")) => true,
        (Piece::Word(word), Piece::Symbol("(" | "[")) => !KEYWORDS.contains(&word.to_ascii_lowercase().as_str()),
        (Piece::Quoted(_), Piece::Symbol("(" | "[")) => true,
        _ => false,
    }
}

/// Whether a cast's type, without modifiers, is the column's.
fn is_type(cast: &[Piece<'_>], data_type: &DataType) -> bool {
    let (cast, array) = match cast {
        [cast @ .., Piece::Symbol("["), Piece::Symbol("]")] => (cast, true),
        cast => (cast, false),
    };
    let (schema, name) = match cast {
        [name] => (None, name.name()),
        [schema, Piece::Symbol("."), name] => (schema.name(), name.name()),
        words => (None, Some(spell(words))),
    };
    let name = name.map(|name| match name.as_str() {
        "varchar" => "character varying".to_owned(),
        "int" | "int4" => "integer".to_owned(),
        "bool" => "boolean".to_owned(),
        "timestamptz" => "timestamp with time zone".to_owned(),
        "timestamp" => "timestamp without time zone".to_owned(),
        _ => name,
    });
    array == data_type.array && schema == data_type.schema && name.is_some_and(|name| name == data_type.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling() {
        let plain = |text: &str| canonical(text, "public", None);
        let same = |a: &str, b: &str| assert_eq!(plain(a), plain(b));
        same("NOW( )", "now()");
        same("(\"a\" > 0)", "a>0");
        same("((a) OR (b))", "(a) or (b)");
        same("public.f(\"public\".x)", "f(x)");
        assert_ne!(plain("\"A\" > 0"), plain("a > 0"));
        assert_ne!(plain("a.public.x"), plain("a.x"));
    }

    #[test]
    fn one_value() {
        let data_type =
            |name: &str, array| DataType { schema: None, name: name.to_owned(), modifiers: Vec::new(), array };
        let same = |name: &str, array: bool, a: &str, b: &str| {
            let data_type = data_type(name, array);
            canonical(a, "public", Some(&data_type)) == canonical(b, "public", Some(&data_type))
        };
        assert!(same("text", false, "'x'::text", "'x'"));
        assert!(!same("text", false, "'x'::jsonb", "'x'"));
        assert!(same("Role", false, "'A'::public.\"Role\"", "'A'"));
        assert!(!same("Role", false, "'A'::other.\"Role\"", "'A'"));
        assert!(same("Role", true, "ARRAY['A'::\"Role\", 'B'::\"Role\"]", "ARRAY['A', 'B']::\"Role\"[]"));
        assert!(!same("Role", true, "ARRAY['A'::\"Role\"]", "ARRAY['B'::\"Role\"]"));
        assert!(same("text", true, "ARRAY[]::TEXT[]", "array[]::text[]"));
        assert!(same("integer", false, "'-1'::integer", "-1"));
        assert!(!same("text", false, "'-1'::integer", "-1"));
        assert!(same("jsonb", false, "'{\"b\":1,\"a\":[]}'", "'{\"a\": [], \"b\": 1}'::jsonb"));
        assert!(!same("json", false, "'{\"b\":1}'", "'{\"b\": 1}'"));
    }
}
