//! Batches: an `UPDATE` or `DELETE` whose rows a query names that gives only so many.

use crate::sql::code::with_names;
use crate::sql::tokens::{Kind, Token, name, tokens};

/// A batch of at most this many rows is written in a moment, whatever the table's size.
const LARGEST: u64 = 10_000;

/// Whether the statement reaches at most a batch of rows: `WHERE id IN (SELECT id FROM the_same_table … LIMIT 5000)`, or the same
/// through a `WITH`. A `LIMIT` elsewhere (in a value that is assigned, in a query of its own for each row) bounds nothing.
pub(super) fn is_bounded(text: &str) -> bool {
    let tokens = tokens(text);
    let Some((table, condition)) = parts(&tokens) else { return false };
    // one more way in is enough for more rows
    if depths(condition).any(|(depth, token)| depth == 0 && (token.is("or") || token.is("not"))) {
        return false;
    }
    let batches = limited_queries(&tokens, &table);
    let here = condition.first().map_or(text.len(), |token| token.start);
    let named = |at: usize| at >= 2 && (tokens[at - 2].is("in") || tokens[at - 2].is("any"));
    let outermost = |at: usize| depths(condition).any(|(depth, token)| depth == 1 && token.start == tokens[at].start);
    let direct = batches.iter().any(|&at| named(at) && outermost(at));
    let names = with_names(text);
    let through = || {
        let limited = batches.iter().any(|&at| tokens[at].start < here);
        let asked =
            condition.iter().any(|token| token.kind != Kind::Literal && names.contains(&token.text.to_lowercase()));
        tokens.first().is_some_and(|token| token.is("with")) && names.len() == 1 && limited && asked
    };
    direct || through()
}

/// The table that the outer statement writes, and its condition.
fn parts<'t, 'a>(tokens: &'t [Token<'a>]) -> Option<(String, &'t [Token<'a>])> {
    let outer = |word: &str, from: usize| {
        depths(tokens)
            .enumerate()
            .skip(from)
            .find(|(_, (depth, token))| *depth == 0 && token.is(word))
            .map(|(at, _)| at)
    };
    let at = match (outer("update", 0), outer("delete", 0)) {
        (Some(update), _) => update + 1,
        (None, Some(delete)) => delete + 2,
        (None, None) => return None,
    };
    let at = at + usize::from(tokens.get(at)?.is("only"));
    let (table, _) = name(tokens.get(at..)?)?;
    Some((table.name, &tokens[outer("where", at)? + 1..]))
}

/// Where queries of this table begin that give at most a batch.
fn limited_queries(tokens: &[Token<'_>], table: &str) -> Vec<usize> {
    let begins = (1..tokens.len()).filter(|&at| tokens[at].is("select") && tokens[at - 1].is_symbol("("));
    begins
        .filter(|&at| {
            let own: Vec<&Token<'_>> = depths(&tokens[at..])
                .take_while(|(depth, token)| *depth > 0 || !token.is_symbol(")"))
                .filter(|(depth, _)| *depth == 0)
                .map(|(_, token)| token)
                .collect();
            let of_table = own.iter().position(|token| token.is("from")).is_some_and(|from| {
                let rest: Vec<Token<'_>> = own[from + 1..].iter().map(|token| **token).collect();
                name(&rest).is_some_and(|(name, _)| name.name == table)
            });
            let count =
                |token: &Token<'_>| token.text.replace('_', "").parse::<u64>().is_ok_and(|rows| rows <= LARGEST);
            let limited = own.windows(2).any(|pair| pair[0].is("limit") && count(pair[1]));
            let fetched =
                own.windows(3).any(|it| it[0].is("fetch") && (it[1].is("first") || it[1].is("next")) && count(it[2]));
            of_table && (limited || fetched)
        })
        .collect()
}

/// Tokens with how many parentheses stand open around each.
fn depths<'t, 'a>(tokens: &'t [Token<'a>]) -> impl Iterator<Item = (usize, &'t Token<'a>)> {
    let mut depth = 0_usize;
    tokens.iter().map(move |token| {
        let around = depth;
        if token.is_symbol("(") {
            depth += 1;
        } else if token.is_symbol(")") {
            depth = depth.saturating_sub(1);
        }
        (around, token)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_limit_on_the_rows_is_a_batch() {
        for text in [
            "UPDATE \"Tram\" SET a = 1 WHERE id IN (SELECT id FROM \"Tram\" WHERE a IS NULL LIMIT 5000);",
            "update tram set a = (select max(b) from c) where b > 1 and id = any (select id from tram order by id limit 1_000)",
            "DELETE FROM ONLY public.tram t WHERE ctid IN (SELECT ctid FROM tram FETCH FIRST 500 ROWS ONLY)",
            "WITH batch AS (SELECT id FROM tram WHERE a IS NULL LIMIT 5000 FOR UPDATE SKIP LOCKED) \
             UPDATE tram SET a = 1 FROM batch WHERE tram.id = batch.id",
        ] {
            assert!(is_bounded(text), "{text}");
        }
        for text in [
            "UPDATE tram SET a = (SELECT b FROM c ORDER BY d LIMIT 1)",
            "UPDATE tram SET a = (SELECT b FROM tram ORDER BY d LIMIT 1) WHERE a IS NULL",
            "UPDATE tram SET a = 1 WHERE a = (SELECT b FROM tram LIMIT 1)",
            "UPDATE tram SET a = 1 WHERE id IN (SELECT id FROM tram LIMIT 5000) OR b",
            "UPDATE tram SET a = 1 WHERE id NOT IN (SELECT id FROM tram LIMIT 5000)",
            "UPDATE tram SET a = 1 WHERE id IN (SELECT id FROM tram LIMIT 500000)",
            "UPDATE tram SET a = 1 WHERE id IN (SELECT tram_id FROM c WHERE c.x = tram.x LIMIT 1)",
            "UPDATE tram SET a = 1 WHERE id IN (SELECT id FROM tram WHERE b IN (SELECT b FROM tram LIMIT 5))",
            "WITH batch AS (SELECT id FROM tram LIMIT 5) UPDATE tram SET a = 1 WHERE b",
        ] {
            assert!(!is_bounded(text), "{text}");
        }
    }
}
