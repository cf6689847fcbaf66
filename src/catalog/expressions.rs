//! Expressions inside the catalog: what they depend on, and how they follow renames.

use super::{Catalog, ObjectName};
use crate::sql::expression::{Piece, beside, pieces, replace};
pub(super) use crate::sql::expression::{mentions, rename_column};
use crate::sql::{Expr, Name, quote_identifier, quote_literal};

/// The sequence that `nextval('…')` names.
pub(crate) fn nextval(text: &str) -> Option<Name> {
    if !text.contains('(') {
        return None;
    }
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

pub(super) fn is_plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// The text after a type was renamed or moved: `::"old"` becomes `::"new"`. None if it has no such cast.
pub(super) fn rename_type(catalog: &Catalog, text: &str, from: &ObjectName, to: &ObjectName) -> Option<String> {
    // a quote in the name is doubled there, and other letters than these fold in more ways
    let name = from.name.as_bytes();
    let plain = !name.is_empty() && from.name.is_ascii() && !name.contains(&b'"');
    let named = || text.as_bytes().windows(name.len()).any(|part| part.eq_ignore_ascii_case(name));
    if !text.contains("::") || plain && !named() {
        return None;
    }
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
        Some(written.quoted())
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
    if !text.contains('.') {
        return None;
    }
    replace(text, |pieces, at| {
        let dotted = beside(pieces, at, true).is_some_and(|next| pieces[next] == Piece::Symbol("."));
        (dotted && pieces[at].name()? == from).then(|| quote_identifier(to))
    })
}

/// The function that an index key calls, or the column that it casts: what PostgreSQL calls the key.
pub(super) fn called(text: &str) -> Option<String> {
    let all: Vec<Piece<'_>> = pieces(text).into_iter().filter(|piece| !matches!(piece, Piece::Space(_))).collect();
    let open = all.iter().take_while(|piece| **piece == Piece::Symbol("(")).count();
    let mut last = open;
    while all.get(last + 1) == Some(&Piece::Symbol(".")) {
        last += 2;
    }
    let name = all.get(last)?.name()?;
    match all.get(last + 1)? {
        Piece::Symbol("::") => Some(name),
        Piece::Symbol("(") => {
            let end = last
                + 2
                + all[last + 2..]
                    .iter()
                    .scan(1_usize, |depth, piece| {
                        match piece {
                            Piece::Symbol("(") => *depth += 1,
                            Piece::Symbol(")") => *depth -= 1,
                            _ => {}
                        }
                        (*depth > 0).then_some(())
                    })
                    .count();
            let operator = |piece: &&Piece<'_>| matches!(piece, Piece::Symbol(symbol) if *symbol != ")");
            all.get(end + 1).filter(operator).is_none().then_some(name)
        }
        _ => None,
    }
}

/// Whether the expression is just `NULL`: PostgreSQL stores no such default.
pub(super) fn is_null(text: &str) -> bool {
    let mut pieces = pieces(text).into_iter().filter(|piece| !matches!(piece, Piece::Space(_)));
    let null = matches!(pieces.next(), Some(Piece::Word(word)) if word.eq_ignore_ascii_case("null"));
    null && matches!(pieces.next(), None | Some(Piece::Symbol("::")))
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
    fn names_of_keys() {
        assert_eq!(called("lower(\"A\") DESC").as_deref(), Some("lower"));
        assert_eq!(called("(f.g(a, (b)))").as_deref(), Some("g"));
        assert_eq!(called("(a::text)").as_deref(), Some("a"));
        assert_eq!(called("(lower(a) || b)"), None);
        assert_eq!(called("(a + b)"), None);
    }

    #[test]
    fn null_is_no_default() {
        assert!(is_null("null::text") && is_null("NULL") && !is_null("nullif(1, 2)") && !is_null("NULL + 1"));
    }
}
