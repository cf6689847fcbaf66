//! What each statement of a migration does while it runs in a transaction that we hold: the locks it takes, the tables it
//! writes anew, the indexes it builds, the write-ahead log it makes. Asked in that same transaction, so nothing is missed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::{Duration, Instant};

use postgres::GenericClient;
use serde::Serialize;

use super::locks::{Hold, LockMode, TableLock};
use super::milliseconds;
use super::relations::{Relations, relations, written};
use crate::catalog::ObjectName;
use crate::catalog::live::OWN_SCHEMA;
use crate::database::Failure;

/// A statement as it ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    /// Its line in the file, from 1.
    pub line: usize,
    /// Its beginning.
    pub sql: String,
    #[serde(rename = "milliseconds", serialize_with = "milliseconds")]
    pub took: Duration,
    /// Write-ahead log while it ran, in bytes; other sessions' included.
    pub wal_bytes: u64,
    /// The locks it was the first to take on tables that were there before.
    pub locks: Vec<TableLock>,
    /// Tables that it wrote anew.
    pub rewrites: Vec<Sized>,
    /// Indexes that it built.
    pub indexes: Vec<Sized>,
    /// Rows that it wrote, also by triggers, foreign keys and functions.
    #[serde(skip)]
    pub writes: Vec<Write>,
    /// Its bytes in the file; empty where it was not run statement by statement.
    #[serde(skip)]
    pub range: Range<usize>,
}

impl Statement {
    /// Only timed.
    pub(super) fn timed(line: usize, sql: &str, took: Duration) -> Self {
        Self {
            line,
            sql: beginning(sql),
            took,
            wal_bytes: 0,
            locks: Vec::new(),
            rewrites: Vec::new(),
            indexes: Vec::new(),
            writes: Vec::new(),
            range: 0..0,
        }
    }
}

/// What a statement did to the rows of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// As it was called before the migration.
    pub table: String,
    /// As it was called just before the statement.
    pub name: ObjectName,
    pub inserted: u64,
    pub updated: u64,
    pub deleted: u64,
    /// It was emptied or written anew as a whole.
    pub anew: bool,
    /// It is dropped.
    pub gone: bool,
    /// It is a materialized view: its rows are computed.
    pub derived: bool,
}

/// A table or an index, and how large it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sized {
    pub name: String,
    pub bytes: u64,
}

const OWN_LOCKS: &str = "
SELECT l.relation, l.mode FROM pg_catalog.pg_locks l
WHERE l.locktype = 'relation' AND l.granted AND l.pid = pg_catalog.pg_backend_pid()
  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())";

/// Rows that this transaction has inserted, updated and deleted so far.
const WRITTEN_ROWS: &str = "
SELECT relid, n_tup_ins, n_tup_upd, n_tup_del FROM pg_catalog.pg_stat_xact_user_tables
WHERE n_tup_ins > 0 OR n_tup_upd > 0 OR n_tup_del > 0";

/// `pg_current_wal_insert_lsn` in bytes.
pub(super) const WAL: &str = "SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')::bigint";

/// The transaction of one migration.
#[derive(Debug)]
pub(super) struct Trace {
    schema: String,
    /// As it was before the migration.
    was: Relations,
    now: Relations,
    wal: i64,
    at: Instant,
    taken: BTreeMap<(u32, LockMode), Instant>,
    /// Rows inserted, updated and deleted up to now, by table.
    written: BTreeMap<u32, [u64; 3]>,
    /// Those of the tables that the migration has written anew which hold anything: emptied once more, they keep their file, and no row
    /// is counted.
    full: BTreeSet<u32>,
    pub(super) statements: Vec<Statement>,
}

impl Trace {
    /// Begins before the first statement.
    pub(super) fn begin(client: &mut impl GenericClient, schema: &str) -> Result<Self, Failure> {
        let was = relations(client, schema)?;
        let wal = client.query_one(WAL, &[])?.try_get(0)?;
        Ok(Self {
            schema: schema.to_owned(),
            now: was.clone(),
            was,
            wal,
            at: Instant::now(),
            taken: BTreeMap::new(),
            written: BTreeMap::new(),
            full: BTreeSet::new(),
            statements: Vec::new(),
        })
    }

    /// Looks after a statement that has just ended.
    pub(super) fn after(
        &mut self,
        client: &mut impl GenericClient,
        range: &Range<usize>,
        (line, sql): (usize, &str),
    ) -> Result<(), Failure> {
        let took = self.at.elapsed();
        let wal: i64 = client.query_one(WAL, &[])?.try_get(0)?;
        let locks = self.new_locks(client)?;
        let now = relations(client, &self.schema)?;
        let (rewrites, indexes) = written(client, &self.now, &now)?;
        let wal_bytes = wal.saturating_sub(self.wal).unsigned_abs();
        let writes = self.new_writes(client, &now)?;
        let (sql, range) = (beginning(sql), range.clone());
        self.statements.push(Statement { line, sql, took, wal_bytes, locks, rewrites, indexes, writes, range });
        self.now = now;
        self.rest(client)
    }

