//! What became of a transaction whose COMMIT was sent and never answered.

use std::thread;
use std::time::{Duration, Instant};

use postgres::Client;
use postgres::types::Type;

use super::attempt::try_lock;
use crate::database::{DatabaseUrl, Failure, connect, history};

/// The outcome is looked for this long.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(500);

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// All of it is applied.
    Applied,
    /// The server has undone all of it.
    Undone,
    /// The database cannot be reached, or the transaction still hangs there.
    Unknown,
}

/// Connects anew and looks for the row with this id. The lost transaction holds Prisma's lock until it ends: only once the
/// lock is free does the history tell the truth.
pub(super) fn settle(url: &DatabaseUrl, id: &str) -> Outcome {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        if let Ok(mut client) = connect(url, super::APPLICATION_NAME)
            && let Ok(Some(outcome)) = look(&mut client, &url.schema(), id)
        {
            return outcome;
        }
        thread::sleep(POLL);
    }
    Outcome::Unknown
}

/// `None` while the transaction is still running.
fn look(client: &mut Client, schema: &str, id: &str) -> Result<Option<Outcome>, Failure> {
    if !try_lock(client)? {
        return Ok(None);
    }
    if !history::exists(client, schema)? {
        return Ok(Some(Outcome::Undone));
    }
    let query = format!("SELECT finished_at IS NOT NULL FROM {} WHERE id = $1", history::table(schema));
    let row = client.query_typed_opt(&query, &[(&id, Type::TEXT)])?;
    let finished = row.map(|row| row.try_get::<_, bool>(0)).transpose()?;
    Ok(Some(if finished == Some(true) { Outcome::Applied } else { Outcome::Undone }))
}
