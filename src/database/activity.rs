//! Other sessions: who blocks us, and whether another deploy is running.

use std::fmt;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use postgres::types::Type;
use postgres::{Client, Row};

use super::failure::Failure;
use crate::ui::shortened;
use crate::wait::wait_until;

/// The advisory lock that Prisma's engine takes while it applies migrations, for its whole session.
pub const PRISMA_LOCK: i64 = 72_707_369;
/// The advisory lock of a prisma-safe deploy: `prisma-s` in ASCII. Not Prisma's, or its engine would wait for ours in vain.
pub const DEPLOY_LOCK: i64 = 0x7072_6973_6d61_2d73;

/// A query is shown up to this many characters.
const QUERY_SHOWN: usize = 100;

/// A session of the server, as far as we may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its process; 0 is a prepared transaction, which has none.
    pub pid: i32,
    /// What it calls itself; may be empty.
    pub application: String,
    /// Its user; empty where we may not see it.
    pub user: String,
    /// `active`, `idle in transaction`; empty where we may not see it.
    pub state: String,
    /// How old its transaction is, or how long it has been in this state.
    pub age: Duration,
    /// The query it runs or ran last, shortened; empty where we may not see it.
    pub query: String,
}

const COLUMNS: &str = "coalesce(a.pid, 0), coalesce(a.application_name, ''), coalesce(a.usename::text, ''), coalesce(a.state, ''), \
                       coalesce(extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, a.state_change, a.backend_start)), 0)::float8, \
                       CASE WHEN a.query IS NULL OR a.query = '<insufficient privilege>' THEN '' ELSE a.query END";

impl Session {
    fn read(row: &Row) -> Result<Self, Failure> {
        let age: f64 = row.try_get(4)?;
        Ok(Self {
            pid: row.try_get(0)?,
            application: row.try_get(1)?,
            user: row.try_get(2)?,
            state: row.try_get(3)?,
            age: Duration::try_from_secs_f64(age.max(0.0)).unwrap_or_default(),
            query: shorten(row.try_get(5)?),
        })
    }
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pid == 0 {
            return f.write_str("a prepared transaction (see pg_prepared_xacts)");
        }
        write!(f, "session {}", self.pid)?;
        let application = Some(self.application.as_str()).filter(|name| !name.is_empty()).map(ToOwned::to_owned);
        let user = Some(&self.user).filter(|user| !user.is_empty()).map(|user| format!("user {user}"));
        let state = Some(&self.state).filter(|state| !state.is_empty());
        let state = state.map(|state| format!("{state} for {} s", self.age.as_secs()));
        let facts: Vec<String> = [application, user, state].into_iter().flatten().collect();
        if !facts.is_empty() {
            write!(f, " ({})", facts.join(", "))?;
        }
        if !self.query.is_empty() {
            write!(f, ": {}", self.query)?;
        }
        Ok(())
    }
}

/// On one line, and not for ever.
fn shorten(query: &str) -> String {
    shortened(&query.split_whitespace().collect::<Vec<_>>().join(" "), QUERY_SHOWN)
}

/// The session of this database that calls itself so; the youngest, if there are several.
pub(crate) fn session_of(client: &mut Client, application: &str) -> Result<Option<i32>, Failure> {
    const FIND: &str = "SELECT pid FROM pg_catalog.pg_stat_activity WHERE application_name = $1 \
                        AND datname = current_database() ORDER BY backend_start DESC LIMIT 1";
    let found = client.query_typed_opt(FIND, &[(&application, Type::TEXT)])?;
    Ok(found.map(|row| row.try_get(0)).transpose()?)
}

/// Whom `pid` waits for at this moment. Seen only while it waits.
pub(crate) fn blockers(client: &mut Client, pid: i32) -> Result<Vec<Session>, Failure> {
    // pg_blocking_pids stops the lock manager for a moment: it is asked only while there is something to ask
    let query = format!(
        "SELECT {COLUMNS} FROM pg_catalog.pg_stat_activity me \
         CROSS JOIN LATERAL unnest(pg_catalog.pg_blocking_pids(me.pid)) AS blocker(pid) \
         LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = blocker.pid \
         WHERE me.pid = $1 AND me.wait_event_type = 'Lock' ORDER BY a.xact_start"
    );
    client.query_typed(&query, &[(&pid, Type::INT4)])?.iter().map(Session::read).collect()
}

/// Whether sessions of this database hide from this role what they do.
pub fn hidden(client: &mut Client) -> Result<bool, Failure> {
    const HIDDEN: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE datname = current_database() \
                          AND query = '<insufficient privilege>')";
    Ok(client.query_typed_one(HIDDEN, &[])?.try_get(0)?)
}

/// Sessions of this database that wait for a lock for at least so long, as far as we may see.
pub fn waiting(client: &mut Client, at_least: Duration) -> Result<Vec<Session>, Failure> {
    let waits = "a.wait_event_type = 'Lock' AND clock_timestamp() - a.query_start >= $1 * interval '1 second'";
    sessions(client, waits, at_least)
}

