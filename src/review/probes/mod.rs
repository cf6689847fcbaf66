//! Questions to the target, each in a read-only transaction with its own time limit, asked once and remembered.
//!
//! The limits are set inside each transaction, so that they also hold behind a pooler. Counts leave the server, and a few
//! primary keys where `review.sample-keys` wants them; no other value ever does.

mod live;
mod questions;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::Duration;

use postgres::error::SqlState;
use postgres::types::ToSql;
use postgres::{Client, IsolationLevel, Row};

use self::questions::Question;

use crate::catalog::ObjectName;
use crate::error::{Explain as _, Result};
use crate::rules::{Unchecked, Which};
use crate::sql::quote_literal;

/// Rows are counted exactly up to here; beyond, the statistics' estimate is good enough.
const EXACT_ROWS: u64 = 200_000;

/// No question waits longer than this for a lock, in milliseconds: sessions that alter the table come first.
const LOCK_MILLISECONDS: u64 = 1_000;

/// After so many questions without an answer in time the target is left in peace.
const MOST_TIMEOUTS: u32 = 5;

/// The target, asked through one session.
pub struct Probes<'a> {
    client: RefCell<&'a mut Client>,
    version: u32,
    timeout: Duration,
    sample: usize,
    answers: RefCell<HashMap<String, Answer>>,
    timeouts: Cell<u32>,
    unchecked: RefCell<Vec<Unchecked>>,
}

/// What came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Number(i64),
    /// The server says that a value does not fit (class 22): there is one.
    Refused,
    /// No such table.
    Absent,
    Unknown,
}

impl std::fmt::Debug for Probes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Probes").field("version", &self.version).finish_non_exhaustive()
    }
}

impl<'a> Probes<'a> {
    /// Begins to ask; each question may take `timeout`, and tell the keys of at most `sample` rows.
    ///
    /// # Errors
    /// Exit status 1 when the server does not tell its version.
    pub fn new(client: &'a mut Client, timeout: Duration, sample: usize) -> Result<Self> {
        let row = client
            .query_one("SELECT current_setting('server_version_num')::int", &[])
            .explain(|| "the target does not tell its version".into())?;
        let version: i32 = row.try_get(0).explain(|| "the target's version is not understood".into())?;
        Ok(Self {
            client: RefCell::new(client),
            version: u32::try_from(version).unwrap_or(0),
            timeout,
            sample,
            answers: RefCell::default(),
            timeouts: Cell::new(0),
            unchecked: RefCell::default(),
        })
    }

    /// A number, once asked. `what` says in a report what is unknown without it.
    fn ask(&self, what: &str, query: &str, values: &[String]) -> Answer {
        let key = format!("{query}\n{values:?}");
        if let Some(known) = self.answers.borrow().get(&key) {
            return *known;
        }
        let answer = if self.timeouts.get() < MOST_TIMEOUTS {
            match self.run(query, values, |row| row.try_get::<_, Option<i64>>(0)) {
                Ok(number) => Ok(number.map_or(Answer::Absent, Answer::Number)),
                Err(error) => self.failed(&error),
            }
        } else {
            Err("the target did not answer earlier questions in time".into())
        };
        let answer = answer.unwrap_or_else(|why| {
            self.unchecked.borrow_mut().push(Unchecked { what: what.to_owned(), why });
            Answer::Unknown
        });
        self.answers.borrow_mut().insert(key, answer);
        answer
    }

    fn run<T>(
        &self,
        query: &str,
        values: &[String],
        read: impl FnOnce(&Row) -> std::result::Result<T, postgres::Error>,
    ) -> std::result::Result<T, postgres::Error> {
        let mut client = self.client.borrow_mut();
        let mut transaction =
            client.build_transaction().read_only(true).isolation_level(IsolationLevel::ReadCommitted).start()?;
        // row_security = off: a policy that hides rows is an error then, and not a wrong count
        transaction.batch_execute(&format!(
            "SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = {LOCK_MILLISECONDS}; SET LOCAL row_security = off",
            self.timeout.as_millis()
        ))?;
        let parameters: Vec<&(dyn ToSql + Sync)> = if values.is_empty() { Vec::new() } else { vec![&values] };
        read(&transaction.query_one(query, &parameters)?)
    }

    fn failed(&self, error: &postgres::Error) -> std::result::Result<Answer, String> {
        let Some(database) = error.as_db_error() else { return Err(error.to_string()) };
        let code = database.code();
        if *code == SqlState::UNDEFINED_TABLE || *code == SqlState::INVALID_SCHEMA_NAME {
            return Ok(Answer::Absent);
        }
        if code.code().starts_with("22") {
            return Ok(Answer::Refused);
        }
        if *code == SqlState::QUERY_CANCELED || *code == SqlState::LOCK_NOT_AVAILABLE {
            self.timeouts.set(self.timeouts.get() + 1);
            return Err(format!("no answer within {} s", self.timeout.as_secs_f64()));
        }
        Err(database.message().to_owned())
    }

    fn number(&self, what: &str, query: &str, values: &[String]) -> Option<u64> {
        match self.ask(what, query, values) {
            Answer::Number(number) => u64::try_from(number).ok(),
            Answer::Refused | Answer::Absent | Answer::Unknown => None,
        }
    }

    /// The question in SQL; one that cannot be asked is listed as unchecked.
    fn question(&self, table: &ObjectName, which: &Which<'_>) -> Option<Question> {
        Question::about(table, which, self.version)
            .map_err(|(what, why)| {
                let unchecked = Unchecked { what, why: why.into() };
                let mut known = self.unchecked.borrow_mut();
                if !known.contains(&unchecked) {
                    known.push(unchecked);
                }
            })
            .ok()
    }

    /// Texts, not remembered; none for whatever reason is none.
    fn texts(&self, query: &str, values: &[String]) -> Option<Vec<String>> {
        if self.timeouts.get() >= MOST_TIMEOUTS {
            return None;
        }
        self.run(query, values, |row| row.try_get::<_, Option<Vec<String>>>(0)).ok().flatten()
    }

    /// The columns of a table's primary key, in its order.
    fn primary_key(&self, table: &ObjectName) -> Option<Vec<String>> {
        let query = format!(
            "SELECT array_agg(attname::text ORDER BY place) FROM pg_index, unnest(indkey) WITH ORDINALITY AS key (number, place) \
             JOIN pg_attribute ON attnum = number WHERE indisprimary AND attrelid = indrelid AND indrelid = {}::regclass",
            quote_literal(&table.quoted())
        );
        self.texts(&query, &[])
    }
}

/// What a question is about, in words.
pub(super) fn subject(table: &ObjectName, which: &Which<'_>, version: u32) -> String {
    Question::about(table, which, version).map_or_else(|(what, _)| what, |question| question.what)
}
