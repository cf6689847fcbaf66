//! One session that fills ranges.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use postgres::Client;
use postgres::error::SqlState;

use super::pace::Pace;
use super::pressure::Pressure;
use super::state::{self, State, Taken};
use super::statements::Statements;
use super::{APPLICATION, Job};
use crate::database::Failure;
use crate::error::{Error, Explain as _, Result};
use crate::phases::session;
use crate::wait::sleep;

/// A batch that takes so many times as long as wanted is cut off, and tried again smaller: its rows are locked as long.
const TOO_LONG: u32 = 3;
/// But not before this time: a server may be slow.
const LEAST: Duration = Duration::from_millis(100);
/// How long a pause lasts before the server is asked again.
const PAUSE: Duration = Duration::from_millis(500);

/// What all workers know.
#[derive(Debug)]
pub(super) struct Shared {
    interrupt: Arc<AtomicBool>,
    /// A worker has failed: the others end.
    over: AtomicBool,
    failure: Mutex<Option<Error>>,
    pub(super) filled: AtomicU64,
    /// Rows that were looked at.
    pub(super) seen: AtomicU64,
    pub(super) batches: AtomicU64,
    /// The longest batch, in microseconds.
    pub(super) longest: AtomicU64,
    /// Why it pauses, if it does.
    pub(super) pausing: Mutex<Option<String>>,
}

impl Shared {
    pub(super) fn new(interrupt: Arc<AtomicBool>, state: &State) -> Self {
        Self {
            interrupt,
            over: AtomicBool::new(false),
            failure: Mutex::new(None),
            filled: AtomicU64::new(0),
            seen: AtomicU64::new(state.seen),
            batches: AtomicU64::new(0),
            longest: AtomicU64::new(0),
            pausing: Mutex::new(None),
        }
    }

    /// The first failure counts.
    pub(super) fn fail(&self, error: Error) {
        self.over.store(true, Ordering::SeqCst);
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    pub(super) fn take_failure(&self) -> Option<Error> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst) || self.interrupt.load(Ordering::SeqCst)
    }

    fn pause(&self, why: Option<String>) {
        *self.pausing.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }
}

/// A session with its own pace.
pub(super) struct Worker<'a> {
    client: Client,
    job: &'a Job<'a>,
    statements: &'a Statements,
    shared: &'a Shared,
    pace: Pace,
    pressure: Pressure,
    /// Whether PostgreSQL reads a range of places without reading the table: since 14.
    tid_ranges: bool,
}

impl<'a> Worker<'a> {
    pub(super) fn open(job: &'a Job<'a>, statements: &'a Statements, shared: &'a Shared) -> Result<Self> {
        let mut client = session::open(job.url, APPLICATION)?;
        // a batch finds its rows by their keys, however few rows the statistics know of
        let settings = "SET enable_hashjoin = off; SET enable_mergejoin = off; SET lock_timeout = '1s'; SET statement_timeout = '30s'";
        let begun = client.batch_execute(settings).map_err(Failure::from);
        begun.explain(|| "could not begin a worker".into())?;
        let version = client.query_typed_one("SELECT current_setting('server_version_num')::int >= 140000", &[]);
        let tid_ranges = version
            .and_then(|row| row.try_get(0))
            .map_err(Failure::from)
            .explain(|| "could not begin a worker".into())?;
        let (pace, pressure) = (Pace::new(job.settings.target), Pressure::new(job.settings));
        Ok(Self { client, job, statements, shared, pace, pressure, tid_ranges })
    }

    /// Fills ranges until none is left, or a person or another worker has ended it.
    pub(super) fn run(&mut self) -> Result<()> {
        let explain = || format!("could not fill {}", self.statements.table);
        let mut left_behind = true;
        while !self.shared.is_over() {
            if let Some(why) = self.pressure.why(&mut self.client).explain(explain)? {
                self.shared.pause(Some(why));
                sleep(PAUSE, &self.shared.interrupt);
                continue;
            }
            self.shared.pause(None);
            let size = self.pace.size();
            let taken = state::take(&mut self.client, &self.job.plan.name, self.statements, size, left_behind);
            let Some(taken) = taken.explain(explain)? else { return Ok(()) };
            // only what a killed run has left has no rows counted
            left_behind = taken.rows == 0;
            left_behind &= self.whole(&taken)?;
        }
        Ok(())
    }

