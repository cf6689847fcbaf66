//! Readers and writers on a copy of the database while the migrations run there: how long would they have waited?
//!
//! Every write is rolled back, so that the copy stays as it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use postgres::Client;
use serde::Serialize;

use super::milliseconds;
use crate::database::{DatabaseUrl, Failure, connect};
use crate::error::Result;
use crate::sql::quote_identifier;
use crate::values::tables::{self, Table};

const APPLICATION: &str = "prisma-safe traffic";
/// Between two queries on a table.
const PACE: Duration = Duration::from_millis(2);
/// Tables at most: each has a reader and a writer, and the server takes a hundred sessions.
const TABLES: usize = 24;

/// The longest that a query on a table took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stall {
    pub table: String,
    /// Whether it only read.
    pub reader: bool,
    #[serde(rename = "milliseconds", serialize_with = "milliseconds")]
    pub longest: Duration,
    /// How many queries were made.
    pub queries: u64,
    /// How many of them failed, as they ask by names that are gone.
    pub failed: u64,
}

/// Traffic that runs until it is stopped.
pub(super) struct Traffic {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Stall>>,
    /// Tables without traffic, as there were too many.
    pub(super) left_out: usize,
}

impl Traffic {
    /// Begins to read and write these tables.
    ///
    /// # Errors
    /// Those of [`connect`].
    pub(super) fn start(url: &DatabaseUrl, names: &[String], default_schema: &str) -> Result<Self> {
        let mut client = connect(url, APPLICATION)?;
        let stop = Arc::new(AtomicBool::new(false));
        let found = tables::read(&mut client).unwrap_or_default();
        let meant: Vec<&Table> = found.values().filter(|table| names.contains(&table.said(default_schema))).collect();
        let left_out = meant.len().saturating_sub(TABLES);
        let mut traffic = Self { stop, threads: Vec::new(), left_out };
        for table in meant.into_iter().take(TABLES) {
            for reader in [true, false] {
                let Some(query) = query(table, reader) else { continue };
                let (client, name) = (connect(url, APPLICATION)?, table.said(default_schema));
                let stop = Arc::clone(&traffic.stop);
                traffic.threads.push(thread::spawn(move || drive(client, name, reader, &query, &stop)));
            }
        }
        Ok(traffic)
    }

    /// Stops it; the longest stalls first.
    pub(super) fn stop(mut self) -> Vec<Stall> {
        self.stop.store(true, Ordering::SeqCst);
        let threads = std::mem::take(&mut self.threads);
        let mut stalls: Vec<Stall> = threads.into_iter().filter_map(|thread| thread.join().ok()).collect();
        stalls.sort_by_key(|stall| std::cmp::Reverse(stall.longest));
        stalls
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

/// One row read, or written as it is.
fn query(table: &Table, reader: bool) -> Option<String> {
    let name = table.quoted();
    if reader {
        return Some(format!("SELECT 1 FROM {name} LIMIT 1"));
    }
    let column = table.columns.values().find(|column| !column.generated)?;
    let column = quote_identifier(&column.name);
    Some(format!(
        "BEGIN; UPDATE {name} SET {column} = {column} WHERE ctid = (SELECT ctid FROM {name} LIMIT 1); ROLLBACK"
    ))
}

fn drive(mut client: Client, table: String, reader: bool, query: &str, stop: &AtomicBool) -> Stall {
    let mut stall = Stall { table, reader, longest: Duration::ZERO, queries: 0, failed: 0 };
    while !stop.load(Ordering::SeqCst) {
        let start = Instant::now();
        let result = client.batch_execute(query);
        stall.longest = stall.longest.max(start.elapsed());
        stall.queries += 1;
        if let Err(error) = result {
            stall.failed += 1;
            if Failure::from(error).is_disconnect() {
                break;
            }
            // within the transaction that the error ended
            if client.batch_execute("ROLLBACK").is_err() {
                break;
            }
        }
        thread::sleep(PACE);
    }
    stall
}
