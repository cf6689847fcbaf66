//! Prisma's migration lock in the hands of a session whose deploy is gone (P1002): a pooler keeps such sessions, and so does a
//! server that was not told that its client died. Who it is, since when, whether ending it loses anything, and its end.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use postgres::Client;
use postgres::types::Type;

use super::turn::Patience;
use crate::database::activity::{self, PRISMA_LOCK};
use crate::database::{Failure, Session};
use crate::error::{Error, Explain as _, Result};
use crate::ui::prompt;
use crate::wait::{Waited, wait_until};

/// A session that has done nothing for so long does not migrate: between two statements of a deploy lie milliseconds.
const SILENCE: Duration = Duration::from_secs(10);
/// A session may take this long to end.
const GOODBYE: Duration = Duration::from_secs(5);

/// The option that answers the question.
pub const OPTION: &str = "--end-orphaned-lock";

/// Whether ending a session that holds the lock would interrupt anything; the reason as a clause.
pub(super) fn harmless(session: &Session) -> Result<(), String> {
    match session.state.as_str() {
        _ if session.pid == 0 => Err("it is a prepared transaction, which a person has to commit or roll back".into()),
        "idle" if session.age >= SILENCE => Ok(()),
        "idle" => Err(format!(
            "it did something {} s ago: a deploy is at work, or a pooler shares the session",
            session.age.as_secs()
        )),
        "active" => Err("it runs a statement: a deploy is at work".into()),
        "" => Err("this role may not see what it does".into()),
        state => Err(format!("it is {state}: what it has begun would be undone")),
    }
}

/// Since when a session is there and from where, as a clause.
fn origin(client: &mut Client, pid: i32) -> Result<Option<String>, Failure> {
    const ASK: &str = "SELECT to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), \
                       coalesce(host(client_addr), 'this machine') FROM pg_catalog.pg_stat_activity WHERE pid = $1";
    let row = client.query_typed_opt(ASK, &[(&pid, Type::INT4)])?;
    Ok(row.and_then(|row| {
        let (since, from): (Option<String>, Option<String>) = (row.get(0), row.get(1));
        Some(format!("connected since {} UTC from {}", since?, from?))
    }))
}

/// Who holds the lock, since when, and whether ending it is safe: a sentence for each.
pub(super) fn describe(client: &mut Client, session: &Session) -> String {
    let origin = origin(client, session.pid).ok().flatten().map_or_else(String::new, |origin| format!(", {origin}"));
    let safe = match harmless(session) {
        Ok(()) => "it has no open transaction and runs nothing, so ending it loses nothing".to_owned(),
        Err(why) => format!("ending it is not safe: {why}"),
    };
    format!("{session}{origin}; {safe}")
}

/// Ends sessions whose deploy is gone, where a person says so: at a terminal, or by the option. Gives whether the lock is free by
/// that. The `last` time it says why it ends none; a session in `declined` is not asked about again.
///
/// # Errors
/// Exit status 130 if the person cancels; 1 if a session that may be ended does not end.
pub(super) fn settle(
    client: &mut Client,
    patience: &Patience<'_>,
    last: bool,
    declined: &mut Vec<i32>,
) -> Result<bool> {
    let explain = || "could not look at who holds Prisma's lock".to_owned();
    let mut ended = false;
    for session in activity::lock_holders(client, PRISMA_LOCK).explain(explain)? {
        let told = describe(client, &session);
        match harmless(&session) {
            Err(_) if patience.end_orphans && last => {
                patience.shell.warn(format!("{OPTION} does not end the holder of Prisma's lock: {told}"));
            }
            Err(_) => {}
            Ok(()) if declined.contains(&session.pid) => {}
            Ok(()) if patience.end_orphans || agreed(&told, patience)? => {
                end(client, &session)?;
                patience.shell.status("Ended", format!("the session that held Prisma's migration lock: {told}"));
                ended = true;
            }
            Ok(()) => declined.push(session.pid),
        }
    }
    Ok(ended)
}

fn agreed(told: &str, patience: &Patience<'_>) -> Result<bool> {
    if !patience.shell.interactive() {
        return Ok(false);
    }
    patience.shell.note(format!("Prisma's migration lock is held, and no deploy seems to run (P1002): {told}"));
    prompt::confirm(patience.shell, "End that session?", false)
}

/// Ends it, if it still does nothing, and waits until the lock is free.
fn end(client: &mut Client, session: &Session) -> Result<()> {
    const END: &str = "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity \
                       WHERE pid = $1 AND state = 'idle' AND clock_timestamp() - state_change >= $2 * interval '1 second'";
    let explain = || format!("could not end session {}", session.pid);
    let row = client.query_typed_opt(END, &[(&session.pid, Type::INT4), (&SILENCE.as_secs_f64(), Type::FLOAT8)]);
    let row = row.map_err(Failure::from);
    let may = "its own user, a member of pg_signal_backend, or a superuser may end it";
    row.map_err(|failure| Error::failed(explain()).because(failure).help(may))?;
    const STEP: Duration = Duration::from_millis(50);
    let gone = wait_until(GOODBYE, STEP, &AtomicBool::new(false), || -> Result<Option<()>> {
        let holders = activity::lock_holders(client, PRISMA_LOCK).explain(explain)?;
        Ok((!holders.iter().any(|holder| holder.pid == session.pid)).then_some(()))
    })?;
    match gone {
        Waited::Met(()) => Ok(()),
        Waited::TimedOut | Waited::Interrupted => {
            Err(Error::failed(explain()).because("it works again, or does not end").help(may))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_session_that_is_silent_for_long_is_ended() {
        let session = |pid, state: &str, seconds| Session {
            pid,
            application: String::new(),
            user: String::new(),
            state: state.into(),
            age: Duration::from_secs(seconds),
            query: String::new(),
        };
        assert_eq!(harmless(&session(7, "idle", 60)), Ok(()));
        for (pid, state, seconds) in
            [(7, "idle", 3), (7, "active", 600), (7, "idle in transaction", 600), (7, "", 600), (0, "", 600)]
        {
            assert!(harmless(&session(pid, state, seconds)).is_err(), "{pid} {state} {seconds}");
        }
    }
}
