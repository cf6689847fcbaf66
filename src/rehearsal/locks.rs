//! The locks that a statement takes on tables: whom each keeps waiting, and for how long.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::milliseconds;

/// A lock that a deploy may take on a table, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum LockMode {
    RowExclusive,
    ShareUpdateExclusive,
    Share,
    ShareRowExclusive,
    Exclusive,
    AccessExclusive,
}

impl fmt::Display for LockMode {
    /// As SQL writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RowExclusive => "ROW EXCLUSIVE",
            Self::ShareUpdateExclusive => "SHARE UPDATE EXCLUSIVE",
            Self::Share => "SHARE",
            Self::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
            Self::Exclusive => "EXCLUSIVE",
            Self::AccessExclusive => "ACCESS EXCLUSIVE",
        })
    }
}

impl LockMode {
    /// As `pg_locks` has it; weaker ones block nothing and are left out.
    pub(super) fn parse(mode: &str) -> Option<Self> {
        Some(match mode {
            "RowExclusiveLock" => Self::RowExclusive,
            "ShareUpdateExclusiveLock" => Self::ShareUpdateExclusive,
            "ShareLock" => Self::Share,
            "ShareRowExclusiveLock" => Self::ShareRowExclusive,
            "ExclusiveLock" => Self::Exclusive,
            "AccessExclusiveLock" => Self::AccessExclusive,
            _ => return None,
        })
    }

    /// Whom it keeps waiting.
    pub fn stops(self) -> Stops {
        match self {
            Self::RowExclusive | Self::ShareUpdateExclusive => Stops::Nobody,
            Self::Share | Self::ShareRowExclusive | Self::Exclusive => Stops::Writers,
            Self::AccessExclusive => Stops::Everybody,
        }
    }
}

/// Who waits behind a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Stops {
    Nobody,
    Writers,
    Everybody,
}

/// A lock on a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableLock {
    pub table: String,
    pub mode: LockMode,
}

/// A lock and how long it was held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    pub table: String,
    pub mode: LockMode,
    pub stops: Stops,
    #[serde(rename = "milliseconds", serialize_with = "milliseconds")]
    pub held: Duration,
}

/// The longest hold of each table and mode, those that stop most first.
pub(super) fn longest(holds: impl IntoIterator<Item = Hold>) -> Vec<Hold> {
    let mut longest: BTreeMap<(String, LockMode), Hold> = BTreeMap::new();
    for hold in holds {
        let entry = longest.entry((hold.table.clone(), hold.mode)).or_insert_with(|| hold.clone());
        entry.held = entry.held.max(hold.held);
    }
    let mut longest: Vec<Hold> = longest.into_values().collect();
    longest.sort_by(|a, b| (b.stops, b.held, &a.table).cmp(&(a.stops, a.held, &b.table)));
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hold(table: &str, mode: LockMode, held: u64) -> Hold {
        Hold { table: table.into(), mode, stops: mode.stops(), held: Duration::from_millis(held) }
    }

    #[test]
    fn what_stops_most_and_longest_comes_first() {
        let holds = longest([
            hold("a", LockMode::Share, 900),
            hold("b", LockMode::AccessExclusive, 2),
            hold("a", LockMode::AccessExclusive, 5),
            hold("a", LockMode::AccessExclusive, 3),
            hold("c", LockMode::RowExclusive, 1000),
        ]);
        let told: Vec<_> = holds.iter().map(|hold| (hold.table.as_str(), hold.held.as_millis())).collect();
        assert_eq!(told, [("a", 5), ("b", 2), ("a", 900), ("c", 1000)]);
    }
}
