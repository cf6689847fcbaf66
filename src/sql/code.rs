//! Whether a statement does more than its first words say: calls that may write, and statements inside others.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::OnceLock;

use super::ast::StatementKind;
use super::script::Script;
use super::tokens::{Kind, Token, after, calls, tokens};

/// Functions that come with PostgreSQL and change neither rows nor objects, words that stand before a parenthesis like one, and
/// those of the extensions that most projects have: one a line, sorted. From `pg_proc` of PostgreSQL 15 (immutable, stable, and
/// chosen volatile ones), with what 16 to 18 have added.
const BUILT_IN: &str = include_str!("builtins.txt");

/// Whether PostgreSQL, or an extension that most projects have, brings a function of this name that only reads or computes.
pub fn is_built_in(name: &str) -> bool {
    static NAMES: OnceLock<BTreeSet<&'static str>> = OnceLock::new();
    NAMES.get_or_init(|| BUILT_IN.lines().collect()).contains(name)
}

/// Whether a query does no more than read, as far as its text says.
pub fn only_reads(text: &str) -> bool {
    writing(text).is_empty() && calls_unknown(text).is_none()
}

/// The first function that a query calls and that may do anything, as far as its text says.
pub fn calls_unknown(text: &str) -> Option<String> {
    let unknown = || calls(text).into_iter().filter(|name| !is_built_in(name));
    // `WITH fresh (id) AS …` names columns
    let names = if unknown().next().is_some() { with_names(text) } else { BTreeSet::new() };
    unknown().find(|name| !names.contains(name))
}

/// `MERGE` or a statement that cannot be read, inside another: it writes, and what is not known.
pub fn hides_writing(text: &str) -> bool {
    writing(text).len() > inner(text).len()
}

/// A statement that writes inside a `WITH`, as written there.
#[derive(Debug, Clone)]
pub struct Inner {
    /// Its bytes in the statement around it, without the parentheses.
    pub range: Range<usize>,
    /// `INSERT`, `UPDATE` or `DELETE`.
    pub kind: StatementKind,
}

/// The statements of `WITH gone AS (DELETE …)` that write and can be read, in their order.
pub fn inner(text: &str) -> Vec<Inner> {
    let read = |range: Range<usize>| {
        let script = Script::parse(text.get(range.clone())?);
        let [only] = script.statements() else { return None };
        let writes = matches!(
            only.kind,
            StatementKind::Insert { .. } | StatementKind::Update { .. } | StatementKind::Delete { .. }
        );
        (writes && script.errors().is_empty()).then(|| Inner { range, kind: only.kind.clone() })
    };
    writing(text).into_iter().filter_map(read).collect()
}

/// The names that a `WITH` gives to its queries, in lower case where they are not quoted.
pub fn with_names(text: &str) -> BTreeSet<String> {
    let tokens = tokens(text);
    let mut names = BTreeSet::new();
    for at in (0..tokens.len()).filter(|at| tokens[*at].is("as")) {
        let opens = tokens[at + 1..].iter().find(|token| !token.is("not") && !token.is("materialized"));
        if !opens.is_some_and(|token| token.is_symbol("(")) {
            continue;
        }
        // `name AS (`, `name (a, b) AS (`
        let listed = tokens[..at].last().is_some_and(|token| token.is_symbol(")"));
        let end = if listed { tokens[..at].iter().rposition(|token| token.is_symbol("(")) } else { Some(at) };
        let named = end.and_then(|end| end.checked_sub(1));
        names.extend(named.and_then(|named| tokens.get(named)?.identifier()));
    }
    names
}

/// The bytes between parentheses that begin with a statement that writes.
fn writing(text: &str) -> Vec<Range<usize>> {
    let writes = |token: &Token<'_>| ["delete", "update", "insert", "merge"].iter().any(|word| token.is(word));
    let tokens = tokens(text);
    let opens = (1..tokens.len()).filter(|at| tokens[at - 1].is_symbol("(") && writes(&tokens[*at]));
    opens
        .map(|at| {
            let mut depth = 1_usize;
            let end = tokens[at..].iter().find(|token| {
                depth += usize::from(token.is_symbol("("));
                depth -= usize::from(token.is_symbol(")"));
                depth == 0
            });
            tokens[at].start..end.map_or(text.len(), |token| token.start)
        })
        .collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_functions_are_known() {
        for name in
            ["string_to_array", "jsonb_object_agg", "lower", "row_number", "uuid_generate_v4", "coalesce", "setval"]
        {
            assert!(is_built_in(name), "{name}");
        }
        for name in ["pg_terminate_backend", "lo_unlink", "query_to_xml", "dblink_exec", "repair_songs"] {
            assert!(!is_built_in(name), "{name}");
        }
        assert!(BUILT_IN.lines().is_sorted());
    }

    #[test]
    fn a_with_is_taken_apart() {
        let text = "WITH fresh (id) AS (INSERT INTO a SELECT (1) RETURNING id), \"Gone\" AS MATERIALIZED (DELETE FROM b) \
                    UPDATE c SET x = fresh.id FROM fresh";
        let found: Vec<&str> = inner(text).into_iter().map(|inner| &text[inner.range]).collect();
        assert_eq!(found, ["INSERT INTO a SELECT (1) RETURNING id", "DELETE FROM b"]);
        assert!(!hides_writing(text) && !only_reads(text));
        assert_eq!(with_names(text).into_iter().collect::<Vec<_>>(), ["Gone", "fresh"]);
        for text in [
            "WITH m AS (MERGE INTO a USING b ON true WHEN MATCHED THEN DELETE) SELECT 1",
            "COPY (DELETE FRO a) TO STDOUT",
        ] {
            assert!(hides_writing(text), "{text}");
        }
        assert!(only_reads("SELECT string_to_array(a, ',') FROM b WHERE c IN (SELECT 1)"));
    }
}
