//! `[rehearsal]` of prisma-safe.toml.

use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::Budget;
use crate::setting::seconds;

/// How much of a deploy is rehearsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RehearsalMode {
    /// On a copy with every row.
    Full,
    /// On a copy of the tables without their rows.
    Schema,
    /// Not at all.
    Off,
}

/// `[rehearsal]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Rehearsal {
    pub mode: RehearsalMode,
    /// Why there is none, with `mode = "off"`.
    pub reason: Option<String>,
    /// How the host makes a copy of the target to rehearse on, and removes it.
    pub clone: Option<CloneBy>,
    /// A lock that keeps others waiting may be held this long; zero is without limit.
    #[serde(rename = "max-lock-seconds", deserialize_with = "seconds")]
    pub max_lock: Duration,
    /// All migrations together may take this long; zero is without limit.
    #[serde(rename = "max-duration-seconds", deserialize_with = "seconds")]
    pub max_duration: Duration,
}

impl Default for Rehearsal {
    fn default() -> Self {
        Self {
            mode: RehearsalMode::Full,
            reason: None,
            clone: None,
            max_lock: Duration::from_secs(10),
            max_duration: Duration::from_secs(900),
        }
    }
}

/// `[rehearsal] clone`: lines of shell.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CloneBy {
    /// Makes a copy of the name in `PRISMA_SAFE_CLONE`, and prints its URL on a line of its own.
    #[serde(deserialize_with = "line")]
    pub create: String,
    /// Removes the copy of that name.
    #[serde(deserialize_with = "line")]
    pub remove: String,
    /// Each may take this long.
    #[serde(rename = "timeout-seconds", default = "timeout", deserialize_with = "seconds")]
    pub timeout: Duration,
}

/// A line of shell may hold a token.
impl std::fmt::Debug for CloneBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CloneBy").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

fn timeout() -> Duration {
    Duration::from_secs(900)
}

fn line<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let line = String::deserialize(deserializer)?;
    match line.trim() {
        "" => Err(D::Error::custom("rehearsal.clone needs a command to create a copy, and one to remove it")),
        _ => Ok(line),
    }
}

impl<'de> Deserialize<'de> for Rehearsal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // this is the derived one, which knows no more than one key at a time
        let rehearsal = Self::deserialize(deserializer)?;
        let said = rehearsal.reason.as_deref().is_some_and(|reason| !reason.trim().is_empty());
        // a setting that takes a safeguard away says why
        if rehearsal.mode == RehearsalMode::Off && !said {
            return Err(D::Error::custom("rehearsal.mode = \"off\" needs a reason\nadd reason = \"…\" beside it"));
        }
        Ok(rehearsal)
    }
}

impl Rehearsal {
    /// Whether the host makes the copy: without rows, the definitions are restored here.
    pub fn by_host(&self) -> bool {
        self.clone.is_some() && self.mode == RehearsalMode::Full
    }

    /// What a rehearsed deploy may take.
    pub fn budget(&self) -> Budget {
        Budget { max_lock: self.max_lock, max_duration: self.max_duration }
    }
}
