//! The rehearsal: the same deploy on a copy of the database, with the project's own Prisma, before the real one.
//!
//! The copy is a clone of a restored backup, so that before and after stand side by side, with the same object ids.
//!
//! | module | what it is |
//! |---|---|
//! | `stage`, `session` | the restored backup that is cloned, with the settings of production's sessions |
//! | `tracing`, `trace` | each statement from inside its transaction: time, locks, rewrites |
//! | `relations` | tables and indexes with their files |
//! | `onlooker` | the same from outside, for what Prisma's engine runs |
//! | `traffic` | readers and writers meanwhile |
//! | `return_trip` | the way back, and whether everything is as before |
//! | `coverage` | whether somebody has seen or accepted what went |
//! | `budget` | what is too much |
//! | `written` | which statement wrote what: an undo keeps it |
//! | `unjudged` | what a person has to judge where nothing is rehearsed |
//! | `report` | for people and for programs |

#[cfg(test)]
pub(crate) mod bare;
mod budget;
mod coverage;
mod onlooker;
mod relations;
mod report;
mod return_trip;
mod session;
pub mod settings;
mod stage;
mod trace;
mod tracing;
mod traffic;
mod unjudged;
mod written;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use postgres::Client;
use serde::Serialize;

pub use self::budget::{Budget, Excess};
use self::coverage::Coverage;
pub use self::report::{document, human};
pub use self::return_trip::{ReturnTrip, TakeBack, TakenBack};
pub use self::session::Session;
pub use self::settings::RehearsalMode;
pub use self::stage::{Data, Stage};
pub use self::trace::{Hold, LockMode, Sized, Statement, Stops, TableLock, Write};
use self::tracing::Tracing;
pub use self::traffic::Stall;
use self::traffic::Traffic;
pub use self::unjudged::demand_judged;
use crate::catalog::Catalog;
use crate::catalog::live::{Live, Without};
use crate::conservation::{self, Census, Loss, Written};
use crate::database::{DatabaseUrl, Failure, connect};
use crate::deploy::alone::Alone;
use crate::deploy::{Hook, Route, Runner, Settings};
use crate::engine::{DeployRequest, Engine};
use crate::error::{Error, Explain as _, Result};
use crate::exit::Exit;
use crate::project::Migration;
use crate::review::Reviewed;
use crate::sql::Script;
use crate::ui::Shell;
use crate::values::{TableFate, Touched, compare};

/// The name that the server shows for our sessions.
pub(crate) const APPLICATION: &str = "prisma-safe rehearsal";
/// The copy that the migrations run on.
const CLONE: &str = "rehearsal";
/// The copy with readers and writers.
const BUSY_CLONE: &str = "rehearsal_traffic";

/// What is rehearsed.
pub struct Play<'a> {
    /// The deploy, as Prisma asked for it.
    pub request: &'a DeployRequest,
    /// What the copy does not have, in order.
    pub pending: &'a [Migration],
    /// Their texts, read.
    pub scripts: &'a [Script],
    /// What the review found in them.
    pub reviewed: &'a [Reviewed],
    /// The way each of them takes.
    pub routes: &'a [Route],
    /// How patient the deploy is.
    pub settings: Settings,
    /// The schema that Prisma puts its tables into.
    pub schema: &'a str,
    /// Whether readers and writers are to feel it, on a copy of their own.
    pub traffic: bool,
    /// Who is told what stands in the way.
    pub shell: &'a Shell,
    /// What else runs in each migration's transaction; asked anew for every run.
    pub hooks: &'a dyn Fn(&Migration) -> Box<dyn Hook + 'a>,
    /// The way back, where that is rehearsed too.
    pub take_back: Option<&'a mut TakeBack<'a>>,
}

impl std::fmt::Debug for Play<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Play")
            .field("pending", &self.pending.len())
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

/// A migration as it ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rehearsed {
    pub name: String,
    /// Whether it ran in one transaction.
    pub atomic: bool,
    #[serde(rename = "milliseconds", serialize_with = "trace::milliseconds")]
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
    /// How the copy is unlike production.
    pub unlike: Vec<String>,
    /// What is over the budget.
    pub excess: Vec<Excess>,
    #[serde(rename = "milliseconds", serialize_with = "trace::milliseconds")]
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
            let what: Vec<String> = trip.differences.iter().chain(&trip.values).cloned().collect();
            return Err(Error::refused("up and down again, the copy is not what it was")
                .because(what.join("\n"))
                .help("see down.sql beside the migration: it may be edited until the way back is whole"));
        }
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
        let what = if lost { "lost what nobody has accepted" } else { "went over the budget" };
        Err(Error::refused(format!("the rehearsal {what}: nothing was deployed"))
            .because(lines.join("\n"))
            .help(helps.join("\n")))
    }
}

