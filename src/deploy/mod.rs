//! Bringing pending migrations into a database: preflight, atomic apply, verification, journal.

pub mod alone;
pub mod apply;
mod attempt;
mod error;
pub mod journal;
pub mod preflight;
pub mod prepare;
mod settle;
pub mod verify;
mod watch;

use std::time::Duration;

pub use self::apply::{Applied, Runner};
pub use self::error::{ApplyError, Place};
pub use self::journal::{Event, Journal, Turn};
pub use self::preflight::{Plan, Preflight};
pub use self::prepare::{Prepared, Route};
pub use self::verify::{Baseline, Verified, verify};
use crate::config;

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

impl From<&config::Deploy> for Settings {
    fn from(config: &config::Deploy) -> Self {
        // a negative or absurd number is no limit, as 0 is
        let seconds = |seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        Self {
            lock_timeout: seconds(config.lock_timeout_seconds),
            statement_timeout: seconds(config.statement_timeout_seconds),
            lock_retries: config.lock_retries,
            deploy_wait: PRISMA_LOCK_WAIT,
        }
    }
}
