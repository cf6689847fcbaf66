//! Where a plan stands on a database: its own history of migrations says so, and the trigger's note of the last old write.

use jiff::Timestamp;
use postgres::Client;

use super::gate;
use super::names::Names;
use super::plan::Plan;
use crate::database::history::State;
use crate::database::{Failure, History};

/// How far a plan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The expand is not applied.
    NotBegun,
    /// Both columns are there.
    Expanded,
    /// Every row is filled.
    Backfilled,
    /// The old structure is gone.
    Contracted,
    /// The new structure is gone.
    Aborted,
    /// One of its migrations has failed.
    Failed,
}

impl Stage {
    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotBegun => "not begun",
            Self::Expanded => "expanded",
            Self::Backfilled => "backfilled",
            Self::Contracted => "contracted",
            Self::Aborted => "aborted",
            Self::Failed => "failed",
        }
    }

    /// For programs.
    pub fn key(self) -> &'static str {
        match self {
            Self::NotBegun => "notBegun",
            other => other.word(),
        }
    }
}

/// A plan on a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub stage: Stage,
    /// When the expand was applied.
    pub expanded: Option<Timestamp>,
    /// When the trigger last saw the old release write, to the second.
    pub last_old_write: Option<Timestamp>,
}

impl Standing {
    /// Reads it.
    ///
    /// # Errors
    /// The server's own.
    pub fn read(client: &mut Client, plan: &Plan, history: Option<&History>) -> Result<Self, Failure> {
        let state = |name: &str| history.and_then(|history| history.state(name));
        let steps = &plan.migrations;
        let of = |step: &Option<String>| step.as_deref().and_then(state);
        let first = std::iter::once(steps.expand.as_str()).chain(steps.indexes.iter().map(String::as_str));
        let expand: Vec<Option<State>> = first.map(state).collect();
        let all = expand.iter().copied().chain([of(&steps.backfill), of(&steps.contract), of(&steps.abort)]);
        let applied = |state: Option<State>| state == Some(State::Applied);
        let stage = if all.into_iter().any(|state| state == Some(State::Failed)) {
            Stage::Failed
        } else if applied(of(&steps.contract)) {
            Stage::Contracted
        } else if applied(of(&steps.abort)) {
            Stage::Aborted
        } else if applied(of(&steps.backfill)) {
            Stage::Backfilled
        } else if expand.iter().all(|state| applied(*state)) {
            Stage::Expanded
        } else {
            Stage::NotBegun
        };
        let expanded = history.and_then(|history| {
            let row = history.rows.iter().rfind(|row| row.name == steps.expand && row.rolled_back_at.is_none())?;
            utc(row.finished_at.as_deref()?)
        });
        let sequence = Names::of(plan, "").bare_sequence;
        let last_old_write = gate::last_old_write(client, &plan.schema, &sequence)?;
        Ok(Self { stage, expanded, last_old_write })
    }
}

/// As the history is read: `2025-01-01 12:00:00 UTC`.
fn utc(text: &str) -> Option<Timestamp> {
    format!("{}Z", text.strip_suffix(" UTC")?.replacen(' ', "T", 1)).parse().ok()
}
