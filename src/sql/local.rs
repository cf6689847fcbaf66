//! What a statement sets for its transaction alone. In a file with a transaction of its own, what stands behind the `COMMIT` must not
//! feel it.

use super::ast::{Statement, StatementKind};
use super::tokens::tokens;

/// Whether what a statement sets ends with its transaction: `SET LOCAL`, `SET CONSTRAINTS`, `set_config(…, true)`, a temporary table
/// that goes then. Of code its text tells, rather too often.
pub(crate) fn ends_with_transaction(statement: &Statement, text: &str) -> bool {
    let says = |words: &[&str]| {
        tokens(text).windows(words.len()).any(|at| at.iter().zip(words).all(|(token, word)| token.is(word)))
    };
    match &statement.kind {
        StatementKind::Set { local, .. } => *local,
        StatementKind::Other { words } => {
            ["SET LOCAL", "SET CONSTRAINTS", "SET TRANSACTION"].iter().any(|first| words.starts_with(first))
        }
        StatementKind::Select => says(&["set_config"]) && says(&["true"]),
        StatementKind::CreateTable { temporary: true, .. } => says(&["on", "commit"]),
        StatementKind::Do { .. } => {
            let text = text.to_lowercase();
            ["set local", "set_config", "set constraints", "on commit"].iter().any(|words| text.contains(words))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::script::Script;
    use super::*;

    #[test]
    fn what_ends_with_a_transaction_is_known_by_its_words() {
        for (sql, local) in [
            ("SET LOCAL search_path = other", true),
            ("SET LOCAL ROLE writer", true),
            ("SET CONSTRAINTS ALL DEFERRED", true),
            ("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", true),
            ("SELECT set_config('search_path', 'other', true)", true),
            ("SELECT pg_catalog.set_config('a.b', 'c', TRUE)", true),
            ("CREATE TEMP TABLE t ON COMMIT DROP AS SELECT 1", true),
            ("DO $$ BEGIN SET LOCAL role = x; END $$", true),
            ("SET search_path = other", false),
            ("SELECT set_config('search_path', 'other', false)", false),
            ("SELECT true", false),
            ("CREATE TEMP TABLE t (id INT)", false),
            ("UPDATE t SET local = true", false),
        ] {
            let script = Script::parse(sql);
            let statement = &script.statements()[0];
            assert_eq!(ends_with_transaction(statement, sql), local, "{statement:?}");
        }
    }
}