/// A run of the migrations.
struct Ran {
    migrations: Vec<Rehearsed>,
    touched: Touched,
    /// Why Prisma's engine did not look at the result, where it did not.
    unseen: Option<String>,
}

/// Runs the pending migrations on a copy of the stage, and compares.
///
/// # Errors
/// Whatever the deploy would fail with, which has happened to the copy only; the scratch server's own; Ctrl-C.
pub fn rehearse(stage: &mut Stage, play: &mut Play<'_>, budget: &Budget, engine: &mut Engine<'_>) -> Result<Rehearsal> {
    let start = Instant::now();
    stage.log_fully()?;
    let result = perform(stage, play, engine);
    bring_home(engine)?;
    let Ran { migrations, touched, unseen } = result?;
    let clone = stage.url(CLONE, play.schema)?;
    let (mut after, mut before) = (connect(&clone, APPLICATION)?, stage.connect()?);
    let definitions = definitions(&mut before, &mut after)
        .explain(|| "could not read the definitions around the rehearsal".into())?;
    let tables = {
        let tokens =
            [(clone.clone(), after.cancel_token()), (stage.url(stage.name(), play.schema)?, before.cancel_token())];
        let _cancelling = crate::database::Cancelling::start(tokens.to_vec(), engine.interrupt());
        compare(&mut before, &mut after, &touched, play.schema)
    };
    if engine.interrupted() {
        return Err(Error::cancelled());
    }
    let tables = tables.explain(|| "could not compare the copy with what it was".into())?;
    let census = Census::read(&mut before).and_then(|was| Ok((was, Census::read(&mut after)?)));
    let (was, is) = census.explain(|| "could not read the objects around the rehearsal".into())?;
    let mut losses = conservation::rows(&tables, &was, play.schema);
    losses.extend(conservation::objects(&was, &is, play.schema));
    let return_trip = match &mut play.take_back {
        Some(take_back) => {
            let trip = return_trip::go_back(&clone, (&mut before, &mut after), play.schema, *take_back)?;
            Some(trip.explain(|| "could not compare the copy after the way back".into())?)
        }
        None => None,
    };
    drop((before, after));
    let (stalls, quiet) =
        if play.traffic { busy(stage, play, &migrations, &tables, engine)? } else { (Vec::new(), None) };
    stage.drop_copy(CLONE)?;
    let world = Catalog::of_target(play.schema, &definitions.0);
    let coverage = Coverage::new(&world, (play.pending, play.scripts), play.reviewed, play.schema);
    let unneeded = coverage.cover(&mut losses, &migrations);
    let mut rehearsal = Rehearsal {
        backup: stage.backup().to_owned(),
        server_version: stage.server_version()?,
        data: stage.data(),
        locks: trace::longest(migrations.iter().flat_map(|migration| migration.locks.clone())),
        written: written::written(&migrations, &tables),
        migrations,
        tables,
        losses,
        unneeded,
        uncompared: uncompared(&was, stage.data(), play.schema),
        stalls,
        rollback: return_trip,
        unlike: stage.unlike().iter().cloned().chain(unseen).chain(quiet).collect(),
        excess: Vec::new(),
        took: start.elapsed(),
        definitions,
    };
    rehearsal.excess = budget.excess(&rehearsal, &coverage);
    Ok(rehearsal)
}

/// What the comparison cannot see, whatever the migrations do.
fn uncompared(was: &Census, data: Data, schema: &str) -> Vec<String> {
    let foreign = was.foreign_tables(schema);
    let elsewhere = (!foreign.is_empty())
        .then(|| format!("the rows of foreign tables, which are elsewhere: {}", foreign.join(", ")));
    let empty =
        (data == Data::Schema).then(|| "rows, values and sequences' positions: the tables were empty".to_owned());
    elsewhere.into_iter().chain(empty).collect()
}

fn definitions(before: &mut Client, after: &mut Client) -> Result<(Live, Live), Failure> {
    let without = Without::default();
    Ok((Live::read(before, &without)?, Live::read(after, &without)?))
}

/// The deploy itself, on a fresh copy.
fn perform(stage: &Stage, play: &mut Play<'_>, engine: &mut Engine<'_>) -> Result<Ran> {
    stage.copy(CLONE)?;
    run(&stage.url(CLONE, play.schema)?, play, engine)
}

