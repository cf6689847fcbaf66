//! Options in parentheses that are on or off: `VACUUM (FULL false)`, `WITH (autovacuum_enabled = off)`. PostgreSQL reads
//! them all in one way, so they are read here alone.

use super::tokens::{Token, after, tokens};

/// Whether an option is on; none where it is not given. An option without a value is on, and of several the last one counts.
pub fn is_on(text: &str, option: &str) -> Option<bool> {
    let tokens = tokens(text);
    let begins_item = |at: usize| match at.checked_sub(1).and_then(|before| tokens.get(before)) {
        // `toast.autovacuum_enabled`
        Some(before) => before.is_symbol("(") || before.is_symbol(",") || before.is_symbol("."),
        None => false,
    };
    let named = |at: &usize| tokens[*at].identifier().is_some_and(|name| name == option) && begins_item(*at);
    let at = (0..tokens.len()).rev().find(named)?;
    let value = tokens[at + 1..].iter().find(|token| !token.is_symbol("="));
    Some(!value.is_some_and(is_off))
}

/// Whether a value reads as "off". Storage parameters may be shortened (`f`, `of`); any other
/// value fails when it runs, and is not taken for "off".
fn is_off(value: &Token<'_>) -> bool {
    let text = value.text.to_lowercase();
    let shortened = |word: &str, least: usize| text.len() >= least && word.starts_with(&text);
    text == "0" || shortened("false", 1) || shortened("off", 2) || shortened("no", 1)
}

/// Whether a `VACUUM` writes its table again.
pub fn vacuums_in_full(text: &str) -> bool {
    is_on(text, "full").unwrap_or_else(|| {
        // `VACUUM FULL song`; a table may be called `full` in quotes
        after(&tokens(text), "vacuum").and_then(<[Token<'_>]>::first).is_some_and(|first| first.is("full"))
    })
}

/// Whether an `EXPLAIN` runs its statement: a plan alone changes nothing.
pub fn explain_runs(text: &str) -> bool {
    let tokens = tokens(text);
    let Some(rest) = after(&tokens, "explain") else { return true };
    match rest.first() {
        Some(first) if first.is_symbol("(") => {
            let end = rest.iter().find(|token| token.is_symbol(")")).map_or(text.len(), |token| token.end);
            let options = text.get(first.start..end).unwrap_or_default();
            [is_on(options, "analyze"), is_on(options, "analyse")].contains(&Some(true))
        }
        Some(first) => first.is("analyze") || first.is("analyse"),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_off_is_off() {
        for off in [
            "false",
            "FALSE",
            "'false'",
            "\"false\"",
            "off",
            "OFF",
            "'off'",
            "0",
            "= off",
            "= 0",
            "=false",
            "no",
            "= f",
        ] {
            assert_eq!(is_on(&format!("VACUUM (VERBOSE, FULL {off}) a"), "full"), Some(false), "{off}");
        }
        for on in ["", "true", "'true'", "on", "1", "= on", "= yes", "2"] {
            assert_eq!(is_on(&format!("VACUUM (FULL {on}, VERBOSE) a"), "full"), Some(true), "{on}");
        }
        assert_eq!(is_on("ALTER TABLE a SET (toast.autovacuum_enabled = off)", "autovacuum_enabled"), Some(false));
        assert_eq!(is_on("REINDEX (CONCURRENTLY, CONCURRENTLY off) TABLE a", "concurrently"), Some(false));
        // the word alone is not the option
        for text in ["VACUUM (VERBOSE) \"full\"", "VACUUM full", "SELECT 'x' AS full", "CREATE TABLE a (b int)"] {
            assert_eq!(is_on(text, "full"), None, "{text}");
        }
    }

    #[test]
    fn statements_with_older_spellings() {
        for text in ["VACUUM FULL a", "vacuum full freeze a", "VACUUM (FULL) a", "VACUUM (FULL true, ANALYZE false) a"]
        {
            assert!(vacuums_in_full(text), "{text}");
        }
        for text in ["VACUUM a", "VACUUM \"full\"", "VACUUM full_songs", "VACUUM (FULL false) a", "VACUUM VERBOSE a"] {
            assert!(!vacuums_in_full(text), "{text}");
        }
        for text in ["EXPLAIN ANALYZE SELECT 1", "EXPLAIN (COSTS, ANALYZE) SELECT 1", "EXPLAIN (ANALYZE 1) SELECT 1"] {
            assert!(explain_runs(text), "{text}");
        }
        for text in [
            "EXPLAIN SELECT 1",
            "EXPLAIN VERBOSE DELETE FROM a",
            "EXPLAIN (ANALYZE false) DELETE FROM a",
            "EXPLAIN (COSTS) SELECT f(analyze)",
        ] {
            assert!(!explain_runs(text), "{text}");
        }
    }
}
