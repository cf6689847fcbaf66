//! Statements of the reverse that the server may refuse, and what their refusal means.

use postgres::Client;
use postgres::error::SqlState;

use super::convert::Retyping;
use crate::database::Failure;
use crate::error::Error;
use crate::rules::cost;
use crate::sql::{Script, StatementKind};

/// How often a statement is tried again once something was done about its refusal.
pub(super) const TRIES: usize = 3;

/// Runs a statement of which nothing stays if the server refuses it; gives the refusal. A lock that is not free, a lost
/// connection and a timeout are none.
pub(super) fn execute(client: &mut Client, sql: &str) -> Result<Option<Failure>, Failure> {
    client.batch_execute("SAVEPOINT prisma_safe_statement")?;
    let refused = match client.batch_execute(sql).map_err(Failure::from) {
        Ok(()) => None,
        Err(failure) if !failure.is_refusal() => return Err(failure),
        Err(failure) => Some(failure),
    };
    if refused.is_some() {
        client.batch_execute("ROLLBACK TO SAVEPOINT prisma_safe_statement")?;
    }
    client.batch_execute("RELEASE SAVEPOINT prisma_safe_statement")?;
    Ok(refused)
}

/// A `NOT NULL` was in the way.
pub(super) fn is_null(failure: &Failure) -> bool {
    failure.code.as_ref().is_some_and(|code| *code == SqlState::NOT_NULL_VIOLATION)
}

/// Values written since that a required column's type before does not have.
pub(super) fn unconverted(rows: u64, retyping: &Retyping<'_>) -> Error {
    let name = format!("{}.{}", retyping.table, retyping.column);
    Error::decision(format!(
        "{} have a value in {name} that is none of its type before, and it is required",
        cost::rows(rows)
    ))
    .because("they were written since the migration, or their old values were not saved")
    .help(format!("nothing has changed; give them one: --fill '{name}=VALUE'"))
}

/// Undefined table, object, function.
pub(super) fn is_absent(failure: &Failure) -> bool {
    failure.code.as_ref().is_some_and(|code| matches!(code.code(), "42P01" | "42704" | "42883"))
}

/// Whether all it does is drop a view, a trigger or the like.
pub(super) fn drops_code(script: &Script) -> bool {
    script.statements().iter().all(|statement| match &statement.kind {
        StatementKind::DropView { .. } => true,
        StatementKind::Other { words } => {
            ["DROP TRIGGER", "DROP FUNCTION", "DROP POLICY", "DROP RULE"].iter().any(|drop| words.starts_with(drop))
        }
        _ => false,
    })
}

/// A foreign key was in the way.
pub(super) fn is_orphan(failure: &Failure) -> bool {
    failure.code.as_ref().is_some_and(|code| *code == SqlState::FOREIGN_KEY_VIOLATION)
}
