//! One try at a migration: one transaction with its row of the history, all or nothing.

use std::fmt::Write as _;
use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

use postgres::Client;
use postgres::types::{ToSql, Type};

use super::hook::Hook;
use super::{APPLICATION_NAME, Prepared, Settings, milliseconds};
use crate::database::activity::{self, PRISMA_LOCK};
use crate::database::history::{self, State};
use crate::database::{DatabaseUrl, Failure, History, Session, connect};
use crate::error::{Error, Explain as _};
use crate::sql::quote_identifier;

const PRISMA_LOCK_POLL: Duration = Duration::from_millis(200);
/// A transaction of ours that hears nothing from us for this long is ended by the server.
const IDLE_LIMIT: Duration = Duration::from_secs(60);
/// The server looks this often whether we still live; without it, a statement outlives a killed prisma-safe (from 14 on).
const ALIVE_CHECK: Duration = Duration::from_secs(2);
const ALIVE_CHECK_SINCE: i32 = 140_000;

/// Why a try ended. Nothing of it remains, but for [`Broken::AtCommit`] and [`Broken::OwnCommit`].
#[derive(Debug)]
pub(super) enum Broken {
    /// Before the script: the history, its table, a setting.
    AtStart(Failure),
    /// In a piece of the script.
    InScript { piece: Range<usize>, failure: Failure },
    /// In what else belongs to the migration's transaction.
    InHook(Failure),
    /// Writing the history's row after the script.
    AtEnd(Failure),
    /// At `COMMIT`; with a connection cut the outcome is not known.
    AtCommit(Failure),
    /// The script ended our transaction although it seemed to hold no such statement.
    OwnCommit,
    /// Another deploy holds Prisma's lock.
    Busy(Vec<Session>),
    /// Another deploy has applied it since the history was read.
    Applied,
    /// There is a failed migration: Prisma's rule, nothing is applied before it is resolved.
    FailedBefore(String),
}

/// An id for the row of one try: UUID version 4.
pub(super) fn row_id() -> Result<String, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).explain(|| "the system gives no random numbers".into())?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut id = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            id.push('-');
        }
        // writing to a String does not fail
        let _ = write!(id, "{byte:02x}");
    }
    Ok(id)
}

/// The session that does the work.
pub(super) struct Worker {
    pub(super) client: Client,
    /// Its process, for the onlooker.
    pub(super) pid: i32,
    server_version: i32,
}

impl Worker {
    /// Opens it.
    pub(super) fn open(url: &DatabaseUrl) -> Result<Self, Error> {
        let mut client = connect(url, APPLICATION_NAME)?;
        let mut ask = || -> Result<(i32, i32), Failure> {
            let row = client.query_typed_one(
                "SELECT pg_catalog.pg_backend_pid(), current_setting('server_version_num')::int",
                &[],
            )?;
            Ok((row.try_get(0)?, row.try_get(1)?))
        };
        let (pid, server_version) = ask().explain(|| "could not begin the deploy".into())?;
        Ok(Self { client, pid, server_version })
    }
}

/// Runs the migration in one transaction and commits it. After an error the caller rolls back.
pub(super) fn attempt(
    Worker { client, server_version, .. }: &mut Worker,
    prepared: &Prepared,
    schema: &str,
    id: &str,
    settings: &Settings,
    hook: &mut dyn Hook,
) -> Result<(), Broken> {
    begin(client, *server_version, schema, settings).map_err(Broken::AtStart)?;
    lock(client, settings.deploy_wait)?;
    check_history(client, schema, &prepared.name)?;
    let transaction = record_start(client, prepared, schema, id).map_err(Broken::AtStart)?;
    hook.before(client, prepared).map_err(Broken::InHook)?;
    for piece in prepared.pieces() {
        if !hook.instead(client, piece).map_err(Broken::InHook)? {
            let sent = client.batch_execute(prepared.sql(piece));
            sent.map_err(|error| Broken::InScript { piece: piece.clone(), failure: error.into() })?;
        }
        hook.sent(client, piece).map_err(Broken::InHook)?;
    }
    hook.after(client).map_err(Broken::InHook)?;
    let finished = record_end(client, schema, id).map_err(Broken::AtEnd)?;
    if finished != Some(transaction) {
        return Err(Broken::OwnCommit);
    }
    client.batch_execute("COMMIT").map_err(|error| Broken::AtCommit(error.into()))
}

