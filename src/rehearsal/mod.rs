//! The rehearsal: the same deploy on a copy of the database, with the project's own Prisma, before the real one.
//!
//! The copy is a clone of a restored backup, so that before and after stand side by side, with the same object ids.
//!
//! | module | what it is |
//! |---|---|
//! | `restore` | what a backup, or the target's definitions, is restored into |
//! | `analyze` | the planner's statistics of it |
//! | `original`, `session` | what is copied, with the settings of production's sessions |
//! | `clone` | a copy that the database's host makes |
//! | `pending` | the pending migrations, with what is kept of them |
//! | `run` | each the way it will take |
//! | `tracing`, `trace` | each statement from inside its transaction: time, locks, rewrites |
//! | `locks` | whom a lock keeps waiting, and for how long |
//! | `relations` | tables and indexes with their files |
//! | `onlooker` | the same from outside, for what Prisma's engine runs |
//! | `traffic` | readers and writers at the same time |
//! | `return_trip` | the way back, and whether everything is as before |
//! | `compared` | the copy beside the original, afterwards |
//! | `coverage` | whether what went was found by the review or accepted |
//! | `budget` | what is too much |
//! | `written` | which statement wrote what: an undo keeps it |
//! | `contained` | nothing but the copy is reached |
//! | `unjudged` | what a person has to judge where nothing is rehearsed |
//! | `report` | for people and for programs |
//! | `steps` | data steps on the copy, and whether they change what they say |
//! | `trial` | any SQL on a copy: `prisma-safe test` |

mod analyze;
#[cfg(test)]
pub(crate) mod bare;
mod brief;
mod budget;
mod clone;
mod compared;
mod contained;
mod coverage;
mod locks;
mod onlooker;
mod original;
pub mod pending;
mod relations;
mod report;
pub mod restore;
mod return_trip;
mod run;
mod session;
pub mod settings;
pub mod steps;
mod trace;
mod tracing;
mod traffic;
pub mod trial;
mod unjudged;
mod written;

use std::time::{Duration, Instant};

use serde::{Serialize, Serializer};

pub use self::budget::{Budget, Excess};
pub use self::clone::MARK as COPY_MARK;
use self::compared::{Compared, Sides, compared, uncompared};
pub use self::contained::demand_contained;
use self::coverage::Coverage;
pub use self::locks::{Hold, LockMode, Stops, TableLock};
pub use self::original::{Data, Original};
pub use self::report::{document, say, say_in_brief};
pub use self::return_trip::{ReturnTrip, TakeBack, TakenBack};
pub use self::run::Play;
use self::run::{Ran, bring_home, busy, perform};
pub use self::session::Session;
pub use self::settings::RehearsalMode;
use self::steps::Stepped;
pub use self::trace::{Sized, Statement, Write};
pub use self::traffic::Stall;
pub use self::unjudged::demand_judged;
use crate::catalog::Catalog;
use crate::catalog::live::Live;
use crate::conservation::{self, Loss, Written};
use crate::engine::Engine;
use crate::error::{Error, Explain as _, Result};
use crate::tools::scratch;
use crate::values::TableFate;

/// The name that the server shows for our sessions.
pub(crate) const APPLICATION: &str = "prisma-safe rehearsal";
/// The copy that the migrations run on.
const CLONE: &str = scratch::REHEARSED;
/// What is made of a copy, by name.
const MADE_OF_A_COPY: [&str; 2] = [CLONE, run::BUSY_CLONE];

/// A migration as it ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rehearsed {
    pub name: String,
    /// Whether it ran in one transaction.
    pub atomic: bool,
    #[serde(rename = "milliseconds", serialize_with = "milliseconds")]
    pub took: Duration,
    pub wal_bytes: u64,
    pub statements: Vec<Statement>,
    /// The locks it held on tables that were there before, the worst first.
    pub locks: Vec<Hold>,
    pub rewrites: Vec<Sized>,
    pub indexes: Vec<Sized>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rehearsal {
    /// The backup that it ran on.
    pub backup: String,
    /// As `15.18`.
    pub server_version: String,
    /// With the rows, or with the tables only.
    pub data: Data,
    pub migrations: Vec<Rehearsed>,
    /// Of all migrations, the longest of each table and mode.
    pub locks: Vec<Hold>,
    /// The tables that were touched.
    pub tables: Vec<TableFate>,
    /// What was there before and is not there after, with who did it and why it may go.
    pub losses: Vec<Loss>,
    /// Accepting lines that no loss needs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unneeded: Vec<String>,
    /// What was not looked at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub uncompared: Vec<String>,
    /// The longest that a reader or writer waited, where that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stalls: Vec<Stall>,
    /// The way back, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback: Option<ReturnTrip>,
    /// The data steps that ran in their places.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Stepped>,
    /// How the copy is unlike production.
    pub unlike: Vec<String>,
    /// What is over the budget.
    pub excess: Vec<Excess>,
    #[serde(rename = "milliseconds", serialize_with = "milliseconds")]
    pub took: Duration,
    /// What each statement wrote to tables that were there.
    #[serde(skip)]
    pub written: Vec<Written>,
    /// The definitions before and after.
    #[serde(skip)]
    pub definitions: (Live, Live),
}

