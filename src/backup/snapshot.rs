//! One moment of the database: what `pg_dump` dumps and what we count are the same rows, whatever others write at the same time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use postgres::{CancelToken, Client};

use super::scan::TableName;
use crate::database::history::History;
use crate::database::{self, DatabaseUrl, Failure};
use crate::error::{Error, Explain as _, Result};
use crate::ui::interrupt::Guard;

/// How often a waiting thread looks whether it should stop.
const TICK: Duration = Duration::from_millis(100);
/// How often a count is cancelled before it is left to itself.
const CANCEL_TRIES: u32 = 10;
/// Relations whose rows or values `pg_dump` reads, by its own rules: no system schemas, no temporary tables, of extensions
/// only their configuration tables, and none of the guard's. Names come as the dump writes them: in the server's encoding.
const RELATIONS: &str = "
SELECT convert_to(n.nspname::text, getdatabaseencoding()), convert_to(c.relname::text, getdatabaseencoding()),
       format('%I.%I', n.nspname, c.relname), coalesce(configuration.condition, ''), c.relkind = 'r',
       has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'), row_security_active(c.oid),
       CASE WHEN $2 AND c.relkind = 'r' THEN coalesce(pg_table_size(c.oid), 0) ELSE 0 END
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
                     AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
LEFT JOIN LATERAL (
    SELECT listed.condition FROM pg_extension e, unnest(e.extconfig, e.extcondition) AS listed (relation, condition)
    WHERE e.oid = d.refobjid AND listed.relation = c.oid
) configuration ON true
WHERE c.relkind IN ('r', 'p', 'S') AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL ($1)
  AND NOT (n.nspname = '_prisma_safe' AND c.relname ~ '^guard_')
  AND (d.objid IS NULL OR configuration.condition IS NOT NULL)
ORDER BY 3";

/// A table whose rows are dumped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Relation {
    pub(super) name: TableName,
    /// As SQL takes it.
    quoted: String,
    /// `WHERE …` of an extension's configuration table.
    condition: String,
    /// Its size on the server's disk, without indexes.
    pub(super) bytes: u64,
}

/// The relations of a database, as one role sees them.
#[derive(Debug, Default)]
pub(super) struct Relations {
    /// The tables whose rows are dumped.
    pub(super) tables: Vec<Relation>,
    /// Tables and sequences that this role may not read, as SQL writes them, with their schemas.
    pub(super) unreadable: Vec<(String, String)>,
    /// Tables of which row-level security shows this role a part.
    pub(super) hidden: Vec<(String, String)>,
}

impl Relations {
    /// Reads them, but for those in the schemas `without`. Measuring them waits for sessions that have locked one.
    ///
    /// # Errors
    /// The server's own.
    pub(super) fn read(client: &mut Client, without: &[String], measured: bool) -> Result<Self> {
        let rows = client.query(RELATIONS, &[&without, &measured]);
        let rows = rows.map_err(|error| refused("could not measure the tables".into(), &error))?;
        let mut found = Self::default();
        for row in rows {
            let quoted: String = row.get(2);
            let schema = || String::from_utf8_lossy(row.get(0)).into_owned();
            let (is_table, readable, secured): (bool, bool, bool) = (row.get(4), row.get(5), row.get(6));
            if !readable {
                found.unreadable.push((schema(), quoted));
            } else if is_table {
                if secured {
                    found.hidden.push((schema(), quoted.clone()));
                }
                found.tables.push(Relation {
                    name: TableName::from_bytes(row.get(0), row.get(1)),
                    quoted,
                    condition: row.get(3),
                    bytes: u64::try_from(row.get::<_, i64>(7)).unwrap_or_default(),
                });
            }
        }
        Ok(found)
    }
}

/// A transaction that sees one moment until it is dropped.
pub(super) struct Snapshot {
    client: Client,
    id: String,
}

