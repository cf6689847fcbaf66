//! What a rehearsal may find at most before the deploy is refused.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::coverage::Coverage;
use super::locks::{LockMode, Stops};
use super::milliseconds;
use super::{Rehearsal, Rehearsed};

/// `[rehearsal]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// A lock that keeps writers or everybody waiting may be held this long; zero is without limit.
    pub max_lock: Duration,
    /// All migrations together may take this long; zero is without limit.
    pub max_duration: Duration,
}

/// Something that is too much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Excess {
    /// A lock is held for too long.
    Lock {
        migration: String,
        table: String,
        mode: LockMode,
        #[serde(rename = "milliseconds", serialize_with = "milliseconds")]
        held: Duration,
        #[serde(rename = "limitMilliseconds", serialize_with = "milliseconds")]
        limit: Duration,
    },
    /// The migrations take too long.
    Time {
        #[serde(rename = "milliseconds", serialize_with = "milliseconds")]
        took: Duration,
        #[serde(rename = "limitMilliseconds", serialize_with = "milliseconds")]
        limit: Duration,
    },
    /// Something goes that the review did not find and no line accepts.
    Loss {
        #[serde(skip_serializing_if = "Option::is_none")]
        migration: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        line: Option<usize>,
        /// `Song` or `Song.artist`
        object: String,
        /// How many rows, values or rights, where that is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        values: Option<u64>,
        /// What happens, in a sentence.
        what: String,
        /// The line that accepts it.
        accept: String,
    },
}

impl Budget {
    /// What a rehearsal of these migrations found that is too much.
    pub(super) fn excess(&self, rehearsal: &Rehearsal, coverage: &Coverage<'_>) -> Vec<Excess> {
        let mut excess: Vec<Excess> = rehearsal.migrations.iter().flat_map(|migration| self.locks(migration)).collect();
        let took: Duration = rehearsal.migrations.iter().map(|migration| migration.took).sum();
        if !self.max_duration.is_zero() && took > self.max_duration {
            excess.push(Excess::Time { took, limit: self.max_duration });
        }
        let uncovered = rehearsal.losses.iter().filter(|loss| loss.covered_by.is_none());
        excess.extend(uncovered.map(|loss| Excess::Loss {
            migration: loss.migration.clone(),
            line: loss.line,
            object: loss.object.clone(),
            values: loss.count,
            what: loss.to_string(),
            accept: coverage.line_for(loss),
        }));
        excess
    }

    fn locks<'a>(&'a self, migration: &'a Rehearsed) -> impl Iterator<Item = Excess> + 'a {
        let over = migration
            .locks
            .iter()
            .filter(|hold| !self.max_lock.is_zero() && hold.stops != Stops::Nobody && hold.held > self.max_lock);
        over.map(|hold| Excess::Lock {
            migration: migration.name.clone(),
            table: hold.table.clone(),
            mode: hold.mode,
            held: hold.held,
            limit: self.max_lock,
        })
    }
}

impl Excess {
    /// What to do.
    pub fn help(&self) -> String {
        match self {
            Self::Lock { .. } => {
                "let the migration work in smaller steps, or raise rehearsal.max-lock-seconds in prisma-safe.toml; \
                 `prisma-safe review` names the statements and their safe forms"
                    .to_owned()
            }
            Self::Time { .. } => {
                "let the migration do less, or raise rehearsal.max-duration-seconds in prisma-safe.toml".to_owned()
            }
            Self::Loss { accept, migration, .. } => {
                let place = migration.as_ref().map_or_else(|| "a pending migration".to_owned(), Clone::clone);
                format!("if this is meant to go, accept it in {place}:\n{accept}")
            }
        }
    }
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lock { migration, table, mode, held, limit } => {
                let what = if mode.stops() == Stops::Everybody { "all access" } else { "writes" };
                let (held, limit) = (seconds(*held), seconds(*limit));
                write!(f, "{migration} blocks {what} to {table} for {held} ({mode}); the limit is {limit}")
            }
            Self::Time { took, limit } => {
                write!(f, "the migrations take {}; the limit is {}", seconds(*took), seconds(*limit))
            }
            Self::Loss { what, .. } => write!(f, "{what}, and no line accepts it"),
        }
    }
}

/// `15 ms`, `9.9 s`
pub(super) fn seconds(time: Duration) -> String {
    match time.as_millis() {
        milliseconds @ ..1000 => format!("{milliseconds} ms"),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_their_unit() {
        assert_eq!(seconds(Duration::from_millis(15)), "15 ms");
        assert_eq!(seconds(Duration::from_millis(9907)), "9.9 s");
    }
}
