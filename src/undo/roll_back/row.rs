//! The migration's row in Prisma's history.

use postgres::Client;
use postgres::types::Type;

use super::super::capsule::{self, Rights};
use super::Request;
use super::body::Broken;
use crate::database::Failure;
use crate::database::history::{self, State};
use crate::error::Error;

/// The history may have moved since it was read.
pub(super) fn check(client: &mut Client, request: &Request<'_>) -> Result<(), Broken> {
    let (id, state) = request.row;
    let query = format!(
        "SELECT finished_at IS NOT NULL, rolled_back_at IS NOT NULL FROM {} WHERE id = $1 FOR UPDATE",
        history::table(request.schema)
    );
    let now = match client.query_typed_opt(&query, &[(&id, Type::TEXT)])? {
        Some(row) if row.try_get::<_, bool>(1)? => Some(State::RolledBack),
        Some(row) if row.try_get::<_, bool>(0)? => Some(State::Applied),
        Some(_) => Some(State::Failed),
        None => None,
    };
    if now == Some(state) {
        return Ok(());
    }
    Err(Error::failed(format!("the history of {} has changed since it was read", request.migration))
        .help("look at it: prisma-safe migrate status")
        .into())
}

/// The migration is pending again for every Prisma: 7 takes a row that is marked as rolled back for none, but `migrate status`
/// of 6 calls a database up to date as long as any row names the migration. So its rows are moved into one of our tables.
pub(super) fn forget(client: &mut Client, request: &Request<'_>) -> Result<(), Failure> {
    let delete = format!("DELETE FROM {} WHERE migration_name = $1", history::table(request.schema));
    let migration = [(&request.migration as _, Type::TEXT)];
    if capsule::rights(client)? == Rights::Missing {
        client.query_typed(&delete, &migration)?;
        return Ok(());
    }
    let kept = capsule::prepare_history(client)?;
    let columns = "id, checksum, finished_at, migration_name, logs, rolled_back_at, started_at, applied_steps_count";
    client.query_typed(
        &format!(
            "WITH gone AS ({delete} RETURNING {columns}) INSERT INTO {kept} ({columns}, taken_back_at) \
             SELECT {columns}, pg_catalog.clock_timestamp() FROM gone"
        ),
        &migration,
    )?;
    Ok(())
}
