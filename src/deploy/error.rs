//! Why a migration was not applied, what that leaves behind, and what to do.

use std::time::Duration;

use postgres::error::SqlState;

use crate::database::activity::list;
use crate::database::{Failure, Session};
use crate::error::Error;
use crate::sql::{ActionKind, Script, StatementKind};
use crate::transaction::{Place, blocked_by, or_end};

/// Why a migration was not applied. Unless the variant says otherwise, nothing of it remains: not even a row in the history.
#[derive(Debug)]
pub enum ApplyError {
    /// The server refused a statement, or the commit.
    Refused { migration: String, place: Option<Place>, failure: Failure },
    /// What was to be kept for an undo could not be.
    Uncaptured { migration: String, failure: Failure },
    /// A lock was not free, in any try.
    Locked {
        migration: String,
        place: Option<Place>,
        failure: Failure,
        blockers: Vec<Session>,
        tries: u32,
        waited: Duration,
    },
    /// Someone changed the catalog between two tries: what was reviewed is no longer what would run.
    CatalogChanged { migration: String, blockers: Vec<Session> },
    /// Another deploy, or Prisma, is at work.
    Busy { migration: String, holders: Vec<Session> },
    /// Another deploy applied it first.
    AppliedMeanwhile { migration: String },
    /// A failed migration stands in the history: this one, or another.
    FailedBefore { migration: String, failed: String },
    /// The connection was cut; the server has undone everything.
    Cut { migration: String, failure: Failure },
    /// The connection was cut, and whether the migration is applied could not be found out.
    Unknown { migration: String, failure: Failure },
    /// The script ended the transaction itself: part of it may stay.
    Torn { migration: String },
    /// The person interrupted.
    Interrupted { migration: String },
    /// No connection at all.
    Unconnected(Error),
}

impl ApplyError {
    /// The server's own error, where there is one.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Refused { failure, .. }
            | Self::Uncaptured { failure, .. }
            | Self::Locked { failure, .. }
            | Self::Cut { failure, .. }
            | Self::Unknown { failure, .. } => Some(failure),
            _ => None,
        }
    }

    /// Where in the file, if it was one statement.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Refused { place, .. } | Self::Locked { place, .. } => place.as_ref(),
            _ => None,
        }
    }
}

/// The class of SQLSTATEs for data that does not fit.
const DATA: &str = "22";

/// The columns that get another type where it failed.
fn retyped(place: Option<&Place>) -> Vec<String> {
    let Some(place) = place else { return Vec::new() };
    let script = Script::parse(place.statement.as_str());
    let mut columns = Vec::new();
    for statement in script.statements() {
        let StatementKind::AlterTable { table, actions, .. } = &statement.kind else { continue };
        columns.extend(actions.iter().filter_map(|action| match &action.kind {
            ActionKind::SetType { column, .. } => Some(format!("{}.{column}", table.name)),
            _ => None,
        }));
    }
    columns
}

fn at(place: Option<&Place>) -> String {
    place.map_or_else(String::new, |place| format!(" at line {}: {}", place.line, place.statement))
}

impl From<ApplyError> for Error {
    fn from(error: ApplyError) -> Self {
        const NOTHING: &str = "nothing of it remains in the database";
        match error {
            ApplyError::Refused { migration, place, failure } => {
                let help = match failure.code.as_ref().map(SqlState::code) {
                    // query_canceled: someone did it by hand, or the time was over
                    Some("57014") => format!(
                        "{NOTHING}. A statement that needs long: deploy.statement-timeout-seconds in prisma-safe.toml"
                    ),
                    Some(code) if code.starts_with(DATA) => match retyped(place.as_ref()).as_slice() {
                        [] => format!("{NOTHING}: correct the values or the file and deploy again"),
                        columns => format!(
                            "{NOTHING}. A value of {} does not fit the new type: correct such values, or convert them by USING, \
                             and deploy again",
                            columns.join(" or ")
                        ),
                    },
                    Some("0A000" | "58P01") if failure.message.contains("extension ") => {
                        format!("{NOTHING}: install the extension on the database's server, or let its host enable it, then deploy again")
                    }
                    _ => format!("{NOTHING}: correct the file and deploy again"),
                };
                Self::failed(format!("migration {migration} failed{}", at(place.as_ref()))).because(failure).help(help)
            }
            ApplyError::Uncaptured { migration, failure } => {
                Self::failed(format!("migration {migration} was not applied: what it destroys could not be kept for an undo"))
                    .because(failure)
                    .help(format!(
                        "{NOTHING}. Where a migration before it has changed its tables by code, deploy again: what is kept is then planned \
                         by the tables as they are now"
                    ))
            }
            ApplyError::Locked { migration, place, failure, blockers, tries, waited } => {
                let tried = if tries == 1 { "once".into() } else { format!("{tries} times") };
                Self::failed(format!(
                    "migration {migration} was not applied: tried {tried} in {:.0} s, a lock was not free{}",
                    waited.as_secs_f64(),
                    at(place.as_ref())
                ))
                .because(format!("{failure}\n{}", blocked_by(&blockers)))
                .help(format!(
                    "{NOTHING}. Deploy again when these sessions are done{}; more patience: \
                     deploy.lock-timeout-seconds and deploy.lock-retries in prisma-safe.toml",
                    or_end(&blockers)
                ))
            }
            ApplyError::CatalogChanged { migration, blockers } => {
                Self::failed(format!("migration {migration} was not applied: someone changed the schema while it waited for a lock"))
                    .because(blocked_by(&blockers))
                    .help(format!("{NOTHING}: look at what was changed, then deploy again"))
            }
            ApplyError::Busy { migration, holders } => {
                Self::failed(format!("migration {migration} was not applied: another deploy is running"))
                    .because(format!("Prisma's lock is held by\n{}", list(&holders)))
                    .help(format!("wait for it, then deploy again; a pooler may keep the lock of a deploy that has ended{}", or_end(&holders)))
            }
            ApplyError::AppliedMeanwhile { migration } => {
                Self::failed(format!("migration {migration} was applied by another deploy while this one ran")).help("deploy again to see where things stand")
            }
            ApplyError::FailedBefore { migration, failed } => {
                Self::failed(format!("migration {migration} was not applied: {failed} failed before, or is running now"))
                    .help(format!("{NOTHING}; `prisma-safe status` tells how far {failed} came and which command repairs it"))
            }
            ApplyError::Cut { migration, failure } => {
                Self::failed(format!("migration {migration} was not applied: the connection was cut"))
                    .because(failure)
                    .help("the database has undone everything: deploy again")
            }
            ApplyError::Unknown { migration, failure } => {
                Self::failed(format!("the connection was cut, and whether migration {migration} is applied is not known"))
                    .because(failure)
                    .help("either all of it is applied, or nothing: when the database can be reached again, deploy again, which finds out")
            }
            ApplyError::Torn { migration } => {
                Self::failed(format!("migration {migration} ended its transaction by itself: parts of it stay in the database"))
                    .help("the history shows it as failed; `prisma-safe status` tells how far it came and which command repairs it")
            }
            ApplyError::Interrupted { .. } => Self::cancelled(),
            ApplyError::Unconnected(error) => error,
        }
    }
}
