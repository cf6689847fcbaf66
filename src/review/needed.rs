//! The consent that a report says is needed; `consent.rs` decides on it.

use serde::Serialize;

/// What a deploy of these migrations to this target asks of a person, for a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Needed {
    /// What would be lost: `Song.artist`.
    pub losses: Vec<String>,
    /// The coding agent that asks: it cannot give the consent.
    pub agent: Option<String>,
    /// How a person gives it.
    pub how: String,
}
