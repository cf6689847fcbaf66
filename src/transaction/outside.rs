//! A statement that PostgreSQL runs in no transaction block, with the same patience: limits in the session, tries, the sessions
//! in the way.

use std::time::{Duration, Instant};

use postgres::Client;

use super::attempt::alive_check;
use super::pause::{jitter, pause_after, retry_words};
use super::watch::{Seen, Watched};
use super::{Failed, Place, Runner, milliseconds};
use crate::database::Failure;
use crate::error::Error;
use crate::sql::quote_identifier;
use crate::wait::sleep;

/// `CONCURRENTLY` waits for every older transaction while it blocks nothing, and what it has built is lost when it gives up:
/// it is given at least this long.
const CONCURRENT_LOCK_TIMEOUT: Duration = Duration::from_secs(120);

/// The statement, and what is set for its session before it.
#[derive(Debug)]
pub(crate) struct Outside<'a> {
    /// The file's own settings: they beat ours.
    pub(crate) before: &'a [&'a str],
    pub(crate) sql: &'a str,
    pub(crate) place: Place,
    /// It works CONCURRENTLY: it may take its time.
    pub(crate) concurrently: bool,
}

impl Runner {
    /// Runs it; gives how many tries it needed. `between` cleans up before another one.
    ///
    /// # Errors
    /// As [`Runner::run`]; parts of the statement may stay, as an invalid index does.
    pub(crate) fn outside(
        &mut self,
        outside: &Outside<'_>,
        between: &mut dyn FnMut(&mut Client) -> Result<(), Error>,
    ) -> Result<u32, Failed<Error>> {
        let start = Instant::now();
        let mut tries = 0;
        loop {
            tries += 1;
            self.heed_interrupt()?;
            let limits = self.limits(outside.concurrently);
            let (pid, client) = (self.worker.pid, &mut self.worker.client);
            let mut work = || -> Result<(), postgres::Error> {
                client.batch_execute(&limits)?;
                outside.before.iter().try_for_each(|set| client.batch_execute(set))?;
                client.batch_execute(outside.sql)
            };
            let (result, seen) = match &mut self.watch {
                Some(watch) => watch.during(Watched::Process(pid), &self.interrupt, work),
                None => (work(), Seen::default()),
            };
            self.refresh();
            let Err(error) = result else { return Ok(tries) };
            let failure = Failure::from(error);
            self.heed_interrupt()?;
            if failure.is_disconnect() {
                return Err(Failed::Unknown { failure });
            }
            let place = Some(outside.place.clone());
            if !failure.is_lock() {
                return Err(Failed::Refused { place, failure });
            }
            between(&mut self.worker.client).map_err(Failed::Stopped)?;
            if tries > self.settings.lock_retries {
                return Err(Failed::Locked { place, failure, blockers: seen.blockers, tries, waited: start.elapsed() });
            }
            let pause = pause_after(tries, jitter());
            if let Some(shell) = &self.shell {
                shell.status("Waiting", retry_words(pause, tries, self.settings.lock_retries, &seen.blockers));
            }
            if !sleep(pause, &self.interrupt) {
                return Err(Failed::Interrupted);
            }
        }
    }

    fn limits(&self, concurrently: bool) -> String {
        let (lock, statement) = match concurrently {
            // no limit stays none
            true if self.settings.lock_timeout.is_zero() => (Duration::ZERO, Duration::ZERO),
            true => (self.settings.lock_timeout.max(CONCURRENT_LOCK_TIMEOUT), Duration::ZERO),
            false => (self.settings.lock_timeout, self.settings.statement_timeout),
        };
        let alive = alive_check(self.worker.server_version).map_or_else(String::new, |set| format!(" SET {set};"));
        format!(
            "SET lock_timeout = {}; SET statement_timeout = {}; SET search_path = {};{alive}",
            milliseconds(lock),
            milliseconds(statement),
            quote_identifier(&self.url.schema())
        )
    }
}
