//! What a rehearsal may find at most before the deploy is refused.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::trace::{LockMode, Stops, milliseconds};
use super::{Rehearsal, Rehearsed, settings};
use crate::error::{Error, Result};
use crate::project::Migration;
use crate::review::acceptances;
use crate::rules;
use crate::sql::Script;
use crate::values::{Fate, TableFate};

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
    /// Values go that no line of a migration accepts.
    Loss {
        /// `Song` or `Song.artist`
        object: String,
        values: u64,
    },
}

impl Budget {
    /// Reads `[rehearsal]`.
    ///
    /// # Errors
    /// Exit status 2 for a time that is none.
    pub fn read(config: &settings::Rehearsal) -> Result<Self> {
        let time = |key: &str, seconds: f64| {
            Duration::try_from_secs_f64(seconds).map_err(|_| {
                Error::usage(format!("rehearsal.{key} = {seconds} is no time")).help("give seconds; 0 is without limit")
            })
        };
        Ok(Self {
            max_lock: time("max-lock-seconds", config.max_lock_seconds)?,
            max_duration: time("max-duration-seconds", config.max_duration_seconds)?,
        })
    }

    /// What a rehearsal of these migrations found that is too much.
    pub(super) fn excess(&self, rehearsal: &Rehearsal, pending: &[Migration]) -> Vec<Excess> {
        let mut excess: Vec<Excess> = rehearsal.migrations.iter().flat_map(|migration| self.locks(migration)).collect();
        let took: Duration = rehearsal.migrations.iter().map(|migration| migration.took).sum();
        if !self.max_duration.is_zero() && took > self.max_duration {
            excess.push(Excess::Time { took, limit: self.max_duration });
        }
        excess.extend(losses(&rehearsal.tables, &accepted(pending)));
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

/// What the migrations' own lines let go.
fn accepted(pending: &[Migration]) -> BTreeSet<String> {
    let lines = pending.iter().flat_map(|migration| acceptances::read(&Script::parse(migration.sql.as_str())).0);
    lines
        .map(|line| line.acceptance)
        .filter(|acceptance| rules::find(&acceptance.rule).is_some_and(|rule| rule.destroys))
        .map(|acceptance| acceptance.object)
        .collect()
}

/// Tables and columns that are gone with values in them.
fn losses(tables: &[TableFate], accepted: &BTreeSet<String>) -> Vec<Excess> {
    let mut losses = Vec::new();
    for table in tables {
        let names = || std::iter::once(&table.table).chain(&table.renamed_to);
        let lost = |fate: &Fate| match fate {
            Fate::Lost { values } if *values > 0 => Some(*values),
            _ => None,
        };
        if table.rows_after.is_none() {
            let any = table.columns.iter().any(|column| lost(&column.fate).is_some());
            if any && !names().any(|name| accepted.contains(name)) {
                losses
                    .push(Excess::Loss { object: table.table.clone(), values: table.rows_before.unwrap_or_default() });
            }
            continue;
        }
        for column in &table.columns {
            let Some(values) = lost(&column.fate) else { continue };
            if !names().any(|name| accepted.contains(&format!("{name}.{}", column.column))) {
                losses.push(Excess::Loss { object: format!("{}.{}", table.table, column.column), values });
            }
        }
    }
    losses
}

impl Excess {
    /// What to do.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Lock { .. } => {
                "let the migration work in smaller steps, or raise rehearsal.max-lock-seconds in prisma-safe.toml; \
                 `prisma-safe review` names the statements and their safe forms"
            }
            Self::Time { .. } => {
                "let the migration do less, or raise rehearsal.max-duration-seconds in prisma-safe.toml"
            }
            Self::Loss { .. } => {
                "if the values are meant to go, say so in the migration: -- prisma-safe:allow drop-column(Table.column): \
                 why (or drop-table(Table))"
            }
        }
    }
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lock { migration, table, mode, held, limit } => {
                let whom = if mode.stops() == Stops::Everybody { "everybody" } else { "writers" };
                let (held, limit) = (seconds(*held), seconds(*limit));
                write!(f, "{migration} keeps {whom} off {table} for {held} ({mode:?}); the limit is {limit}")
            }
            Self::Time { took, limit } => {
                write!(f, "the migrations take {}; the limit is {}", seconds(*took), seconds(*limit))
            }
            Self::Loss { object, values } => {
                let what = if object.contains('.') { "values" } else { "rows" };
                write!(f, "{object} is lost with {} {what}, and no line accepts it", indicatif::HumanCount(*values))
            }
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
    use crate::values::ColumnFate;

    fn table(name: &str, after: Option<u64>, columns: &[(&str, Fate)]) -> TableFate {
        let fate = |(column, fate): &(&str, Fate)| ColumnFate { column: (*column).into(), fate: fate.clone() };
        TableFate {
            table: name.into(),
            renamed_to: None,
            rows_before: Some(7),
            rows_after: after,
            deleted: None,
            inserted: None,
            columns: columns.iter().map(fate).collect(),
        }
    }

    #[test]
    fn only_values_that_nobody_let_go_are_a_loss() {
        let tables = [
            table("Song", Some(7), &[("artist", Fate::Lost { values: 5 }), ("empty", Fate::Lost { values: 0 })]),
            table("Old", None, &[("id", Fate::Lost { values: 7 }), ("note", Fate::Lost { values: 1 })]),
            table("Kept", Some(7), &[("id", Fate::Preserved), ("x", Fate::Moved { to: "Kept.y".into() })]),
        ];
        let found = losses(&tables, &BTreeSet::new());
        assert_eq!(
            found,
            [
                Excess::Loss { object: "Song.artist".into(), values: 5 },
                Excess::Loss { object: "Old".into(), values: 7 }
            ]
        );
        let accepted = ["Song.artist", "Old"].map(String::from).into();
        assert_eq!(losses(&tables, &accepted), []);
    }

    #[test]
    fn a_loss_is_let_go_only_by_a_rule_about_losses() {
        let migration = |sql: &str| Migration { name: "1_x".into(), path: "x".into(), sql: sql.into() };
        let lines =
            "-- prisma-safe:allow drop-column(Song.artist): unused\n-- prisma-safe:allow breaking-rename(Song.b): ok\n";
        assert_eq!(accepted(&[migration(lines)]), ["Song.artist".to_owned()].into());
    }

    #[test]
    fn times_are_said_in_their_unit() {
        assert_eq!(seconds(Duration::from_millis(15)), "15 ms");
        assert_eq!(seconds(Duration::from_millis(9907)), "9.9 s");
    }
}