/// Opens the transaction with our patience in it, and the search path that Prisma's connection has.
pub(crate) fn begin(
    client: &mut Client,
    server_version: i32,
    schema: &str,
    settings: &Settings,
) -> Result<(), Failure> {
    let mut sql = format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL lock_timeout = {}; SET LOCAL statement_timeout = {}; \
         SET LOCAL idle_in_transaction_session_timeout = {}; SET LOCAL search_path = {};",
        milliseconds(settings.lock_timeout),
        milliseconds(settings.statement_timeout),
        IDLE_LIMIT.as_millis(),
        quote_identifier(schema),
    );
    if server_version >= ALIVE_CHECK_SINCE {
        let interval = ALIVE_CHECK.as_millis();
        // writing to a String does not fail
        let _ = write!(sql, " SET LOCAL client_connection_check_interval = {interval};");
    }
    Ok(client.batch_execute(&sql)?)
}

/// Takes Prisma's lock until the transaction ends, so that Prisma's engine finds it free afterwards.
fn lock(client: &mut Client, patience: Duration) -> Result<(), Broken> {
    let until = Instant::now() + patience;
    loop {
        if try_lock(client).map_err(Broken::AtStart)? {
            return Ok(());
        }
        if Instant::now() >= until {
            return Err(Broken::Busy(activity::lock_holders(client, PRISMA_LOCK).map_err(Broken::AtStart)?));
        }
        thread::sleep(PRISMA_LOCK_POLL);
    }
}

/// Tries Prisma's lock; outside a transaction it is free again at once.
pub(crate) fn try_lock(client: &mut Client) -> Result<bool, Failure> {
    const TRY: &str = "SELECT pg_catalog.pg_try_advisory_xact_lock($1)";
    Ok(client.query_typed_one(TRY, &[(&PRISMA_LOCK, Type::INT8)])?.try_get(0)?)
}

/// Under the lock the history is final: it may have moved since it was read.
fn check_history(client: &mut Client, schema: &str, name: &str) -> Result<(), Broken> {
    let Some(history) = History::fetch(client, schema).map_err(Broken::AtStart)? else {
        return Ok(());
    };
    if history.state(name) == Some(State::Applied) {
        return Err(Broken::Applied);
    }
    match history.rows.into_iter().find(|row| row.state() == State::Failed) {
        Some(row) => Err(Broken::FailedBefore(row.name)),
        None => Ok(()),
    }
}

/// Writes the row that says the migration runs; creates what it needs. Gives the transaction's number.
fn record_start(client: &mut Client, prepared: &Prepared, schema: &str, id: &str) -> Result<i64, Failure> {
    if !history::exists(client, schema)? {
        // as Prisma does on its first connection; not asked for where it exists, since that needs a privilege
        let known = "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1)";
        if !client.query_typed_one(known, &[(&schema, Type::TEXT)])?.try_get::<_, bool>(0)? {
            client.batch_execute(&format!("CREATE SCHEMA {}", quote_identifier(schema)))?;
        }
        client.batch_execute(&history::create(schema))?;
    }
    let insert = format!(
        "INSERT INTO {} (id, checksum, migration_name, started_at) VALUES ($1, $2, $3, clock_timestamp()) \
         RETURNING pg_catalog.txid_current()",
        history::table(schema)
    );
    let values: [(&(dyn ToSql + Sync), Type); 3] =
        [(&id, Type::TEXT), (&prepared.checksum, Type::TEXT), (&prepared.name, Type::TEXT)];
    Ok(client.query_typed_one(&insert, &values)?.try_get(0)?)
}

/// Marks the row as finished; gives the number of the transaction that this ran in.
fn record_end(client: &mut Client, schema: &str, id: &str) -> Result<Option<i64>, Failure> {
    // every name in full: the script may have set a search path of its own
    let update = format!(
        "UPDATE {} SET finished_at = pg_catalog.clock_timestamp(), applied_steps_count = 1 WHERE id = $1 \
         RETURNING pg_catalog.txid_current()",
        history::table(schema)
    );
    Ok(client.query_typed_opt(&update, &[(&id, Type::TEXT)])?.map(|row| row.try_get(0)).transpose()?)
}

#[cfg(test)]
mod tests {
    use super::row_id;

    #[test]
    fn ids_are_uuids_of_version_4() {
        let id = row_id().unwrap();
        let groups: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12]);
        assert_eq!(&id[14..15], "4");
        assert!("89ab".contains(&id[19..20]), "{id}");
        assert_ne!(id, row_id().unwrap());
    }
}
