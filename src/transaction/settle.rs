//! What became of a transaction whose COMMIT was sent and never answered.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use postgres::Client;
use postgres::types::Type;

use super::Body;
use crate::database::activity::PRISMA_LOCK;
use crate::database::{DatabaseUrl, Failure, connect};
use crate::wait::{Waited, wait_until};

/// The outcome is looked for this long.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(500);

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// All of it is committed.
    Committed,
    /// The server has undone all of it.
    Undone,
    /// The database cannot be reached, or the transaction still hangs there.
    Unknown,
}

/// Connects anew and asks the body. The lost transaction holds Prisma's lock until it ends: only once the lock is free does
/// the database tell the truth. An interruption does not shorten this: it would leave the outcome unknown.
pub(super) fn settle<B: Body>(url: &DatabaseUrl, application: &str, body: &B) -> Outcome {
    let waited = wait_until(PATIENCE, POLL, &AtomicBool::new(false), || {
        let look = || -> Result<Option<bool>, Failure> {
            // not to be reached now, perhaps with the next question
            let Ok(mut client) = connect(url, application) else { return Ok(None) };
            if is_running(&mut client)? { Ok(None) } else { body.is_committed(&mut client).map(Some) }
        };
        Ok::<_, std::convert::Infallible>(look().unwrap_or(None))
    });
    match waited {
        Ok(Waited::Met(true)) => Outcome::Committed,
        Ok(Waited::Met(false)) => Outcome::Undone,
        _ => Outcome::Unknown,
    }
}

/// Whether a session holds Prisma's lock; outside of a transaction it is free again at once.
fn is_running(client: &mut Client) -> Result<bool, Failure> {
    const TRY: &str = "SELECT NOT pg_catalog.pg_try_advisory_xact_lock($1)";
    Ok(client.query_typed_one(TRY, &[(&PRISMA_LOCK, Type::INT8)])?.try_get(0)?)
}
