//! `[contract]` and `[backfill]` of prisma-safe.toml.

use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use crate::setting::span;

/// When an old structure may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Contract {
    /// So long the old release must have written nothing.
    #[serde(deserialize_with = "span")]
    pub after: Duration,
}

impl Default for Contract {
    fn default() -> Self {
        Self { after: Duration::from_secs(7 * 24 * 60 * 60) }
    }
}

/// How rows are filled beside everyone else's work.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Backfill {
    /// A batch takes about this long.
    #[serde(deserialize_with = "target")]
    pub target: Duration,
    #[serde(deserialize_with = "workers")]
    pub workers: u32,
    /// The most that a standby may be behind.
    #[serde(deserialize_with = "span")]
    pub max_lag: Duration,
    /// The most sessions that may be at work; 0 is without limit.
    pub max_active: u32,
    /// The most of the time that may be worked.
    #[serde(deserialize_with = "load")]
    pub load: f64,
}

/// More sessions than these fill a table no faster.
pub const MOST_WORKERS: u32 = 32;

impl Default for Backfill {
    fn default() -> Self {
        Self {
            target: Duration::from_millis(50),
            workers: 1,
            max_lag: Duration::from_secs(10),
            max_active: 0,
            load: 1.0,
        }
    }
}

fn target<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let target = span(deserializer)?;
    let possible = Duration::from_millis(1)..=Duration::from_secs(5);
    if possible.contains(&target) {
        return Ok(target);
    }
    Err(D::Error::custom("a batch takes from 1 ms to 5 s: its rows are locked as long"))
}

fn workers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let workers = u32::deserialize(deserializer)?;
    if (1..=MOST_WORKERS).contains(&workers) {
        return Ok(workers);
    }
    Err(D::Error::custom(format!("{workers} is not a number of workers from 1 to {MOST_WORKERS}")))
}

fn load<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let load = f64::deserialize(deserializer)?;
    if load > 0.0 && load <= 1.0 {
        return Ok(load);
    }
    Err(D::Error::custom(format!("{load} is not a share above 0 and up to 1")))
}
