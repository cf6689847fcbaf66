//! One try: a transaction with our patience in it, Prisma's lock, the body, the commit.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use postgres::Client;
use postgres::types::Type;

use super::{Body, Broken, Settings, milliseconds};
use crate::database::activity::{self, PRISMA_LOCK};
use crate::database::{DatabaseUrl, Failure, Session, connect};
use crate::error::{Error, Explain as _};
use crate::sql::quote_identifier;
use crate::wait::{Waited, wait_until};

const PRISMA_LOCK_POLL: Duration = Duration::from_millis(200);
/// The server ends one of our transactions that hears nothing from us for this long.
const IDLE_LIMIT: Duration = Duration::from_secs(60);
/// The server looks this often whether we still live; without it, a statement outlives a killed prisma-safe (from 14 on).
const ALIVE_CHECK: Duration = Duration::from_secs(2);
const ALIVE_CHECK_SINCE: i32 = 140_000;

/// Why a try ended. Nothing of it remains, but for [`Ended::AtCommit`] and [`Ended::Torn`].
pub(super) enum Ended<B: Body> {
    /// Before the commit.
    Broken(Broken<B::Stop>),
    /// At `COMMIT`; with a connection cut the outcome is not known, and `done` holds if it was committed.
    AtCommit { failure: Failure, done: B::Done },
    /// The body ended our transaction although it seemed to hold no such statement.
    Torn,
    /// Someone else holds Prisma's lock.
    Busy(Vec<Session>),
    /// The person interrupted.
    Interrupted,
}

impl<B: Body> From<Failure> for Ended<B> {
    fn from(failure: Failure) -> Self {
        Self::Broken(failure.into())
    }
}

/// The session that does the work.
pub(super) struct Worker {
    pub(super) client: Client,
    /// Its process, for the onlooker.
    pub(super) pid: i32,
    pub(super) server_version: i32,
}

impl Worker {
    /// Opens it.
    pub(super) fn open(url: &DatabaseUrl, application: &str) -> Result<Self, Error> {
        let mut client = connect(url, application)?;
        let mut ask = || -> Result<(i32, i32), Failure> {
            let row = client.query_typed_one(
                "SELECT pg_catalog.pg_backend_pid(), current_setting('server_version_num')::int",
                &[],
            )?;
            Ok((row.try_get(0)?, row.try_get(1)?))
        };
        let (pid, server_version) = ask().explain(|| "could not begin the transaction".into())?;
        Ok(Self { client, pid, server_version })
    }
}

/// Runs the body in one transaction and commits it. After an error the caller rolls back.
pub(super) fn attempt<B: Body>(
    Worker { client, server_version, .. }: &mut Worker,
    body: &mut B,
    schema: &str,
    settings: &Settings,
    interrupt: &AtomicBool,
) -> Result<B::Done, Ended<B>> {
    begin(client, *server_version, schema, settings)?;
    let transaction = lock(client, settings.deploy_wait, interrupt)?;
    let done = body.run(client).map_err(Ended::Broken)?;
    if self::transaction(client)? != transaction {
        return Err(Ended::Torn);
    }
    // the body may have gone on although a statement of it was cancelled
    if interrupt.load(Ordering::Relaxed) {
        return Err(Ended::Interrupted);
    }
    body.finish(client).map_err(Ended::Broken)?;
    if !body.keeps() {
        client.batch_execute("ROLLBACK").map_err(Failure::from)?;
        return Ok(done);
    }
    match client.batch_execute("COMMIT") {
        Ok(()) => Ok(done),
        Err(error) => Err(Ended::AtCommit { failure: error.into(), done }),
    }
}

/// Opens the transaction with our patience in it, and the search path that Prisma's connection has.
fn begin(client: &mut Client, server_version: i32, schema: &str, settings: &Settings) -> Result<(), Failure> {
    let mut sql = format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL lock_timeout = {}; SET LOCAL statement_timeout = {}; \
         SET LOCAL idle_in_transaction_session_timeout = {}; SET LOCAL search_path = {};",
        milliseconds(settings.lock_timeout),
        milliseconds(settings.statement_timeout),
        IDLE_LIMIT.as_millis(),
        quote_identifier(schema),
    );
    // writing to a String does not fail
    let _ = alive_check(server_version).map(|interval| write!(sql, " SET LOCAL {interval};"));
    Ok(client.batch_execute(&sql)?)
}

/// The setting by which the server looks whether we still live, where it has one.
pub(super) fn alive_check(server_version: i32) -> Option<String> {
    let interval = ALIVE_CHECK.as_millis();
    (server_version >= ALIVE_CHECK_SINCE).then(|| format!("client_connection_check_interval = {interval}"))
}

/// Takes Prisma's lock until the transaction ends, so that Prisma's engine finds it free afterwards. Gives the transaction's
/// number.
fn lock<B: Body>(client: &mut Client, patience: Duration, interrupt: &AtomicBool) -> Result<i64, Ended<B>> {
    const TRY: &str = "SELECT pg_catalog.pg_try_advisory_xact_lock($1), pg_catalog.txid_current()";
    let taken = wait_until(patience, PRISMA_LOCK_POLL, interrupt, || -> Result<Option<i64>, Failure> {
        let row = client.query_typed_one(TRY, &[(&PRISMA_LOCK, Type::INT8)])?;
        Ok(if row.try_get(0)? { Some(row.try_get(1)?) } else { None })
    });
    match taken? {
        Waited::Met(transaction) => Ok(transaction),
        Waited::TimedOut => Err(Ended::Busy(activity::lock_holders(client, PRISMA_LOCK)?)),
        Waited::Interrupted => Err(Ended::Interrupted),
    }
}

fn transaction(client: &mut Client) -> Result<i64, Failure> {
    // in full: the body may have set a search path of its own
    Ok(client.query_typed_one("SELECT pg_catalog.txid_current()", &[])?.try_get(0)?)
}
