//! Which rows the text of an `UPDATE`, `DELETE` or `TRUNCATE` reaches.

use super::Which;
use crate::sql::expression::{Piece, pieces};
use crate::sql::tokens::tokens;

/// Whether `ONLY` stands before the table of an `UPDATE`, `DELETE` or `TRUNCATE`; behind a `WITH` it is looked for anywhere.
pub(super) fn says_only(text: &str) -> bool {
    let tokens = tokens(text);
    let first = tokens.iter().position(|token| ["update", "delete", "truncate"].iter().any(|word| token.is(word)));
    let rest = first.and_then(|at| tokens.get(at + 1..)).unwrap_or_default();
    let name = rest.iter().find(|token| !token.is("from") && !token.is("table"));
    name.is_some_and(|token| token.is("only"))
}

/// The rows of a `DELETE` or `UPDATE`: its condition, if nothing else takes part in it.
pub(super) fn which(text: &str) -> Which {
    // behind a WITH the condition may read what its queries give
    if tokens(text).first().is_some_and(|token| token.is("with")) {
        return Which::All;
    }
    simple(text).unwrap_or(Which::All)
}

fn simple(text: &str) -> Option<Which> {
    let all = pieces(text);
    let solid: Vec<(usize, Piece<'_>)> =
        all.iter().copied().enumerate().filter(|(_, piece)| !matches!(piece, Piece::Space(_))).collect();
    let word = |at: usize| match solid.get(at) {
        Some((_, Piece::Word(word))) => word.to_ascii_lowercase(),
        _ => String::new(),
    };
    let symbol = |at: usize, symbol: &str| matches!(solid.get(at), Some((_, Piece::Symbol(own))) if *own == symbol);
    let update = word(0) == "update";
    let mut at = if update { 1 } else { 2 };
    at += usize::from(word(at) == "only");
    at += 1;
    while symbol(at, ".") {
        at += 2;
    }
    at += usize::from(symbol(at, "*"));
    at += usize::from(word(at) == "as");
    let follows = ["set", "where", "using", "returning"];
    let mut alias = None;
    if let Some((_, piece)) = solid.get(at)
        && let Some(name) = piece.name()
        && !follows.contains(&word(at).as_str())
    {
        alias = Some(name);
        at += 1;
    }
    let mut depth = 0_i32;
    let mut condition = None;
    for (index, (position, piece)) in solid.iter().enumerate().skip(at) {
        match piece {
            Piece::Symbol("(" | "[") => depth += 1,
            Piece::Symbol(")" | "]") => depth -= 1,
            Piece::Word(_) if depth == 0 => match word(index).as_str() {
                "where" if condition.is_none() => condition = Some(position + 1),
                "from" if condition.is_none() => return None,
                "using" | "returning" | "current" => return None,
                _ => {}
            },
            _ => {}
        }
    }
    let Some(start) = condition else { return Some(Which::All) };
    let condition: String = all[start..].iter().map(|piece| piece.text()).collect();
    Some(Which::Where { alias, condition: condition.trim().trim_end_matches(';').trim_end().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn which_of(text: &str) -> (Option<String>, String) {
        match which(text) {
            Which::All | Which::Emptied => (None, "all".into()),
            Which::Where { alias, condition } => (alias, condition),
            Which::Referring { .. } | Which::Following { .. } => unreachable!("of no text"),
        }
    }

    #[test]
    fn conditions_are_found_where_they_are_all_that_matters() {
        assert_eq!(which_of("DELETE FROM \"Song\";"), (None, "all".into()));
        assert_eq!(
            which_of("delete from only public.\"Song\" as s where s.a = 'x;' ;"),
            (Some("s".into()), "s.a = 'x;'".into())
        );
        assert_eq!(
            which_of("UPDATE \"Song\" SET a = (SELECT 1 FROM b WHERE c), d = 2 WHERE e IN (1)"),
            (None, "e IN (1)".into())
        );
        assert_eq!(which_of("UPDATE \"Song\" SET a = b.x FROM b WHERE b.id = 1"), (None, "all".into()));
        assert_eq!(which_of("DELETE FROM a USING b WHERE a.x = b.x"), (None, "all".into()));
        assert_eq!(which_of("DELETE FROM a WHERE x RETURNING y"), (None, "all".into()));
    }
}