impl Rehearsal {
    /// Refuses what is over the budget.
    ///
    /// # Errors
    /// Exit status 3, with everything that is too much.
    pub fn check(&self) -> Result<()> {
        if let Some(trip) = self.rollback.as_ref().filter(|trip| !trip.is_whole()) {
            let lacks = trip.rows.iter().map(|table| format!("{table} lacks rows"));
            let what: Vec<String> = trip.differences.iter().chain(&trip.values).cloned().chain(lacks).collect();
            return Err(Error::refused("up and down again, the copy is not what it was")
                .because(what.join("\n"))
                .help("see down.sql beside the migration: it may be edited until the way back is whole"));
        }
        self.steps.iter().try_for_each(Stepped::check)?;
        if self.excess.is_empty() {
            return Ok(());
        }
        let lines: Vec<String> = self.excess.iter().map(ToString::to_string).collect();
        let mut helps: Vec<String> = Vec::new();
        // lines that belong into one file stand together
        for help in self.excess.iter().map(Excess::help) {
            let (head, rest) = help.split_once('\n').unwrap_or((&help, ""));
            match helps.iter_mut().find(|known| known.split('\n').next() == Some(head)) {
                Some(known) if !rest.is_empty() => *known = format!("{known}\n{rest}"),
                Some(_) => {}
                None => helps.push(help),
            }
        }
        let lost = self.excess.iter().all(|excess| matches!(excess, Excess::Loss { .. }));
        let what = if lost { "lost data that was not accepted" } else { "went over the budget" };
        Err(Error::refused(format!("the rehearsal {what}: nothing was deployed"))
            .because(lines.join("\n"))
            .help(helps.join("\n")))
    }
}

/// Runs the pending migrations on a copy of the original, and compares.
///
/// # Errors
/// Whatever the deploy would fail with, which has happened to the copy only; the scratch server's own; Ctrl-C.
pub fn rehearse(
    original: &mut Original,
    play: &mut Play<'_>,
    budget: &Budget,
    engine: &mut Engine<'_>,
) -> Result<Rehearsal> {
    let start = Instant::now();
    demand_contained(play.pending)?;
    original.make_ready()?;
    let result = perform(original, play, engine);
    bring_home(play, engine)?;
    let (Ran { migrations, touched, unseen, steps }, since) = result.map_err(contained::explain)?;
    let mut sides = Sides::open(original, (original.name(), CLONE), play.schema)?;
    let Compared { definitions, tables, mut losses, was } =
        compared(&mut sides, (&touched, since), play.schema, &engine.interrupt())?;
    if play.pending.iter().any(|migration| conservation::skips_checks(migration.script())) {
        let broken = conservation::broken(sides.clients(), &was, play.schema);
        losses.extend(broken.explain(|| "could not check the foreign keys of the copy".into())?);
    }
    let return_trip = match &mut play.take_back {
        Some(take_back) => {
            let trip = return_trip::go_back(
                &original.url(CLONE, play.schema)?,
                sides.clients(),
                (play.schema, since),
                *take_back,
            )?;
            Some(trip.explain(|| "could not compare the copy after the way back".into())?)
        }
        None => None,
    };
    drop(sides);
    let (stalls, quiet) =
        if play.traffic { busy(original, play, &migrations, &tables, engine)? } else { (Vec::new(), None) };
    original.let_go(CLONE)?;
    let world = Catalog::of_target(play.schema, &definitions.0);
    let coverage = Coverage::new(&world, play.pending, play.reviewed, play.schema);
    let unneeded = coverage.cover(&mut losses, &migrations);
    play.steps.cover(&mut losses);
    let mut rehearsal = Rehearsal {
        backup: original.backup().to_owned(),
        server_version: original.server_version()?,
        data: original.data(),
        locks: locks::longest(migrations.iter().flat_map(|migration| migration.locks.clone())),
        written: written::written(&migrations, &tables),
        migrations,
        tables,
        losses,
        unneeded,
        uncompared: uncompared(&was, original.data(), play.schema),
        stalls,
        rollback: return_trip,
        steps,
        unlike: original.unlike().iter().cloned().chain(unseen).chain(quiet).collect(),
        excess: Vec::new(),
        took: start.elapsed(),
        definitions,
    };
    rehearsal.excess = budget.excess(&rehearsal, &coverage);
    Ok(rehearsal)
}

/// Whole milliseconds, for JSON.
fn milliseconds<S: Serializer>(time: &Duration, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}
