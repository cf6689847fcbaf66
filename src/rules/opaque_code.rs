//! Code that no review can follow: `DO` blocks, dynamic SQL, functions called for what they do, unknown statements.

use super::{Check, Finding, Rule, Severity, Subject};
use crate::sql::code::{calls_unknown, hides_writing};
use crate::sql::outside::reaches_outside;
use crate::sql::tokens::{Kind, Token, calls, tokens};
use crate::sql::{Statement, StatementKind};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "opaque-code",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: true,
    page: include_str!("opaque_code.md"),
    check: Check::Migration(check),
};

/// Words that may destroy or block, wherever they stand.
const DESTROYING: &[&str] = &["drop", "truncate", "delete", "update", "execute", "merge"];

/// Statements that are not followed but touch neither rows nor columns, or have a rule of their own.
const HARMLESS: &[&str] = &[
    "GRANT",
    "REVOKE",
    "COMMENT",
    "ANALYZE",
    "ANALYSE",
    "SHOW",
    "SAVEPOINT",
    "RELEASE",
    "BEGIN",
    "START",
    "COMMIT",
    "END",
    "ROLLBACK",
    "ABORT",
    "SET",
    "RESET",
    "LISTEN",
    "NOTIFY",
    "CREATE POLICY",
    "CREATE ROLE",
    "CREATE USER",
    "CREATE GROUP",
    "CREATE DOMAIN",
    "CREATE TYPE",
    "CREATE PUBLICATION",
    "CREATE STATISTICS",
    "CREATE AGGREGATE",
    "CREATE OPERATOR",
    "CREATE CAST",
    "CREATE COLLATION",
    "CREATE TEXT SEARCH",
    "CREATE LANGUAGE",
    "CREATE SERVER",
    "CREATE FOREIGN",
    "CREATE RECURSIVE VIEW",
    "ALTER DEFAULT PRIVILEGES",
    "ALTER FUNCTION",
    "ALTER VIEW",
    "ALTER INDEX",
    "ALTER SEQUENCE",
    "ALTER POLICY",
    "ALTER ROLE",
    "ALTER PUBLICATION",
    "ALTER EXTENSION",
    "ALTER TRIGGER",
    "REFRESH",
    "REINDEX",
    "VACUUM",
    "CLUSTER",
    "LOCK",
    "DROP POLICY",
    "DROP TRIGGER",
    "DROP FUNCTION",
    "DROP PROCEDURE",
    "DROP RULE",
    "DROP PUBLICATION",
    "DROP STATISTICS",
    "DROP AGGREGATE",
    "DROP DOMAIN",
    "ALTER DOMAIN",
    "ALTER TYPE",
    "DROP DATABASE",
    "DROP ROLE",
    "DROP USER",
    "ALTER USER",
    "ALTER SYSTEM",
    "ALTER DATABASE",
    "CREATE DATABASE",
    "CREATE TABLESPACE",
    "DROP TABLESPACE",
    "CREATE SUBSCRIPTION",
    "ALTER SUBSCRIPTION",
    "DROP SUBSCRIPTION",
];

fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let mut blocks = 0_usize;
    let mut defined: Vec<String> = Vec::new();
    for statement in subject.script.statements() {
        let text = subject.script.text().get(statement.range.clone()).unwrap_or_default();
        if let StatementKind::CreateFunction { name } = &statement.kind {
            defined.push(name.name.to_lowercase());
        }
        let Some((what, text, known)) = opaque(text, statement, &defined) else { continue };
        blocks += 1;
        let tokens = tokens(text);
        let worst =
            tokens.iter().find(|token| DESTROYING.iter().any(|word| token.is(word)) && !is_event(&tokens, token));
        let finding = Finding::new(
            &RULE,
            format!("{what} {blocks}"),
            statement.range.clone(),
            match worst {
                Some(word) => {
                    format!("{known}: it holds `{}`, and what that reaches was not checked", word.text.to_uppercase())
                }
                None => format!("{known}: what it does was not checked"),
            },
        )
        .severity(match worst {
            // there is nothing that it could reach
            _ if subject.target_is_empty => Severity::Info,
            Some(_) => Severity::Error,
            None => Severity::Warning,
        })
        .help(format!(
            "write it as plain statements, which can be reviewed; else read it with care\nthen accept it: \
             `-- prisma-safe:allow opaque-code({what} {blocks}): why`"
        ));
        findings.push(finding);
    }
}

/// What a statement is called, the text to look into, and what is known of it; none for what can be followed.
fn opaque<'a>(text: &'a str, statement: &'a Statement, defined: &[String]) -> Option<(&'static str, &'a str, String)> {
    match &statement.kind {
        StatementKind::Do { body } => return Some(("DO", body, "runs a DO block".into())),
        // what they hold runs later, and says so then
        StatementKind::CreateFunction { .. } | StatementKind::CreateTrigger { .. } | StatementKind::Comment => {
            return None;
        }
        // outside-database says what it does
        StatementKind::Other { .. } | StatementKind::Select if reaches_outside(text, None).is_some() => return None,
        StatementKind::Other { words } if !is_harmless(words) => {
            return Some(("statement", text, format!("`{words}` is a statement the review does not know")));
        }
        StatementKind::Other { .. } => return None,
        _ => {}
    }
    if hides_writing(text) {
        return Some(("statement", text, "hides another statement inside".into()));
    }
    let called = match statement.kind {
        StatementKind::Select => {
            calls_unknown(text).or_else(|| calls(text).into_iter().find(|name| defined.contains(name)))
        }
        _ => calls(text).into_iter().find(|name| defined.contains(name)),
    };
    called.map(|name| ("call", text, format!("calls `{name}()`")))
}

fn is_harmless(words: &str) -> bool {
    HARMLESS.iter().any(|known| words == *known || words.strip_prefix(known).is_some_and(|rest| rest.starts_with(' ')))
}

/// `ON DELETE`, `ON UPDATE`, `FOR UPDATE`, `BEFORE UPDATE`: the word names an event, nothing is deleted.
fn is_event(tokens: &[Token<'_>], token: &Token<'_>) -> bool {
    let before = tokens.iter().rev().find(|earlier| earlier.start < token.start);
    before.is_some_and(|before| {
        before.kind == Kind::Word && ["on", "for", "before", "after", "or", "of"].iter().any(|word| before.is(word))
    })
}
