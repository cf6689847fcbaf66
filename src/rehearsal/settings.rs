//! `[rehearsal]` of prisma-safe.toml.

use serde::Deserialize;

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
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rehearsal {
    pub mode: RehearsalMode,
    /// Why there is none, with `mode = "off"`.
    #[serde(default)]
    pub reason: Option<String>,
    /// A lock that keeps others waiting may be held this long, in seconds; 0 is without limit.
    pub max_lock_seconds: f64,
    /// All migrations together may take this long, in seconds; 0 is without limit.
    pub max_duration_seconds: f64,
}
