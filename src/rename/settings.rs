//! `[rename]` of prisma-safe.toml.

use serde::Deserialize;

/// `[rename]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rename {
    /// Whether a rewrite is also proved on a scratch server.
    pub scratch_proof: bool,
}
