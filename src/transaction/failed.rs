//! Why a transaction was not committed, and where in its script.

use std::time::Duration;

use crate::database::activity::list;
use crate::database::{Failure, Session};
use crate::error::Error;
use crate::ui::shortened;

/// A statement is shown up to this many characters.
const STATEMENT_SHOWN: usize = 200;

/// A place in a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// The statement, shortened.
    pub statement: String,
}

impl Place {
    /// A statement that begins in this line.
    pub fn new(line: usize, sql: &str) -> Self {
        Self { line, statement: shortened(&sql.split_whitespace().collect::<Vec<_>>().join(" "), STATEMENT_SHOWN) }
    }
}

/// Why it was not committed. Unless the variant says otherwise, nothing of it remains.
#[derive(Debug)]
pub enum Failed<S> {
    /// The server refused a statement, or the commit.
    Refused { place: Option<Place>, failure: Failure },
    /// A lock was not free, in any try.
    Locked { place: Option<Place>, failure: Failure, blockers: Vec<Session>, tries: u32, waited: Duration },
    /// Someone changed the catalog between two tries: what was reviewed is no longer what would run.
    CatalogChanged { blockers: Vec<Session> },
    /// Another deploy, or Prisma, is at work.
    Busy { holders: Vec<Session> },
    /// The connection was cut; the server has undone everything.
    Cut { failure: Failure },
    /// The connection was cut at the commit, and whether it was committed could not be found out.
    Unknown { failure: Failure },
    /// The body ended the transaction itself: part of it may stay.
    Torn,
    /// The person interrupted.
    Interrupted,
    /// No connection at all.
    Unconnected(Error),
    /// The body's own decision.
    Stopped(S),
}

/// `the lock was held by …`
pub(crate) fn blocked_by(sessions: &[Session]) -> String {
    if sessions.is_empty() {
        return "the database does not say who held the lock".into();
    }
    format!("the lock was held by\n{}", list(sessions))
}

/// The statements that end sessions, where they are known.
pub(crate) fn or_end(sessions: &[Session]) -> String {
    let ends = sessions.iter().filter(|session| session.pid != 0);
    let ends: Vec<String> = ends.map(|session| format!("SELECT pg_terminate_backend({});", session.pid)).collect();
    if ends.is_empty() { String::new() } else { format!(", or end them: {}", ends.join(" ")) }
}
