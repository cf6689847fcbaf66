//! Whether a script can run inside one transaction.

use std::ops::Range;

use super::ast::{ActionKind, Statement, StatementKind};
use super::new_value::Untold;
use super::script::Script;
use super::tokens::tokens;

/// How a script can be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Atomicity {
    /// It can run inside one transaction as it is.
    Transaction,
    /// Its only transaction control is pairs of `BEGIN` and `COMMIT`: with these statements blanked it is one transaction.
    OwnTransaction {
        /// The statements to blank.
        control: Vec<Range<usize>>,
    },
    /// It must run alone, outside of our transactions.
    Alone {
        /// Why, as a sentence's end: "`VACUUM` cannot run inside a transaction".
        why: String,
        /// What is to blame.
        range: Range<usize>,
    },
}

impl Script {
    /// Whether the script can run inside one transaction. What cannot be read cannot.
    pub fn atomicity(&self) -> Atomicity {
        if let Some(error) = self.errors().first() {
            return Atomicity::Alone { why: "it could not be read in full".to_owned(), range: error.range.clone() };
        }
        for statement in self.statements() {
            if let Some(why) = forbidden(&statement.kind, &self.text()[statement.range.clone()]) {
                return Atomicity::Alone { why, range: statement.range.clone() };
            }
        }
        if let Some(used) = self.used_new_values(&Untold).first() {
            let why = format!("the enum value {:?} is added and used in the same file", used.value);
            return Atomicity::Alone { why, range: self.statements()[used.used].range.clone() };
        }
        match control(self.statements()) {
            Ok(control) if control.is_empty() => Atomicity::Transaction,
            Ok(control) => Atomicity::OwnTransaction { control },
            Err((why, range)) => Atomicity::Alone { why: why.to_owned(), range },
        }
    }
}

impl Script {
    /// Whether a statement builds, drops or detaches `CONCURRENTLY`, outside of any transaction.
    pub fn works_concurrently(&self) -> bool {
        self.statements().iter().any(|statement| match &statement.kind {
            StatementKind::CreateIndex(index) => index.concurrently,
            StatementKind::DropIndex { concurrently, .. } => *concurrently,
            StatementKind::AlterTable { actions, .. } => actions.iter().any(
                |action| matches!(&action.kind, ActionKind::Other { words } if words == "DETACH PARTITION CONCURRENTLY"),
            ),
            StatementKind::Other { words } => begins(words, &["REINDEX"]) && words.ends_with(" CONCURRENTLY"),
            _ => false,
        })
    }
}

/// Why PostgreSQL refuses this statement in a transaction block (`PreventInTransactionBlock`), or why we must not wrap it.
pub(super) fn forbidden(kind: &StatementKind, text: &str) -> Option<String> {
    let refused = |what: &str| Some(format!("`{what}` cannot run inside a transaction"));
    match kind {
        StatementKind::CreateIndex(index) if index.concurrently => refused("CREATE INDEX CONCURRENTLY"),
        StatementKind::DropIndex { concurrently: true, .. } => refused("DROP INDEX CONCURRENTLY"),
        StatementKind::AlterTable { actions, .. } => actions.iter().find_map(|action| match &action.kind {
            ActionKind::Other { words } if words == "DETACH PARTITION CONCURRENTLY" => refused(words),
            _ => None,
        }),
        StatementKind::Rollback => Some("it rolls back by itself".to_owned()),
        StatementKind::Other { words } if is_outside(words, text) => refused(words),
        StatementKind::Other { words } if controls(words) => {
            Some(format!("it controls transactions by itself: `{words}`"))
        }
        StatementKind::Other { words } if words == "CALL" => Some("a procedure may commit by itself".to_owned()),
        _ => None,
    }
}

