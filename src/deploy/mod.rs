//! Bringing pending migrations into a database: preflight, atomic apply, verification, journal.

pub mod alone;
pub mod apply;
mod attempt;
pub mod definitions;
mod error;
pub mod hook;
pub mod journal;
pub mod preflight;
pub mod prepare;
pub mod settings;
mod settle;
pub mod turn;
pub mod verify;
mod watch;
pub mod window;

use std::time::Duration;

pub use self::apply::{Applied, Runner};
pub(crate) use self::attempt::{begin, try_lock};
pub use self::error::{ApplyError, Place};
pub use self::hook::{Hook, NoHook};
pub use self::journal::{Event, Journal, Stage};
pub use self::preflight::{Plan, Preflight};
pub use self::prepare::{Prepared, Route};
pub use self::turn::Turn;
pub use self::verify::{Baseline, Verified};
pub use self::window::Window;

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
    /// How long another deploy is waited for.
    pub deploy_wait: Duration,
    /// Whether the queries of sessions that are in the way are shown.
    pub show_queries: bool,
    /// Sessions that are in the way and idle in a transaction for at least this long are ended.
    pub end_idle: Option<Duration>,
}

/// A limit as PostgreSQL takes it: 0 is none, so a tiny one is rounded up, and an endless one down to the longest it knows.
fn milliseconds(limit: Duration) -> i32 {
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
