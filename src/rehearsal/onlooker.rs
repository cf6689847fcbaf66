//! Looks on, from a connection of its own, while Prisma's engine runs a migration that none of our transactions can hold:
//! its locks and its statements as often as can be asked.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use postgres::Client;

use super::locks::{Hold, LockMode};
use super::relations::{self, Relations};
use super::trace::{self, Sized, Statement};
use crate::database::{DatabaseUrl, Failure, connect};
use crate::error::Result;

const APPLICATION: &str = "prisma-safe onlooker";
/// How often it looks. A shorter lock may be missed; it blocks other sessions no longer than that.
const INTERVAL: Duration = Duration::from_millis(5);

/// What other sessions of this database hold and run.
const LOOK: &str = "
SELECT a.pid, coalesce(extract(epoch FROM a.query_start)::float8, 0), a.query, l.relation, l.mode
FROM pg_catalog.pg_stat_activity a
LEFT JOIN pg_catalog.pg_locks l ON l.pid = a.pid AND l.locktype = 'relation' AND l.granted AND l.database = a.datid
WHERE a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid() AND a.state <> 'idle'
  AND a.backend_type = 'client backend'";

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) statements: Vec<Statement>,
    pub(super) holds: Vec<Hold>,
    pub(super) rewrites: Vec<Sized>,
    pub(super) indexes: Vec<Sized>,
    pub(super) wal_bytes: u64,
}

/// Looks on while `work` runs. `text` is the migration's: a statement's line is found in it.
///
/// # Errors
/// If the server cannot be asked before or after; what `work` gives is the inner value.
pub(super) fn during<T>(url: &DatabaseUrl, text: &str, work: impl FnOnce() -> T) -> Result<(T, Result<Seen, Failure>)> {
    let mut client = connect(url, APPLICATION)?;
    let schema = url.schema();
    let mut start = || -> Result<(Relations, i64), Failure> {
        Ok((relations::relations(&mut client, &schema)?, client.query_one(trace::WAL, &[])?.try_get(0)?))
    };
    let before = start();
    let (done, ended) = mpsc::channel::<()>();
    let (result, looks) = thread::scope(|scope| {
        let client = &mut client;
        let looking = scope.spawn(move || {
            let mut looks = Looks::default();
            while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(INTERVAL) {
                if looks.look(client).is_err() {
                    break;
                }
            }
            looks
        });
        let result = work();
        drop(done);
        (result, looking.join().unwrap_or_default())
    });
    let seen = before.and_then(|(was, wal)| {
        let now = relations::relations(&mut client, &schema)?;
        let (rewrites, indexes) = relations::written(&mut client, &was, &now)?;
        let after: i64 = client.query_one(trace::WAL, &[])?.try_get(0)?;
        Ok(Seen {
            statements: looks.statements(text),
            holds: looks.holds(&was),
            rewrites,
            indexes,
            wal_bytes: after.saturating_sub(wal).unsigned_abs(),
        })
    });
    Ok((result, seen))
}

#[derive(Debug, Default)]
struct Looks {
    /// By the session's process, relation and mode: since when, and until when it was last seen.
    locks: BTreeMap<(i32, u32, LockMode), (Instant, Instant)>,
    /// Ended holds.
    longest: BTreeMap<(u32, LockMode), Duration>,
    /// By the session's process and the server's start time: text, first and last seen.
    queries: Vec<((i32, u64), String, Instant, Instant)>,
}

impl Looks {
    fn look(&mut self, client: &mut Client) -> Result<(), Failure> {
        let rows = client.query(LOOK, &[])?;
        let now = Instant::now();
        for row in &rows {
            let (pid, start, query): (i32, f64, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            match self.queries.iter_mut().find(|(key, ..)| *key == (pid, start.to_bits())) {
                Some((_, _, _, last)) => *last = now,
                None => self.queries.push(((pid, start.to_bits()), query, now, now)),
            }
            let (relation, mode): (Option<u32>, Option<String>) = (row.try_get(3)?, row.try_get(4)?);
            if let (Some(relation), Some(mode)) = (relation, mode.as_deref().and_then(LockMode::parse)) {
                self.locks.entry((pid, relation, mode)).and_modify(|(_, last)| *last = now).or_insert((now, now));
            }
        }
        let longest = &mut self.longest;
        self.locks.retain(|(_, relation, mode), (since, last)| {
            if *last == now {
                return true;
            }
            let held = longest.entry((*relation, *mode)).or_default();
            *held = (*held).max(now.duration_since(*since));
            false
        });
        Ok(())
    }

    fn holds(&self, was: &Relations) -> Vec<Hold> {
        let mut longest = self.longest.clone();
        for ((_, relation, mode), (since, last)) in &self.locks {
            let held = longest.entry((*relation, *mode)).or_default();
            *held = (*held).max(last.duration_since(*since) + INTERVAL);
        }
        let hold = |((relation, mode), held): (&(u32, LockMode), &Duration)| {
            let table = was.get(relation).filter(|relation| relation.is_table())?.name.clone();
            Some(Hold { table, mode: *mode, stops: mode.stops(), held: *held })
        };
        longest.iter().filter_map(hold).collect()
    }

    /// Those whose text stands in the migration.
    fn statements(&self, text: &str) -> Vec<Statement> {
        let statement = |(_, query, first, last): &(_, String, Instant, Instant)| {
            let query = query.trim();
            let at = text.find(query).filter(|_| !query.is_empty())?;
            let line = text[..at].matches('\n').count() + 1;
            Some(Statement::timed(line, query, last.duration_since(*first) + INTERVAL))
        };
        self.queries.iter().filter_map(statement).collect()
    }
}
