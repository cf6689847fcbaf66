//! Bringing pending migrations into a database: preflight, atomic apply, verification, journal.

pub mod alone;
pub mod apply;
mod attempt;
mod error;
pub mod hook;
pub mod journal;
pub mod preflight;
pub mod prepare;
mod settle;
pub mod verify;
mod watch;

use std::time::Duration;

use postgres::Client;

pub use self::apply::{Applied, Runner};
pub use self::error::{ApplyError, Place};
pub use self::hook::{Hook, NoHook};
pub use self::journal::{Event, Journal, Stage, Turn};
pub use self::preflight::{Plan, Preflight};
pub use self::prepare::{Prepared, Route};
pub use self::verify::{Baseline, Verified, verify};
use crate::config;
use crate::database::activity::{self, DEPLOY_LOCK};
use crate::database::{Failure, Session};
use crate::error::{Error, Explain as _, Result};

/// What every session of a deploy calls itself, so that others can find it.
pub const APPLICATION_NAME: &str = "prisma-safe deploy";

/// How patient a deploy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Each statement waits this long for a lock; zero is without limit.
    pub lock_timeout: Duration,
    /// Each statement may run this long; zero is without limit.
    pub statement_timeout: Duration,
    /// How often a migration is tried again when a lock was not free.
    pub lock_retries: u32,
    /// How long another deploy's lock is waited for: as long as Prisma waits.
    pub deploy_wait: Duration,
}

/// How long Prisma waits for its own lock.
const PRISMA_LOCK_WAIT: Duration = Duration::from_secs(10);

impl Settings {
    /// Reads `[deploy]`.
    ///
    /// # Errors
    /// Exit status 2 for a time that is none.
    pub fn read(config: &config::Deploy) -> Result<Self> {
        let time = |key: &str, seconds: f64| {
            Duration::try_from_secs_f64(seconds).map_err(|_| {
                Error::usage(format!("deploy.{key} = {seconds} is no time")).help("give seconds; 0 is without limit")
            })
        };
        Ok(Self {
            lock_timeout: time("lock-timeout-seconds", config.lock_timeout_seconds)?,
            statement_timeout: time("statement-timeout-seconds", config.statement_timeout_seconds)?,
            lock_retries: config.lock_retries,
            deploy_wait: PRISMA_LOCK_WAIT,
        })
    }
}

/// A limit as PostgreSQL takes it: 0 is none, so a tiny one is rounded up, and an endless one down to the longest it knows.
fn milliseconds(limit: Duration) -> i32 {
    let rounded = i32::try_from(limit.as_millis()).unwrap_or(i32::MAX);
    if limit.is_zero() { 0 } else { rounded.max(1) }
}

/// Keeps other prisma-safe deploys out of this database for as long as the session of `client` lives.
///
/// # Errors
/// Exit status 1, naming the other deploy's session.
pub fn exclude_others(client: &mut Client) -> Result<()> {
    // the session is idle while the backup runs; the setting is there from 14 on
    const STAY: &str = "SELECT set_config('idle_session_timeout', '0', false) WHERE current_setting('server_version_num')::int >= 140000";
    let mut lock = || -> Result<Option<Vec<Session>>, Failure> {
        client.query_typed_opt(STAY, &[])?;
        match activity::lock_deploy(client)? {
            true => Ok(None),
            false => activity::lock_holders(client, DEPLOY_LOCK).map(Some),
        }
    };
    match lock().explain(|| "could not take the lock of a deploy".into())? {
        None => Ok(()),
        Some(holders) => Err(Error::failed("another prisma-safe deploy to this database is running")
            .because(activity::list(&holders))
            .help("wait for it to end, then deploy again")),
    }
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

    #[test]
    fn a_time_that_is_none_is_refused() {
        let mut config = config::Deploy { lock_timeout_seconds: 0.5, statement_timeout_seconds: 0.0, lock_retries: 1 };
        assert_eq!(Settings::read(&config).unwrap().lock_timeout, Duration::from_millis(500));
        for wrong in [-1.0, f64::NAN, f64::INFINITY] {
            config.statement_timeout_seconds = wrong;
            let error = Settings::read(&config).unwrap_err();
            assert!(error.to_string().contains("deploy.statement-timeout-seconds"), "{error}");
        }
    }
}