/// Sessions of this database whose transaction is at least so old; those that wait for a lock are [`waiting`].
pub fn long(client: &mut Client, at_least: Duration) -> Result<Vec<Session>, Failure> {
    let old =
        "a.wait_event_type IS DISTINCT FROM 'Lock' AND clock_timestamp() - a.xact_start >= $1 * interval '1 second'";
    sessions(client, old, at_least)
}

fn sessions(client: &mut Client, such: &str, at_least: Duration) -> Result<Vec<Session>, Failure> {
    let query = format!(
        "SELECT {COLUMNS} FROM pg_catalog.pg_stat_activity a WHERE a.datname = current_database() \
         AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid() AND {such} ORDER BY a.xact_start"
    );
    client.query_typed(&query, &[(&at_least.as_secs_f64(), Type::FLOAT8)])?.iter().map(Session::read).collect()
}

/// Who holds an advisory lock of this database.
pub fn lock_holders(client: &mut Client, key: i64) -> Result<Vec<Session>, Failure> {
    // a bigint key is kept as its two halves, marked by objsubid 1
    let query = format!(
        "SELECT {COLUMNS} FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid \
         WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 \
         AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()) \
         AND ((l.classid::bigint << 32) | l.objid::bigint) = $1 AND l.pid <> pg_backend_pid()"
    );
    client.query_typed(&query, &[(&key, Type::INT8)])?.iter().map(Session::read).collect()
}

/// Takes the lock of a deploy for as long as `client` lives; `false` if another deploy has it.
pub fn lock_deploy(client: &mut Client) -> Result<bool, Failure> {
    Ok(client.query_typed_one("SELECT pg_try_advisory_lock($1)", &[(&DEPLOY_LOCK, Type::INT8)])?.try_get(0)?)
}

/// Leaves out what the sessions run: it may hold people's data.
pub fn hide_queries(sessions: &mut [Session]) {
    for session in sessions {
        session.query.clear();
    }
}

/// Ends a session, whatever it does.
pub(crate) fn end(client: &mut Client, pid: i32) -> Result<(), Failure> {
    client.query_typed("SELECT pg_catalog.pg_terminate_backend($1)", &[(&pid, Type::INT4)])?;
    Ok(())
}

/// Ends a session that does nothing in an open transaction for at least `idle`; `false` if it is not so.
pub(crate) fn end_idle(client: &mut Client, pid: i32, idle: Duration) -> Result<bool, Failure> {
    // state and time are asked with the deed: the session may have gone on since it was seen
    const END: &str = "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity \
                       WHERE pid = $1 AND state LIKE 'idle in transaction%' \
                       AND clock_timestamp() - state_change >= $2 * interval '1 second'";
    let ended = client.query_typed_opt(END, &[(&pid, Type::INT4), (&idle.as_secs_f64(), Type::FLOAT8)])?;
    Ok(ended.map(|row| row.try_get(0)).transpose()?.unwrap_or(false))
}

/// Ends the other sessions in a database, with `own` those of this role alone, and waits for some seconds until they are gone:
/// `pg_terminate_backend` itself waits from PostgreSQL 14 on only.
pub(crate) fn end_all(client: &mut Client, database: &str, own: bool) -> Result<(), Failure> {
    const GONE: Duration = Duration::from_secs(5);
    const STEP: Duration = Duration::from_millis(20);
    let whose = if own { "AND usename = current_user" } else { "" };
    let theirs = format!("FROM pg_catalog.pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid() {whose}");
    let name = [(&database as &(dyn postgres::types::ToSql + Sync), Type::TEXT)];
    client.query_typed(&format!("SELECT pg_catalog.pg_terminate_backend(pid) {theirs}"), &name)?;
    let left = format!("SELECT count(*) {theirs}");
    // what is still there then makes the caller's statement fail, with the server's words
    wait_until(GONE, STEP, &AtomicBool::new(false), || {
        let left: i64 = client.query_typed_one(&left, &name)?.try_get(0)?;
        Ok::<_, Failure>((left == 0).then_some(()))
    })?;
    Ok(())
}

/// The sessions as a list for a message, one a line.
pub fn list(sessions: &[Session]) -> String {
    sessions.iter().map(|session| format!("  {session}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_named_by_what_is_known() {
        let mut session = Session {
            pid: 42,
            application: "psql".into(),
            user: "app".into(),
            state: "idle in transaction".into(),
            age: Duration::from_millis(12_900),
            query: shorten("UPDATE  \"Song\"\n SET x = 1"),
        };
        assert_eq!(
            session.to_string(),
            "session 42 (psql, user app, idle in transaction for 12 s): UPDATE \"Song\" SET x = 1"
        );
        session = Session {
            application: String::new(),
            user: String::new(),
            state: String::new(),
            query: String::new(),
            ..session
        };
        assert_eq!(session.to_string(), "session 42");
    }

    #[test]
    fn queries_are_cut_at_a_character() {
        let shown = shorten(&"ä".repeat(200));
        assert_eq!(shown.chars().count(), QUERY_SHOWN + 1);
        assert_eq!(shorten(&"x".repeat(QUERY_SHOWN)).len(), QUERY_SHOWN);
    }
}