fn begins(words: &str, with: &[&str]) -> bool {
    with.iter().any(|start| words.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')))
}

fn is_outside(words: &str, text: &str) -> bool {
    const ALWAYS: &[&str] = &[
        "VACUUM",
        "ALTER SYSTEM",
        "CREATE DATABASE",
        "DROP DATABASE",
        "CREATE TABLESPACE",
        "DROP TABLESPACE",
        "CREATE SUBSCRIPTION",
        "ALTER SUBSCRIPTION",
        "DROP SUBSCRIPTION",
        "DISCARD ALL",
        "COMMIT PREPARED",
        "ROLLBACK PREPARED",
        "REINDEX DATABASE",
        "REINDEX SCHEMA",
        "REINDEX SYSTEM",
    ];
    begins(words, ALWAYS)
        || begins(words, &["REINDEX"]) && words.ends_with(" CONCURRENTLY")
        || begins(words, &["CLUSTER"]) && names_nothing(words, text)
        || begins(words, &["ALTER DATABASE"]) && text.to_ascii_uppercase().contains("TABLESPACE")
}

/// Whether nothing but options stands behind the first words: `CLUSTER (VERBOSE)` is about every table.
fn names_nothing(words: &str, text: &str) -> bool {
    let tokens = tokens(text);
    let mut rest = tokens.get(words.split(' ').count()..).unwrap_or_default();
    if rest.first().is_some_and(|token| token.is_symbol("(")) {
        let end = rest.iter().position(|token| token.is_symbol(")")).unwrap_or_default();
        rest = &rest[end + 1..];
    }
    rest.iter().all(|token| token.is_symbol(";"))
}

/// Transaction control beyond plain `BEGIN` and `COMMIT`.
pub(super) fn is_control(kind: &StatementKind) -> bool {
    match kind {
        StatementKind::Rollback => true,
        StatementKind::Other { words } => controls(words),
        _ => false,
    }
}

fn controls(words: &str) -> bool {
    const CONTROL: &[&str] = &[
        "BEGIN",
        "START TRANSACTION",
        "COMMIT",
        "END",
        "ROLLBACK",
        "ABORT",
        "SAVEPOINT",
        "RELEASE",
        "PREPARE TRANSACTION",
        "SET TRANSACTION",
    ];
    begins(words, CONTROL)
}

/// The `BEGIN`s and `COMMIT`s, if they are pairs one after another.
fn control(statements: &[Statement]) -> Result<Vec<Range<usize>>, (&'static str, Range<usize>)> {
    let mut control = Vec::new();
    let mut open: Option<Range<usize>> = None;
    for Statement { range, kind, .. } in statements {
        match (kind, open.take()) {
            (StatementKind::Begin, None) => open = Some(range.clone()),
            (StatementKind::Begin, Some(_)) => return Err(("a `BEGIN` stands inside another", range.clone())),
            (StatementKind::Commit, Some(begin)) => control.extend([begin, range.clone()]),
            (StatementKind::Commit, None) => return Err(("a `COMMIT` has no `BEGIN`", range.clone())),
            (_, still) => open = still,
        }
    }
    match open {
        Some(begin) => Err(("a `BEGIN` has no `COMMIT`", begin)),
        None => Ok(control),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn atomicity(text: &str) -> Atomicity {
        Script::parse(text).atomicity()
    }

    fn alone(text: &str) -> Option<String> {
        match atomicity(text) {
            Atomicity::Alone { why, .. } => Some(why),
            _ => None,
        }
    }

    #[test]
    fn plain_ddl_is_one_transaction() {
        assert_eq!(
            atomicity("CREATE TABLE a (b INT); SET LOCAL lock_timeout = 1; INSERT INTO a VALUES (1);"),
            Atomicity::Transaction
        );
        assert_eq!(atomicity(""), Atomicity::Transaction);
    }

    #[test]
    fn the_word_alone_is_no_concurrent_work() {
        let works = |text: &str| Script::parse(text).works_concurrently();
        for text in [
            "CREATE INDEX CONCURRENTLY a ON b (c)",
            "SELECT 1; drop index concurrently a",
            "REINDEX (CONCURRENTLY) TABLE a",
            "ALTER TABLE a DETACH PARTITION b CONCURRENTLY",
        ] {
            assert!(works(text), "{text}");
        }
        for text in [
            "VACUUM a; -- CONCURRENTLY",
            "COMMENT ON TABLE a IS 'CONCURRENTLY'",
            "REINDEX TABLE a",
            "REINDEX (CONCURRENTLY off) TABLE a",
        ] {
            assert!(!works(text), "{text}");
        }
    }

    #[test]
    fn pairs_can_be_blanked() {
        let text = "CREATE TABLE a (b INT);\nBEGIN;\nDROP TABLE a;\nCOMMIT;\nstart transaction; select 1; end work";
        let Atomicity::OwnTransaction { control } = atomicity(text) else { panic!("{:?}", atomicity(text)) };
        let control: Vec<&str> = control.into_iter().map(|range| &text[range]).collect();
        assert_eq!(control, ["BEGIN;", "COMMIT;", "start transaction;", "end work"]);
    }

    #[test]
    fn what_cannot_be_wrapped() {
        for text in [
            "CREATE INDEX CONCURRENTLY a ON b (c)",
            "DROP INDEX CONCURRENTLY a",
            "REINDEX TABLE CONCURRENTLY a",
            "REINDEX (CONCURRENTLY) INDEX a",
            "REINDEX (VERBOSE) DATABASE a",
            "REINDEX DATABASE",
            "VACUUM",
            "VACUUM (FULL) a",
            "ALTER SYSTEM SET a = 1",
            "CREATE DATABASE a",
            "DROP DATABASE a",
            "DROP TABLESPACE a",
            "ALTER TABLE a DETACH PARTITION b CONCURRENTLY",
            "BEGIN",
            "COMMIT",
            "BEGIN; BEGIN; COMMIT; COMMIT",
            "BEGIN; ROLLBACK",
            "BEGIN ISOLATION LEVEL SERIALIZABLE; COMMIT",
            "BEGIN; COMMIT AND CHAIN",
            "SAVEPOINT a; RELEASE a",
            "ROLLBACK TO SAVEPOINT a",
            "COMMIT PREPARED 'a'",
            "PREPARE TRANSACTION 'a'",
            "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
            "CLUSTER VERBOSE;",
            "CLUSTER (VERBOSE);",
            "DISCARD ALL",
            "ALTER DATABASE a SET TABLESPACE b",
            "CALL a()",
            "ALTER TABL a",
        ] {
            assert!(alone(text).is_some(), "{text}: {:?}", atomicity(text));
        }
        for text in [
            "REINDEX TABLE a",
            "REINDEX (CONCURRENTLY false) TABLE a",
            "CLUSTER (VERBOSE) a",
            "REFRESH MATERIALIZED VIEW CONCURRENTLY a",
            "CLUSTER a",
            "DISCARD PLANS",
            "ALTER DATABASE a SET b = 1",
            "ANALYZE a",
        ] {
            assert_eq!(alone(text), None, "{text}");
        }
    }

    #[test]
    fn a_new_enum_value_must_wait() {
        let add = "ALTER TYPE \"Role\" ADD VALUE 'NEW';";
        assert_eq!(alone(&format!("{add} ALTER TYPE \"Role\" ADD VALUE 'B' AFTER 'NEW';")), None);
        assert!(alone(&format!("{add} ALTER TABLE a ALTER b SET DEFAULT 'NEW'")).is_some());
        assert!(alone(&format!("{add} ALTER TABLE a ALTER b SET DEFAULT '{{OLD,NEW}}'")).is_some());
        assert!(alone(&format!("{add} DO $$ BEGIN UPDATE a SET b = 'NEW'; END $$")).is_some());
        assert_eq!(alone(&format!("{add} ALTER TABLE a ALTER b SET DEFAULT 'OLD'")), None);
        assert_eq!(alone(&format!("CREATE TYPE \"Role\" AS ENUM ('OLD'); {add} SELECT 'NEW'")), None);
    }
}
