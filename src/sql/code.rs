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

/// What a function may do when it is called, as far as its definition says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// It reads and computes.
    Reads,
    /// It changes rows.
    Rows,
    /// It may make and drop objects, or what it does is not known.
    Anything,
}

/// What a `CREATE FUNCTION` may do by itself when it is called, and the functions that it calls in turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routine {
    pub reach: Reach,
    /// It is declared not to write: of what it calls, only what is known to write counts.
    pub declared: bool,
    pub calls: Vec<String>,
    /// Every name in its body, in lower case unless quoted: some are the relations that it reads.
    pub names: BTreeSet<String>,
}

impl Routine {
    /// One that only reads and computes, as far as what it calls does.
    pub fn harmless(calls: Vec<String>) -> Self {
        Self { reach: Reach::Reads, declared: true, calls, names: BTreeSet::new() }
    }
}

/// Reads a `CREATE FUNCTION`. One in a language that is not followed may do anything, unless it is declared not to: PostgreSQL
/// lets no `STABLE` or `IMMUTABLE` function in SQL or PL/pgSQL write.
pub fn routine(definition: &str) -> Routine {
    const ROWS: &[&str] = &["insert", "update", "delete", "merge", "truncate", "copy"];
    const ANYTHING: &[&str] = &["execute", "call", "create", "alter", "drop", "do", "import", "reassign", "refresh"];
    let all = tokens(definition);
    let outer = outside_parentheses(&all);
    let language = after(&all, "language").and_then(<[Token<'_>]>::first);
    let followed = language.map_or_else(
        // the body of standard SQL needs none
        || after(&all, "begin atomic").is_some() || outer.iter().any(|token| token.is("return")),
        |token| ["sql", "plpgsql"].iter().any(|name| token.text.eq_ignore_ascii_case(name)),
    );
    let declared = ["immutable", "stable"].iter().any(|word| outer.iter().any(|token| token.is(word)));
    // its own CREATE stands in front
    let own = all.get(1..).unwrap_or_default();
    let bodies: Vec<Vec<Token<'_>>> = literals(definition).map(tokens).collect();
    let held = |words: &[&str]| {
        let is = |token: &Token<'_>| words.iter().any(|word| token.is(word));
        bodies.iter().flatten().any(is) || after(own, "begin atomic").is_some_and(|body| body.iter().any(is))
    };
    let reach = match (declared, followed) {
        (true, _) => Reach::Reads,
        (false, false) => Reach::Anything,
        (false, true) if held(ANYTHING) => Reach::Anything,
        (false, true) if held(ROWS) => Reach::Rows,
        (false, true) => Reach::Reads,
    };
    let mut called = BTreeSet::new();
    if followed {
        for body in literals(definition) {
            let names = with_names(body);
            called.extend(
                calls(body).into_iter().filter(|name| !CONTROL.contains(&name.as_str()) && !names.contains(name)),
            );
        }
        let body = after(&all, "begin atomic").or_else(|| after(&all, "return")).and_then(<[Token<'_>]>::first);
        called.extend(body.and_then(|token| definition.get(token.start..)).into_iter().flat_map(calls));
    }
    let names = bodies.iter().flatten().filter_map(Token::identifier).collect();
    Routine { reach, declared, calls: called.into_iter().collect(), names }
}

/// Words of PL/pgSQL that stand before a parenthesis like a function.
const CONTROL: &[&str] = &[
    "if", "elsif", "elseif", "while", "return", "next", "query", "assert", "exit", "continue", "cursor", "do", "values",
];

/// The tokens that stand in no parentheses: a parameter may be called `stable`.
fn outside_parentheses<'t>(tokens: &[Token<'t>]) -> Vec<Token<'t>> {
    let mut depth = 0_usize;
    let mut found = Vec::new();
    for token in tokens {
        if token.is_symbol("(") {
            depth += 1;
        } else if token.is_symbol(")") {
            depth = depth.saturating_sub(1);
        } else if depth == 0 {
            found.push(*token);
        }
    }
    found
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
    fn a_function_s_definition_tells_what_it_may_do() {
        let of = |rest: &str| routine(&format!("CREATE FUNCTION f(stable int) RETURNS int {rest}"));
        let reach = |rest: &str| of(rest).reach;
        assert_eq!(reach("LANGUAGE sql AS 'SELECT 1'"), Reach::Reads);
        assert_eq!(
            reach("LANGUAGE plpgsql AS $$ BEGIN IF (stable > 1) THEN RETURN random(); END IF; END $$"),
            Reach::Reads
        );
        assert_eq!(reach("LANGUAGE sql AS 'DELETE FROM a RETURNING 1'"), Reach::Rows);
        assert_eq!(reach("LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT 1'; END $$"), Reach::Anything);
        assert_eq!(reach("LANGUAGE plpgsql AS $$ BEGIN CREATE TABLE a (); END $$"), Reach::Anything);
        assert_eq!(reach("LANGUAGE c AS 'lib', 'f'"), Reach::Anything);
        assert_eq!(reach("IMMUTABLE LANGUAGE c AS 'lib', 'f'"), Reach::Reads);
        assert_eq!(reach("RETURN stable + 1"), Reach::Reads);
        assert_eq!(reach("BEGIN ATOMIC DELETE FROM a; SELECT 1; END"), Reach::Rows);
        assert_eq!(of("LANGUAGE sql AS 'SELECT g(lower(x)) FROM a'").calls, ["g", "lower"]);
        assert_eq!(of("LANGUAGE plpgsql AS $$ BEGIN IF (true) THEN PERFORM g(1); END IF; END $$").calls, ["g"]);
        assert_eq!(of("RETURN g(1)").calls, ["g"]);
    }

    #[test]
    fn a_with_is_taken_apart() {
        let text = "WITH fresh (id) AS (INSERT INTO a SELECT (1) RETURNING id), \"Gone\" AS MATERIALIZED (DELETE FROM b) \
                    UPDATE c SET x = fresh.id FROM fresh";
        let found: Vec<&str> = inner(text).into_iter().map(|inner| &text[inner.range]).collect();
        assert_eq!(found, ["INSERT INTO a SELECT (1) RETURNING id", "DELETE FROM b"]);
        assert!(!hides_writing(text));
        assert_eq!(with_names(text).into_iter().collect::<Vec<_>>(), ["Gone", "fresh"]);
        for text in [
            "WITH m AS (MERGE INTO a USING b ON true WHEN MATCHED THEN DELETE) SELECT 1",
            "COPY (DELETE FRO a) TO STDOUT",
        ] {
            assert!(hides_writing(text), "{text}");
        }
    }
}
