//! Where a literal stands in a statement: what it is cast to, and the column that it is compared with or goes to.

use super::super::ast::Name;
use super::super::tokens::{Kind, Token, name};

/// The type of `'value'::type` or `CAST('value' AS type)`.
pub(super) fn cast(all: &[Token<'_>], at: usize) -> Option<Name> {
    let rest = all.get(at + 1..)?;
    let behind = match rest {
        [first, second, rest @ ..] if first.is_symbol(":") && second.is_symbol(":") => rest,
        [first, rest @ ..] if first.is("as") && at >= 2 && all[at - 2].is("cast") => rest,
        _ => return None,
    };
    name(behind).map(|(name, _)| name)
}

/// The column that a literal is compared with or assigned to: `state = 'A'`, `t.state IN ('B', 'A')`, `SET state = 'A'`.
pub(super) fn compared(all: &[Token<'_>], at: usize) -> Option<String> {
    let mut before = at.checked_sub(1)?;
    // back over the list that it stands in
    if all[before].is_symbol("(") || all[before].is_symbol(",") {
        while all[before].is_symbol(",") || all[before].kind == Kind::Literal {
            before = before.checked_sub(1)?;
        }
        if !all[before].is_symbol("(") {
            return None;
        }
        before = before.checked_sub(1)?;
        if !all[before].is("in") {
            return None;
        }
        before = before.checked_sub(1)?;
        if all[before].is("not") {
            before = before.checked_sub(1)?;
        }
    } else {
        let operator = |token: &Token<'_>| token.kind == Kind::Symbol && matches!(token.text, "=" | "<" | ">" | "!");
        if !operator(&all[before]) {
            return None;
        }
        while operator(&all[before]) {
            before = before.checked_sub(1)?;
        }
    }
    // `column::text = …` is compared as text
    if before >= 3 && all[before - 1].is_symbol(":") {
        return None;
    }
    all[before].identifier()
}

/// The column that a value of `INSERT INTO t (a, b) VALUES (…)` or `… SELECT …` goes to.
pub(super) fn inserted(all: &[Token<'_>], at: usize) -> Option<String> {
    let insert = all.iter().position(|token| token.is("into"))?;
    let (_, rest) = name(&all[insert + 1..])?;
    if !rest.first()?.is_symbol("(") {
        return None;
    }
    let close = rest.iter().position(|token| token.is_symbol(")"))?;
    let columns: Vec<&Token<'_>> = rest[1..close].iter().filter(|token| token.kind != Kind::Symbol).collect();
    let body = all.len() - rest.len() + close + 1;
    let first = all.get(body)?;
    // the row that the value stands in, or the list of the SELECT
    let mut depth = 0_usize;
    let mut place = 0;
    for (index, token) in all.iter().enumerate().skip(body + 1) {
        let base = usize::from(first.is("values"));
        if index == at {
            return (depth == base).then(|| columns.get(place)?.identifier())?;
        }
        if token.is_symbol("(") {
            depth += 1;
            if depth == base {
                place = 0;
            }
        } else if token.is_symbol(")") {
            depth = depth.saturating_sub(1);
        } else if token.is_symbol(",") && depth == base {
            place += 1;
        } else if depth == 0 && base == 0 && token.is("from") {
            return None;
        }
    }
    None
}

/// The tables that a statement names.
pub(super) fn tables(all: &[Token<'_>]) -> Vec<Name> {
    const BEFORE: &[&str] = &["from", "join", "update", "into", "table", "on", "only", "exists"];
    let mut found: Vec<Name> = Vec::new();
    for (at, token) in all.iter().enumerate() {
        let named = BEFORE.iter().any(|word| token.is(word));
        let follows = |at: usize| {
            all.get(at).filter(|token| !BEFORE.iter().any(|word| token.is(word)) && token.kind != Kind::Literal)
        };
        if named
            && follows(at + 1).is_some_and(|token| token.kind != Kind::Symbol && !matches!(token.text.to_ascii_lowercase().as_str(), "select" | "if" | "conflict" | "delete" | "set" | "not"))
            && let Some((name, rest)) = name(&all[at + 1..])
            // `ON a.id = b.id` names no table, `extract(… FROM now())` neither
            && !(token.is("on") && name.schema.is_some() && rest.first().is_some_and(|token| token.is_symbol("=")))
            && !(token.is("from") && rest.first().is_some_and(|token| token.is_symbol("(")))
            && !found.contains(&name)
        {
            found.push(name);
        }
    }
    found
}
