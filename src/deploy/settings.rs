//! `[deploy]` of prisma-safe.toml.

use serde::Deserialize;

/// `[deploy]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Deploy {
    /// Each statement waits this long for a lock, in seconds.
    pub lock_timeout_seconds: f64,
    /// Each statement may run this long, in seconds; 0 is without limit.
    pub statement_timeout_seconds: f64,
    /// How often a migration is tried again when a lock was not free.
    pub lock_retries: u32,
    /// How long another deploy is waited for, in seconds.
    pub deploy_wait_seconds: f64,
    /// Whether the queries of sessions that are in the way are shown.
    pub show_queries: bool,
    /// Sessions that do nothing in a transaction for so many seconds, and are in the way, are ended; 0 ends none.
    pub end_idle_in_transaction_seconds: f64,
    /// When the database may be changed: `22:00-04:00 Europe/Berlin`.
    #[serde(default)]
    pub maintenance_window: Option<String>,
}
