//! Work in one transaction, for a deploy and for a rollback: all of it or nothing. It runs under Prisma's lock, waits for other
//! locks for a limited time and is tried again when one was not free, names the sessions in the way, stops on Ctrl-C, and
//! finds out what became of a commit that was never answered.

mod attempt;
mod failed;
mod outside;
mod pause;
mod runner;
mod settle;
mod watch;

use std::time::Duration;

use postgres::Client;

pub use self::failed::{Failed, Place};
pub(crate) use self::failed::{blocked_by, or_end};
pub(crate) use self::outside::Outside;
pub(crate) use self::pause::{jitter, pause_after, retry_words};
pub use self::runner::{Committed, Runner};
pub(crate) use self::watch::{Seen, Watch, Watched};
use crate::database::Failure;

/// How patient a transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Each statement waits this long for a lock; zero is without limit.
    pub lock_timeout: Duration,
    /// Each statement may run this long; zero is without limit.
    pub statement_timeout: Duration,
    /// How often it is tried again when a lock was not free.
    pub lock_retries: u32,
    /// How long another deploy is waited for.
    pub deploy_wait: Duration,
    /// Whether the queries of sessions that are in the way are shown.
    pub show_queries: bool,
    /// Sessions that are in the way and idle in a transaction for at least this long are ended.
    pub end_idle: Option<Duration>,
}

/// What runs in the transaction. Each try begins anew.
pub trait Body {
    /// What it gives when it is committed.
    type Done;
    /// Why it stops, where that is its own decision and not the server's.
    type Stop;

    /// The work, under Prisma's lock. It must not end the transaction.
    ///
    /// # Errors
    /// [`Broken::Server`] with a missing lock lets all of it be tried again; everything else ends it.
    fn run(&mut self, client: &mut Client) -> Result<Self::Done, Broken<Self::Stop>>;

    /// The last step, once it is known that `run` has left the transaction open.
    ///
    /// # Errors
    /// As [`Body::run`].
    fn finish(&mut self, client: &mut Client) -> Result<(), Broken<Self::Stop>> {
        let _ = client;
        Ok(())
    }

    /// Whether the database shows that this try was committed. Asked on a new connection, outside of the transaction, when the
    /// answer to `COMMIT` was lost and Prisma's lock is free again.
    ///
    /// # Errors
    /// The server's own.
    fn is_committed(&self, client: &mut Client) -> Result<bool, Failure>;

    /// Whether it is committed; otherwise it is rolled back at its end, as a trial.
    fn keeps(&self) -> bool {
        true
    }
}

/// Why a body ended before its end.
#[derive(Debug)]
pub enum Broken<S> {
    /// The server refused something.
    Server {
        /// Its error.
        failure: Failure,
        /// The statement of the script, if it was one.
        place: Option<Place>,
    },
    /// The body's own decision.
    Stopped(S),
}

impl<S> From<Failure> for Broken<S> {
    fn from(failure: Failure) -> Self {
        Self::Server { failure, place: None }
    }
}

impl<S> From<postgres::Error> for Broken<S> {
    fn from(error: postgres::Error) -> Self {
        Failure::from(error).into()
    }
}

/// A limit as PostgreSQL takes it: 0 is none, so a tiny one is rounded up, and an endless one down to the longest it knows.
pub(crate) fn milliseconds(limit: Duration) -> i32 {
    let rounded = i32::try_from(limit.as_millis()).unwrap_or(i32::MAX);
    if limit.is_zero() { 0 } else { rounded.max(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_limit_is_only_what_says_so() {
        assert_eq!(milliseconds(Duration::ZERO), 0);
        assert_eq!(milliseconds(Duration::from_micros(10)), 1);
        assert_eq!(milliseconds(Duration::from_millis(2500)), 2500);
        assert_eq!(milliseconds(Duration::MAX), i32::MAX);
    }
}
