//! `[deploy]` of prisma-safe.toml.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::{Settings, Window};
use crate::setting::{limit, seconds, text};

/// `[state]`
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct State {
    /// Where the journal, the lock between deploys and the definitions for `verify` are kept, relative to the settings' file.
    pub directory: Option<PathBuf>,
}

/// `[deploy]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Deploy {
    /// Each statement waits this long for a lock; zero is without limit.
    #[serde(rename = "lock-timeout-seconds", deserialize_with = "seconds")]
    pub lock_timeout: Duration,
    /// Each statement may run this long; zero is without limit.
    #[serde(rename = "statement-timeout-seconds", deserialize_with = "seconds")]
    pub statement_timeout: Duration,
    /// How often a migration is tried again when a lock was not free.
    pub lock_retries: u32,
    /// How long another deploy is waited for.
    #[serde(rename = "deploy-wait-seconds", deserialize_with = "seconds")]
    pub deploy_wait: Duration,
    /// Whether the queries of sessions that are in the way are shown.
    pub show_queries: bool,
    /// Sessions that do nothing in a transaction for so long, and are in the way, are ended.
    #[serde(rename = "end-idle-in-transaction-seconds", deserialize_with = "limit")]
    pub end_idle: Option<Duration>,
    /// When the database may be changed: `22:00-04:00 Europe/Berlin`.
    #[serde(deserialize_with = "window")]
    pub maintenance_window: Option<Window>,
}

impl Default for Deploy {
    fn default() -> Self {
        Self {
            lock_timeout: Duration::from_secs(3),
            statement_timeout: Duration::from_secs(300),
            lock_retries: 2,
            deploy_wait: Duration::from_secs(10),
            show_queries: true,
            end_idle: None,
            maintenance_window: None,
        }
    }
}

impl Deploy {
    /// How patient a deploy is.
    pub fn settings(&self) -> Settings {
        let Self { lock_timeout, statement_timeout, lock_retries, deploy_wait, show_queries, end_idle, .. } = *self;
        Settings { lock_timeout, statement_timeout, lock_retries, deploy_wait, show_queries, end_idle }
    }
}

fn window<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Window>, D::Error> {
    text(deserializer, Window::parse).map(Some)
}
