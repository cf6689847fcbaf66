//! `[verify]` of prisma-safe.toml.

use serde::Deserialize;

/// `[verify]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Verify {
    /// What a difference between schema.prisma and the database means.
    pub drift: Drift,
    /// Critical queries, `[[verify.query]]`.
    #[serde(default)]
    pub query: Vec<Query>,
}

/// What a difference between schema.prisma and the database after a deploy means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Drift {
    /// Nobody looks.
    Off,
    /// It is said.
    Warn,
    /// The verification fails.
    Fail,
}

/// `[[verify.query]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Query {
    /// What it is called in reports.
    pub name: String,
    /// One statement that reads.
    pub sql: String,
    /// The first column of its first row.
    #[serde(default)]
    pub expect: Option<toml::Value>,
    /// It may take this long, in seconds.
    #[serde(default)]
    pub max_seconds: Option<f64>,
    /// It may take this many times as long as before the deploy.
    #[serde(default)]
    pub max_times_slower: Option<f64>,
}
