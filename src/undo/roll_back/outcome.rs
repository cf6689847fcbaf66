//! What became of a rollback whose connection broke at the commit.

use std::thread;
use std::time::{Duration, Instant};

use postgres::types::Type;

use super::{APPLICATION_NAME, Request};
use crate::database::{DatabaseUrl, Failure, connect, history};
use crate::deploy;
use crate::error::{Error, Explain as _, Result};

/// How long an outcome is asked for after the connection broke at the commit.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(500);

/// Whether a rollback whose commit was cut has happened: asked on a new connection, until the lost one has ended.
pub(super) fn settled(url: &DatabaseUrl, request: &Request<'_>) -> Result<bool> {
    let until = Instant::now() + PATIENCE;
    loop {
        match look(url, request) {
            Ok(Some(done)) => return Ok(done),
            Err(error) if Instant::now() >= until => return Err(error),
            Ok(None) if Instant::now() >= until => {
                return Err(Error::failed("the transaction of the rollback still hangs on the server"));
            }
            _ => thread::sleep(POLL),
        }
    }
}

/// `None` while the lost transaction runs: it holds Prisma's lock.
fn look(url: &DatabaseUrl, request: &Request<'_>) -> Result<Option<bool>> {
    let mut client = connect(url, APPLICATION_NAME)?;
    let mut ask = || -> Result<Option<bool>, Failure> {
        if !deploy::try_lock(&mut client)? {
            return Ok(None);
        }
        let query = format!("SELECT FROM {} WHERE id = $1", history::table(request.schema));
        Ok(Some(client.query_typed_opt(&query, &[(&request.row.0, Type::TEXT)])?.is_none()))
    };
    ask().explain(|| "could not find out what became of the rollback".into())
}
