//! Expressions inside the catalog: what they depend on, how they follow renames, and when two are the same.

use std::collections::BTreeMap;

use super::{Catalog, ObjectName};
use crate::sql::expression::{Piece, beside, pieces, replace};
pub(super) use crate::sql::expression::{mentions, rename_column};
use crate::sql::{DataType, Expr, Name, quote_identifier, quote_literal};

/// The sequence that `nextval('…')` names.
pub(super) fn nextval(text: &str) -> Option<Name> {
    let pieces = pieces(text);
    (0..pieces.len()).find_map(|at| is_nextval_argument(&pieces, at).then(|| parse_name(&pieces[at].string()?))?)
}

/// `nextval` as PostgreSQL prints it, or none if the text has none.
pub(super) fn with_nextval(text: &str, sequence: &Name) -> Option<String> {
    let mut cast = false;
    replace(text, |pieces, at| {
        let argument = is_nextval_argument(pieces, at);
        if argument {
            cast = beside(pieces, at, true).is_some_and(|next| pieces[next] == Piece::Symbol("::"));
        }
        let regclass = if cast { "" } else { "::regclass" };
        argument.then(|| format!("{}{regclass}", quote_literal(&print_name(sequence))))
    })
}

/// The default that `SERIAL` means.
pub(super) fn nextval_of(sequence: &Name) -> Expr {
    Expr { text: format!("nextval({}::regclass)", quote_literal(&print_name(sequence))) }
}

fn is_nextval_argument(pieces: &[Piece<'_>], at: usize) -> bool {
    let open = beside(pieces, at, false).filter(|open| pieces[*open] == Piece::Symbol("("));
    let function = open.and_then(|open| beside(pieces, open, false));
    pieces[at].string().is_some()
        && function.is_some_and(|function| pieces[function].name().is_some_and(|name| name == "nextval"))
}

/// A dotted name inside a literal, as `regclass` reads it.
fn parse_name(text: &str) -> Option<Name> {
    let mut parts: Vec<String> = pieces(text).into_iter().filter_map(Piece::name).collect();
    let name = parts.pop()?;
    Some(Name { schema: parts.pop(), name })
}

/// A name as `quote_ident` prints it: in quotes only where they are needed. (Keywords are quoted there too; not here.)
fn print_name(name: &Name) -> String {
    let part = |part: &String| if is_plain(part) { part.clone() } else { quote_identifier(part) };
    match &name.schema {
        Some(schema) => format!("{}.{}", part(schema), part(&name.name)),
        None => part(&name.name),
    }
}

fn is_plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// The text after a type was renamed or moved: `::"old"` becomes `::"new"`. None if it has no such cast.
pub(super) fn rename_type(catalog: &Catalog, text: &str, from: &ObjectName, to: &ObjectName) -> Option<String> {
    let written = catalog.short(to);
    replace(text, |pieces, at| {
        let (first, last) = type_name_at(pieces, at)?;
        let schema = (first != last).then(|| pieces[first].name()).flatten();
        let named = catalog.resolve(&Name { schema, name: pieces[last].name()? });
        if named != *from {
            return None;
        }
        if at != last {
            return Some(String::new()); // `"schema"` and the dot go; the name brings its own
        }
        let schema = written.schema.as_ref().map(|schema| format!("{}.", quote_identifier(schema))).unwrap_or_default();
        Some(format!("{schema}{}", quote_identifier(&written.name)))
    })
}

/// If the piece is part of a type's name after `::`: where its first and last piece stand.
fn type_name_at(pieces: &[Piece<'_>], at: usize) -> Option<(usize, usize)> {
    let is = |at: Option<usize>, symbol: &str| at.is_some_and(|at| pieces[at] == Piece::Symbol(symbol));
    let before = |at: usize| beside(pieces, at, false);
    let after = |at: usize| beside(pieces, at, true);
    let mut first = at;
    while !is(before(first), "::") {
        first = before(first)?;
        let inside = matches!(pieces[first], Piece::Word(_) | Piece::Quoted(_) | Piece::Symbol("."));
        if !inside || at - first > 4 {
            return None;
        }
    }
    let last = if is(after(first), ".") { after(after(first)?)? } else { first };
    (at <= last && pieces[last].name().is_some()).then_some((first, last))
}

/// The text after an enum value was renamed, in every literal that says just this value. None if there is none.
pub(super) fn rename_value(text: &str, from: &str, to: &str) -> Option<String> {
    replace(text, |pieces, at| (pieces[at].string()? == from).then(|| quote_literal(to)))
}

/// The text after a table was renamed: its name before a dot.
pub(super) fn rename_qualifier(text: &str, from: &str, to: &str) -> Option<String> {
    replace(text, |pieces, at| {
        let dotted = beside(pieces, at, true).is_some_and(|next| pieces[next] == Piece::Symbol("."));
        (dotted && pieces[at].name()? == from).then(|| quote_identifier(to))
    })
}

/// Whether the expression is just `NULL`: PostgreSQL stores no such default.
pub(super) fn is_null(text: &str) -> bool {
    let mut pieces = pieces(text).into_iter().filter(|piece| !matches!(piece, Piece::Space(_)));
    let null = matches!(pieces.next(), Some(Piece::Word(word)) if word.eq_ignore_ascii_case("null"));
    null && matches!(pieces.next(), None | Some(Piece::Symbol("::")))
}

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

/// Without the default schema before a dot.
fn without_schema<'a>(pieces: &[Piece<'a>], schema: &str) -> Vec<Piece<'a>> {
    let dot = |at: usize| pieces.get(at) == Some(&Piece::Symbol("."));
    let qualifies =
        |at: usize| dot(at + 1) && !(at > 0 && dot(at - 1)) && pieces[at].name().is_some_and(|name| name == schema);
    let kept = (0..pieces.len()).filter(|at| !qualifies(*at) && !(*at > 0 && qualifies(*at - 1)));
    kept.map(|at| pieces[at]).collect()
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
    for piece in pieces {
        if !text.is_empty() {
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

    fn named(schema: &str, name: &str) -> ObjectName {
        ObjectName { schema: schema.to_owned(), name: name.to_owned() }
    }

    #[test]
    fn follows_sequences() {
        let new = Name { schema: Some("b".to_owned()), name: "X".to_owned() };
        assert_eq!(nextval("nextval('u_id_seq')"), Some(Name::bare("u_id_seq")));
        assert_eq!(nextval("nextval('a.\"U_id\"'::regclass)").map(|name| name.to_string()), Some("a.U_id".to_owned()));
        assert_eq!(nextval("'x'"), None);
        assert_eq!(with_nextval("nextval('u')", &new).as_deref(), Some("nextval('b.\"X\"'::regclass)"));
        assert_eq!(with_nextval("nextval('u'::regclass)", &new).as_deref(), Some("nextval('b.\"X\"'::regclass)"));
    }

    #[test]
    fn follows_types() {
        let catalog = Catalog::new("public");
        let rename = |text| rename_type(&catalog, text, &named("public", "Role"), &named("b", "Kind"));
        assert_eq!(rename("ARRAY['A']::\"Role\"[]").as_deref(), Some("ARRAY['A']::\"b\".\"Kind\"[]"));
        assert_eq!(rename("'A' :: \"public\".\"Role\"").as_deref(), Some("'A' :: \"b\".\"Kind\""));
        assert_eq!(rename("'A'::\"a\".\"Role\" || \"Role\""), None);
    }

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

    #[test]
    fn null_is_no_default() {
        assert!(is_null("null::text") && is_null("NULL") && !is_null("nullif(1, 2)") && !is_null("NULL + 1"));
    }
}
