//! Statements and actions that are known by their first words only, and what a rollback has to do about them.

use crate::sql::tokens::tokens;

/// Whether a statement is about what the definitions hold. They hold no settings, casts, operators and the like.
pub(super) fn is_defined(words: &str) -> bool {
    const KINDS: &[&str] = &[
        "VIEW",
        "MATERIALIZED",
        "FUNCTION",
        "PROCEDURE",
        "ROUTINE",
        "TRIGGER",
        "CONSTRAINT",
        "POLICY",
        "RULE",
        "STATISTICS",
        "DOMAIN",
        "TYPE",
    ];
    let mut words = words.split(' ');
    match words.next() {
        Some("GRANT" | "REVOKE" | "COMMENT") => true,
        Some("CREATE" | "ALTER" | "DROP") => {
            words.find(|word| !matches!(*word, "OR" | "REPLACE")).is_some_and(|kind| KINDS.contains(&kind))
        }
        _ => false,
    }
}

/// Actions of `ALTER TABLE` on what neither the catalog nor the definitions hold.
pub(super) fn is_unread(words: &str) -> bool {
    ["ALTER COLUMN RESTART", "NOT OF", "OF", "SET ACCESS METHOD", "SET TABLESPACE"]
        .iter()
        .any(|first| begins(words, first))
}

/// Actions of `ALTER TABLE` on what the definitions alone hold: how a column is computed, stored and counted, when a constraint is checked.
pub(super) fn is_setting(words: &str) -> bool {
    const FIRST: &[&str] = &[
        "ALTER COLUMN RESET",
        "ALTER COLUMN SET COMPRESSION",
        "ALTER COLUMN SET EXPRESSION",
        "ALTER COLUMN SET STATISTICS",
        "ALTER COLUMN SET STORAGE",
        "ALTER CONSTRAINT",
    ];
    // with nothing behind it, parameters of the column in parentheses
    words == "ALTER COLUMN SET" || FIRST.iter().any(|first| begins(words, first))
}

fn begins(words: &str, first: &str) -> bool {
    words.strip_prefix(first).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// Statements that change nothing that would have to be undone.
pub(super) fn speechless(words: &str) -> bool {
    const FIRST: &[&str] = &[
        "ANALYZE",
        "ANALYSE",
        "VACUUM",
        "CHECKPOINT",
        "LOCK",
        "RESET",
        "SHOW",
        "REINDEX",
        "REFRESH",
        "NOTIFY",
        "DISCARD",
        "CLUSTER",
        "SAVEPOINT",
        "RELEASE",
        "EXPLAIN",
    ];
    words.split(' ').next().is_some_and(|first| FIRST.contains(&first))
}

/// Whether it takes along what depends on what it drops.
pub(super) fn cascades(text: &str) -> bool {
    tokens(text).iter().any(|token| token.is("cascade"))
}

/// The beginning of a statement on one line.
pub(super) fn beginning(text: &str) -> String {
    const SHOWN: usize = 72;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    console::truncate_str(line.trim_end_matches(';'), SHOWN, "…").into_owned()
}