    /// What ran before the script counts for its locks only.
    pub(super) fn prelude(&mut self, client: &mut impl GenericClient) -> Result<(), Failure> {
        self.new_locks(client)?;
        let now = relations(client, &self.schema)?;
        self.new_writes(client, &now)?;
        self.now = now;
        self.rest(client)
    }

    /// Locks that were not there at the last look.
    fn new_locks(&mut self, client: &mut impl GenericClient) -> Result<Vec<TableLock>, Failure> {
        let mut locks = Vec::new();
        for row in client.query(OWN_LOCKS, &[])? {
            let (id, mode): (u32, String) = (row.try_get(0)?, row.try_get(1)?);
            let (Some(mode), Some(table)) = (LockMode::parse(&mode), self.was.get(&id)) else { continue };
            if table.is_table() && !self.taken.contains_key(&(id, mode)) {
                self.taken.insert((id, mode), self.at);
                locks.push(TableLock { table: table.name.clone(), mode });
            }
        }
        locks.sort_by(|a, b| (&a.table, b.mode).cmp(&(&b.table, a.mode)));
        Ok(locks)
    }

    /// What was written since the last look to tables that were there before the migration: of those it has made itself nothing
    /// can go.
    fn new_writes(&mut self, client: &mut impl GenericClient, now: &Relations) -> Result<Vec<Write>, Failure> {
        let mut counted = BTreeMap::new();
        for row in client.query(WRITTEN_ROWS, &[])? {
            let count = |at| Ok::<_, postgres::Error>(row.try_get::<_, i64>(at)?.unsigned_abs());
            let id: u32 = row.try_get(0)?;
            let rows = [count(1)?, count(2)?, count(3)?];
            let before = self.written.insert(id, rows).unwrap_or_default();
            counted.insert(id, [0, 1, 2].map(|at: usize| rows[at].saturating_sub(before[at])));
        }
        let emptied = self.emptied(client, now)?;
        let mut writes = Vec::new();
        for (id, table) in self.was.iter().filter(|(_, table)| table.is_table() && table.object.schema != OWN_SCHEMA) {
            // an earlier statement has dropped it, which was told of that one
            let Some(then) = self.now.get(id) else { continue };
            let [inserted, updated, deleted] = counted.get(id).copied().unwrap_or_default();
            let gone = !now.contains_key(id);
            let another = now.get(id).is_some_and(|now| now.file != then.file);
            let anew = matches!(table.kind, 'r' | 'm') && another || emptied.contains(id);
            if inserted + updated + deleted > 0 || anew || gone {
                let derived = table.kind == 'm';
                let (table, name) = (table.name.clone(), then.object.clone());
                writes.push(Write { table, name, inserted, updated, deleted, anew, gone, derived });
            }
        }
        Ok(writes)
    }

    /// Tables that were emptied since the last look although they have the file that the migration has given them before.
    fn emptied(&mut self, client: &mut impl GenericClient, now: &Relations) -> Result<BTreeSet<u32>, Failure> {
        const FULL: &str = "SELECT id FROM unnest($1::oid[]) AS id WHERE pg_catalog.pg_relation_size(id) > 0";
        let file = |relations: &Relations, id: &u32| relations.get(id).map(|own| own.file);
        let is = |id: &&u32| now.get(id).is_some_and(|own| own.kind == 'r') && file(now, id) != file(&self.was, id);
        let ids: Vec<u32> = self.was.keys().filter(is).copied().collect();
        if ids.is_empty() {
            return Ok(BTreeSet::new());
        }
        let rows = client.query(FULL, &[&ids])?;
        let full: BTreeSet<u32> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, postgres::Error>>()?;
        let same = |id: &&u32| file(now, id) == file(&self.now, id);
        let emptied = self.full.difference(&full).filter(same).copied().collect();
        self.full = full;
        Ok(emptied)
    }

    /// The next statement begins here.
    fn rest(&mut self, client: &mut impl GenericClient) -> Result<(), Failure> {
        self.wal = client.query_one(WAL, &[])?.try_get(0)?;
        self.at = Instant::now();
        Ok(())
    }

    /// At the end of the transaction: how long each lock was held.
    pub(super) fn holds(&self) -> Vec<Hold> {
        let hold = |((id, mode), since): (&(u32, LockMode), &Instant)| {
            let table = self.was.get(id)?.name.clone();
            Some(Hold { table, mode: *mode, stops: mode.stops(), held: since.elapsed() })
        };
        self.taken.iter().filter_map(hold).collect()
    }

    /// The tables that could have been written to: a write needs one of these locks.
    pub(super) fn touched(&self) -> BTreeSet<u32> {
        self.taken.keys().map(|(id, _)| *id).collect()
    }
}

/// A statement's first line, shortened.
pub(super) fn beginning(sql: &str) -> String {
    const SHOWN: usize = 90;
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    console::truncate_str(&line, SHOWN, "…").into_owned()
}
