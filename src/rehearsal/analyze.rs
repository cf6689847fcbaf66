//! The planner's statistics of what was restored, without which it would know nothing of the rows: `ANALYZE` in several sessions, as
//! `vacuumdb --jobs` does it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use postgres::Client;

use crate::database::Failure;
use crate::error::{Explain as _, Result};

/// What `ANALYZE` without a table takes, the largest first; partitions are analysed with their table.
const TABLES: &str = "
SELECT pg_catalog.format('ANALYZE %I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
ORDER BY pg_catalog.pg_relation_size(c.oid) DESC";
/// More of them read the disk against each other.
const MOST_SESSIONS: usize = 4;

/// Analyses every table of the database that `connect` leads to.
///
/// # Errors
/// The server's own.
pub(super) fn all(connect: &(impl Fn() -> Result<Client> + Sync)) -> Result<()> {
    let failed = || "could not analyse the restored backup".to_owned();
    let rows = connect()?.query(TABLES, &[]).map_err(Failure::from).explain(failed)?;
    let tables: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let sessions = thread::available_parallelism().map_or(1, usize::from).min(MOST_SESSIONS).min(tables.len());
    let next = AtomicUsize::new(0);
    let work = || -> Result<()> {
        let mut client = connect()?;
        while let Some(analyze) = tables.get(next.fetch_add(1, Ordering::Relaxed)) {
            client.batch_execute(analyze).map_err(Failure::from).explain(failed)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..sessions).map(|_| scope.spawn(work)).collect();
        let first = work();
        let join =
            |one: thread::ScopedJoinHandle<'_, _>| one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        others.into_iter().map(join).fold(first, Result::and)
    })
}
