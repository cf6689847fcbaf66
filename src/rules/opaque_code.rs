//! Code that no review can follow: `DO` blocks, dynamic SQL, functions called for what they do, unknown statements.

use super::{Check, Finding, Rule, Severity, Step};
use crate::effects::What;
use crate::sql::code::hides_writing;
use crate::sql::options::explain_runs;
use crate::sql::outside::reaches_outside;
use crate::sql::tokens::{Kind, Token, tokens};
use crate::sql::{Statement, StatementKind};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "opaque-code",
    severity: Severity::Warning,
    optional: false,
    acceptable: true,
    destroys: true,
    page: include_str!("opaque_code.md"),
    check: Check::Statement(check),
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

fn check(step: &Step<'_>, findings: &mut Vec<Finding>) {
    let text = step.text();
    // what stands inside a WITH was looked at with the statement around it, but for what it does to rows
    let whole =
        step.subject.script.statements().binary_search_by_key(&step.statement.range.start, |own| own.range.start);
    let whole = whole.is_ok_and(|at| step.subject.script.statements()[at].range == step.statement.range);
    // outside-database says what that does
    let outside = step.effects.iter().any(|effect| matches!(effect.what, What::ReachesOutside { .. }));
    let call = || {
        step.effects.iter().filter(|_| !outside).find_map(|effect| match &effect.what {
            What::UnknownCall(call) => Some(("call", text, call.to_string())),
            _ => None,
        })
    };
    let Some((what, text, known)) = opaque(text, step.statement).filter(|_| whole).or_else(call) else { return };
    let blocks = 1 + findings.iter().filter(|finding| finding.rule == RULE.id).count();
    let tokens = tokens(text);
    let worst = tokens.iter().find(|token| DESTROYING.iter().any(|word| token.is(word)) && !is_event(&tokens, token));
    // a call's own statement says what it does to rows; what the function does is not in its text
    let worst = worst.filter(|_| what != "call" || matches!(step.statement.kind, StatementKind::Select));
    let finding = Finding::new(
        &RULE,
        format!("{what} {blocks}"),
        step.statement.range.clone(),
        match worst {
            Some(word) => {
                format!("{known}: it holds `{}`, and what that reaches was not checked", word.text.to_uppercase())
            }
            None => format!("{known}: what it does was not checked"),
        },
    )
    .severity(match worst {
        // there is nothing that it could reach
        _ if step.subject.target_is_empty => Severity::Info,
        Some(_) => Severity::Error,
        None => Severity::Warning,
    })
    .help(format!(
        "write it as plain statements, which can be reviewed; else read it with care\nthen accept it: \
         `-- prisma-safe:allow opaque-code({what} {blocks}): why`"
    ));
    findings.push(finding);
}

/// What a statement is called, the text to look into, and what is known of it; none for what can be followed.
fn opaque<'a>(text: &'a str, statement: &'a Statement) -> Option<(&'static str, &'a str, String)> {
    match &statement.kind {
        StatementKind::Do { body } => Some(("DO", body, "runs a DO block".into())),
        // what they hold runs later, and says so then
        StatementKind::CreateFunction { .. } | StatementKind::CreateTrigger { .. } | StatementKind::Comment => None,
        // outside-database says what it does
        StatementKind::Other { .. } | StatementKind::Select if reaches_outside(text, None).is_some() => None,
        StatementKind::Other { words } if words.starts_with("EXPLAIN") && !explain_runs(text) => None,
        StatementKind::Other { words } if !is_harmless(words) => {
            Some(("statement", text, format!("`{words}` is a statement the review does not know")))
        }
        StatementKind::Other { .. } => None,
        _ => hides_writing(text).then(|| ("statement", text, "hides another statement inside".into())),
    }
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