    /// Fills a range, in more than one transaction where one takes too long; `false` if another worker has it.
    fn whole(&mut self, taken: &Taken) -> Result<bool> {
        let explain = || format!("could not fill {}", self.statements.table);
        // a range that a killed run has left may be larger than what fits by now
        let mut limit = u32::MAX;
        while !self.shared.is_over() {
            let start = Instant::now();
            match self.fill(taken, limit) {
                Ok(None) => return Ok(false),
                Ok(Some(filled)) => {
                    let took = start.elapsed();
                    let ended = filled < u64::from(limit);
                    self.note(filled, took);
                    self.pace.took(took);
                    sleep(self.pressure.rest(took), &self.shared.interrupt);
                    if ended {
                        self.shared.seen.fetch_add(taken.rows, Ordering::Relaxed);
                        return Ok(true);
                    }
                    limit = self.pace.size();
                }
                Err(failure) if is_cut_off(&failure) && limit > 1 => {
                    self.held(start.elapsed());
                    self.pace.failed();
                    limit = self.pace.size();
                }
                Err(failure) if failure.is_disconnect() => return Err(failure).explain(explain),
                Err(_) => {
                    self.one_by_one(taken)?;
                    return Ok(true);
                }
            }
        }
        Ok(true)
    }

    fn note(&self, filled: u64, took: Duration) {
        self.shared.filled.fetch_add(filled, Ordering::Relaxed);
        self.shared.batches.fetch_add(1, Ordering::Relaxed);
        self.held(took);
    }

    fn held(&self, took: Duration) {
        self.shared.longest.fetch_max(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Fills so many rows of a range in one transaction; none if another worker has it. Rows that are locked are for a later pass.
    fn fill(&mut self, taken: &Taken, limit: u32) -> Result<Option<u64>, Failure> {
        let within = self.statements.within(&taken.range, self.tid_ranges);
        let mut transaction = self.client.transaction()?;
        if !state::hold(&mut transaction, taken.number)? {
            transaction.rollback()?;
            return Ok(None);
        }
        let patience = (self.job.settings.target * TOO_LONG).max(LEAST).as_millis();
        transaction.batch_execute(&format!("SET LOCAL statement_timeout = {patience}"))?;
        let row = transaction.query_typed_one(&self.statements.fill(&within, limit), &[])?;
        let filled: i64 = row.try_get(0)?;
        let filled = u64::try_from(filled).unwrap_or(0);
        if filled < u64::from(limit) {
            state::end(&mut transaction, taken.number)?;
        }
        transaction.commit()?;
        Ok(Some(filled))
    }

    /// A range that failed as a whole: each row by itself, so that the one that does not fit is known by its key.
    fn one_by_one(&mut self, taken: &Taken) -> Result<()> {
        let explain = || format!("could not fill {}", self.statements.table);
        let within = self.statements.within(&taken.range, self.tid_ranges);
        let keys = self
            .client
            .query_typed(&self.statements.empty_keys(&within), &[])
            .map_err(Failure::from)
            .explain(explain)?;
        let mut filled = 0;
        for row in keys {
            if self.shared.is_over() {
                return Ok(());
            }
            let key: Vec<String> = row.try_get(0).map_err(Failure::from).explain(explain)?;
            match self.client.execute(&self.statements.fill_one(&key), &[]).map_err(Failure::from) {
                Ok(one) => filled += one,
                Err(failure) if failure.is_disconnect() => return Err(failure).explain(explain),
                // another session holds it: a later pass
                Err(failure) if failure.is_lock() || is_cut_off(&failure) => {}
                Err(failure) if self.job.keep_going => {
                    let words = failure.to_string();
                    state::refuse(&mut self.client, &self.job.plan.name, &key, &words).explain(explain)?;
                }
                Err(failure) => {
                    return Err(Error::failed(format!("the row {} cannot be filled", self.statements.key.said(&key)))
                        .because(failure)
                        .help("correct the row and run it again: it goes on; or --keep-going fills the others first"));
                }
            }
        }
        state::end(&mut self.client, taken.number).explain(explain)?;
        self.note(filled, Duration::ZERO);
        self.shared.seen.fetch_add(taken.rows, Ordering::Relaxed);
        Ok(())
    }
}

/// It took too long.
fn is_cut_off(failure: &Failure) -> bool {
    failure.code == Some(SqlState::QUERY_CANCELED)
}