/// Each migration the way it will take; then Prisma's engine says whether anything is left.
fn run(url: &DatabaseUrl, play: &mut Play<'_>, engine: &mut Engine<'_>) -> Result<Ran> {
    let mut runner = Runner::open(url.clone(), play.settings, engine.interrupt())?;
    let mut client = connect(url, APPLICATION)?;
    let mut rehearsed = Vec::new();
    let mut touched = Touched::These(BTreeSet::new());
    for ((migration, script), route) in play.pending.iter().zip(play.scripts).zip(play.routes) {
        let start = Instant::now();
        rehearsed.push(match route {
            Route::Atomic(prepared) => {
                let mut hook = (play.hooks)(migration);
                let mut tracing = Tracing::new(play.schema, &mut *hook);
                runner.apply(prepared, &mut tracing)?;
                let took = start.elapsed();
                let traced = tracing.finish();
                touched.add(traced.touched);
                Rehearsed {
                    name: migration.name.clone(),
                    atomic: true,
                    took,
                    wal_bytes: traced.statements.iter().map(|statement| statement.wal_bytes).sum(),
                    locks: trace::longest(traced.holds),
                    rewrites: traced.statements.iter().flat_map(|statement| statement.rewrites.clone()).collect(),
                    indexes: traced.statements.iter().flat_map(|statement| statement.indexes.clone()).collect(),
                    statements: traced.statements,
                }
            }
            Route::Alone { .. } => {
                touched = Touched::All;
                let (name, settings) = (migration.name.as_str(), &play.settings);
                let alone = Alone { url, settings, request: play.request, name, script, shell: play.shell };
                let (applied, seen) = onlooker::during(url, &migration.sql, || alone.apply(&mut client, engine))?;
                applied?;
                let seen = seen.explain(|| format!("could not look on while {name} ran"))?;
                Rehearsed {
                    name: migration.name.clone(),
                    atomic: false,
                    took: start.elapsed(),
                    wal_bytes: seen.wal_bytes,
                    statements: seen.statements,
                    locks: trace::longest(seen.holds),
                    rewrites: seen.rewrites,
                    indexes: seen.indexes,
                }
            }
        });
    }
    let unseen = agree(url, play, engine)?;
    Ok(Ran { migrations: rehearsed, touched, unseen })
}

/// Whatever came of it, the engine goes back to the target. One that cannot be sent elsewhere never left it: its URL stands
/// in the schema itself.
fn bring_home(engine: &mut Engine<'_>) -> Result<()> {
    let Some(url) = engine.target().url.clone() else { return Ok(()) };
    match engine.redirect(&url) {
        Err(error) if error.exit() == Exit::Usage => Ok(()),
        result => result,
    }
}

/// The project's own Prisma looks at the copy as it will look at the target: everything is applied, nothing is left. Says
/// why if it cannot look.
fn agree(url: &DatabaseUrl, play: &Play<'_>, engine: &mut Engine<'_>) -> Result<Option<String>> {
    let Some(last) = play.pending.last() else { return Ok(None) };
    match engine.redirect(url) {
        Err(error) if error.exit() == Exit::Usage => {
            return Ok(Some(format!("Prisma's engine did not look at the copy: {error}")));
        }
        result => result?,
    }
    let answer = play.request.apply_up_to(&last.name, engine)?;
    let answer = answer.map_err(|error| Error::failed("Prisma's engine does not accept the copy").because(error))?;
    match answer["appliedMigrationNames"].as_array() {
        Some(left) if !left.is_empty() => Err(Error::failed(format!(
            "Prisma's engine found migrations left to apply on the copy: {}",
            left.iter().filter_map(|name| name.as_str()).collect::<Vec<_>>().join(", ")
        ))),
        _ => Ok(None),
    }
}

/// Once more, with readers and writers on every table that the first run stopped somebody at, or changed. Says if there were
/// too many of them.
fn busy(
    stage: &Stage,
    play: &mut Play<'_>,
    migrations: &[Rehearsed],
    tables: &[TableFate],
    engine: &mut Engine<'_>,
) -> Result<(Vec<Stall>, Option<String>)> {
    stage.copy(BUSY_CLONE)?;
    let url = stage.url(BUSY_CLONE, play.schema)?;
    let locked = migrations.iter().flat_map(|migration| &migration.locks).map(|hold| hold.table.clone());
    let names: BTreeSet<String> = locked.chain(tables.iter().map(|table| table.table.clone())).collect();
    let traffic = Traffic::start(&url, &names.into_iter().collect::<Vec<_>>(), play.schema)?;
    let quiet = (traffic.left_out > 0).then(|| format!("{} more touched tables had no traffic", traffic.left_out));
    let ran = run(&url, play, engine);
    let stalls = traffic.stop();
    bring_home(engine)?;
    ran?;
    stage.drop_copy(BUSY_CLONE)?;
    Ok((stalls, quiet))
}
