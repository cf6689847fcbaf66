//! `[rename]` of prisma-safe.toml.

use serde::Deserialize;

/// `[rename]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Rename {
    /// Whether a rewrite is also proved on a scratch server.
    pub scratch_proof: bool,
}

impl Default for Rename {
    fn default() -> Self {
        Self { scratch_proof: true }
    }
}