impl Snapshot {
    /// Begins it. `lock_wait_seconds`: how long a query waits for a lock on a table.
    ///
    /// # Errors
    /// The server's own.
    pub(super) fn open(mut client: Client, lock_wait_seconds: u64) -> Result<Self> {
        let settings = format!(
            "SET search_path = pg_catalog;
             SET row_security = off;
             SET lock_timeout = '{lock_wait_seconds}s';
             SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN
                 ('statement_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'transaction_timeout')"
        );
        let exported = client
            .batch_execute(&settings)
            .and_then(|()| client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"))
            .and_then(|()| client.query_one("SELECT pg_export_snapshot()", &[]));
        let id = exported
            .and_then(|row| row.try_get(0))
            .map_err(Failure::from)
            .explain(|| "could not take a snapshot of the database".into())?;
        Ok(Self { client, id })
    }

    /// The name that `pg_dump --snapshot` takes.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// What the session may read of the database.
    pub(super) fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Size of all large objects in bytes, as far as the role may ask.
    pub(super) fn large_objects(&mut self) -> Result<u64> {
        let row = self.client.query_one("SELECT pg_table_size('pg_largeobject')", &[]).map_err(Failure::from);
        let bytes: i64 = row.explain(|| "could not ask for the size of the large objects".into())?.get(0);
        Ok(u64::try_from(bytes).unwrap_or_default())
    }

    /// Applied migrations, oldest first; none if Prisma has no table in `schema`.
    pub(super) fn applied_migrations(&mut self, schema: &str) -> Result<Vec<String>> {
        let history = History::read(&mut self.client, schema)?.unwrap_or_default();
        Ok(history.compare(&[]).applied)
    }
}

impl Relation {
    /// A table as a restored dump has it.
    pub(super) fn named(name: &TableName) -> Self {
        let quoted = name.quoted();
        Self { name: name.clone(), quoted, condition: String::new(), bytes: 0 }
    }

    /// Its name as SQL takes it.
    pub(super) fn quoted(&self) -> &str {
        &self.quoted
    }

    /// Whether it is there.
    ///
    /// # Errors
    /// The server's own.
    pub(super) fn exists(&self, client: &mut Client) -> Result<bool> {
        let row = client.query_one("SELECT pg_catalog.to_regclass($1) IS NOT NULL", &[&self.quoted]);
        let row = row.map_err(Failure::from).explain(|| format!("could not look for table {}", self.quoted))?;
        Ok(row.get(0))
    }

    /// Counts its rows.
    ///
    /// # Errors
    /// The server's own.
    pub(super) fn count(&self, client: &mut Client) -> Result<u64> {
        let query = format!("SELECT count(*) FROM ONLY {} {}", self.quoted, self.condition);
        let row = client.query_one(&query, &[]);
        let row = row.map_err(|error| refused(format!("could not count the rows of {}", self.quoted), &error))?;
        Ok(u64::try_from(row.get::<_, i64>(0)).unwrap_or_default())
    }

    /// Whether it belongs to an extension.
    ///
    /// # Errors
    /// The server's own.
    pub(super) fn is_extensions(&self, client: &mut Client) -> Result<bool> {
        let query = "SELECT EXISTS (SELECT FROM pg_catalog.pg_depend WHERE deptype = 'e' \
                     AND classid = 'pg_catalog.pg_class'::regclass AND objid = $1::text::regclass)";
        let row = client.query_one(query, &[&self.quoted]).map_err(Failure::from);
        Ok(row.explain(|| format!("could not ask whose table {} is", self.quoted))?.get(0))
    }
}

/// Counting every table in the snapshot, in a thread beside the dump; cancelled on the server when dropped.
pub(super) struct Counting {
    url: DatabaseUrl,
    cancel: CancelToken,
    stop: Arc<AtomicBool>,
    result: mpsc::Receiver<Result<Counted>>,
    /// What the thread found; the snapshot stays open until this is dropped.
    counted: Option<Counted>,
    ended: bool,
}

type Counted = (Snapshot, Vec<u64>);

impl Counting {
    /// Begins to count.
    pub(super) fn start(mut snapshot: Snapshot, relations: Vec<Relation>, url: &DatabaseUrl) -> Self {
        let (sender, result) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let cancel = snapshot.client.cancel_token();
        let stopped = Arc::clone(&stop);
        thread::spawn(move || {
            let counts: Result<Vec<u64>> = relations
                .iter()
                .map(|relation| {
                    if stopped.load(Ordering::SeqCst) {
                        Err(Error::cancelled())
                    } else {
                        relation.count(&mut snapshot.client)
                    }
                })
                .collect();
            // the receiver is gone after a failure elsewhere
            let _ = sender.send(counts.map(|counts| (snapshot, counts)));
        });
        Self { url: url.clone(), cancel, stop, result, counted: None, ended: false }
    }

    /// Looks whether counting has failed: then the dump is pointless.
    ///
    /// # Errors
    /// The server's own.
    pub(super) fn check(&mut self) -> Result<()> {
        self.wait(Duration::ZERO)
    }

    /// The rows of each relation, in their order; the snapshot ends.
    ///
    /// # Errors
    /// The server's own, or Ctrl-C.
    pub(super) fn finish(mut self, guard: &Guard) -> Result<Vec<u64>> {
        loop {
            self.wait(TICK)?;
            if let Some((_, counts)) = self.counted.take() {
                return Ok(counts);
            }
            guard.check()?;
        }
    }

    fn wait(&mut self, time: Duration) -> Result<()> {
        if self.ended {
            return Ok(());
        }
        match self.result.recv_timeout(time) {
            Err(mpsc::RecvTimeoutError::Timeout) => return Ok(()),
            Ok(result) => self.counted = Some(result.inspect_err(|_| self.ended = true)?),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                return Err(Error::failed("counting the rows ended unexpectedly"));
            }
        }
        self.ended = true;
        Ok(())
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // the thread may just be between two queries, so once is not enough
        for _ in 0..CANCEL_TRIES {
            if self.ended {
                return;
            }
            // a lost server counts no more
            let _ = database::cancel(&self.url, &self.cancel);
            self.ended = !matches!(self.result.recv_timeout(TICK), Err(mpsc::RecvTimeoutError::Timeout));
        }
    }
}

/// The server's refusal in a sentence, with what helps against a lock.
fn refused(message: String, error: &postgres::Error) -> Error {
    let failure = Failure::from(error);
    let locked = failure.is_lock();
    let error = Error::failed(message).because(failure);
    if !locked {
        return error;
    }
    error.help("another session holds a lock on a table: wait for it or end it, or raise backup.lock-wait-seconds")
}
