//! The deploy on a copy, each migration the way it will take, while its statements are traced.

use std::collections::BTreeSet;
use std::time::Instant;

use super::original::Original;
use super::steps::{Stepped, Steps};
use super::tracing::Tracing;
use super::traffic::{Stall, Traffic};
use super::{APPLICATION, CLONE, Rehearsed, TakeBack, locks, onlooker};
use crate::database::{DatabaseUrl, connect};
use crate::deploy::alone::Alone;
use crate::deploy::{Hook, Route, Runner, Settings};
use crate::engine::{DeployRequest, Engine};
use crate::error::{Error, Explain as _, Result};
use crate::exit::Exit;
use crate::guard::Pass;
use crate::project::Migration;
use crate::review::Reviewed;
use crate::ui::Shell;
use crate::values::{Since, TableFate, Touched};

/// The copy with readers and writers.
pub(super) const BUSY_CLONE: &str = "rehearsal_traffic";

/// What is rehearsed.
pub struct Play<'a> {
    /// The deploy, as Prisma asked for it.
    pub request: &'a DeployRequest,
    /// What the copy does not have, in order.
    pub pending: &'a [Migration],
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
    /// Receives what is in the way.
    pub shell: &'a Shell,
    /// What else runs in each migration's transaction; asked anew for every run.
    pub hooks: &'a dyn Fn(&Migration) -> Box<dyn Hook + 'a>,
    /// The way back, where that is rehearsed too.
    pub take_back: Option<&'a mut TakeBack<'a>>,
    /// Data steps, in their places.
    pub steps: Steps<'a>,
}

impl std::fmt::Debug for Play<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Play")
            .field("pending", &self.pending.len())
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

/// A run of the migrations.
pub(super) struct Ran {
    pub(super) migrations: Vec<Rehearsed>,
    pub(super) touched: Touched,
    /// Why Prisma's engine did not look at the result, where it did not.
    pub(super) unseen: Option<String>,
    pub(super) steps: Vec<Stepped>,
}

/// The deploy itself, on a fresh copy.
pub(super) fn perform(original: &Original, play: &mut Play<'_>, engine: &mut Engine<'_>) -> Result<(Ran, Since)> {
    let since = original.copy(CLONE)?;
    Ok((run((original, CLONE), play, engine)?, since))
}

/// Each migration the way it will take; then Prisma's engine says whether anything is left.
fn run((original, copy): (&Original, &str), play: &mut Play<'_>, engine: &mut Engine<'_>) -> Result<Ran> {
    let url = &original.url(copy, play.schema)?;
    let mut steps = play.steps.before(original, copy, (play.pending, play.schema))?;
    let mut runner = Runner::open(url.clone(), play.settings, engine.interrupt())?;
    let mut client = connect(url, APPLICATION)?;
    let mut rehearsed = Vec::new();
    let mut touched = if steps.is_empty() { Touched::These(BTreeSet::new()) } else { Touched::All };
    for (migration, route) in play.pending.iter().zip(play.routes) {
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
                    locks: locks::longest(traced.holds),
                    rewrites: traced.statements.iter().flat_map(|statement| statement.rewrites.clone()).collect(),
                    indexes: traced.statements.iter().flat_map(|statement| statement.indexes.clone()).collect(),
                    statements: traced.statements,
                }
            }
            Route::Sections(_) | Route::Alone { .. } => {
                touched = Touched::All;
                let (name, script, settings) = (migration.name.as_str(), migration.script(), &play.settings);
                // the guard sleeps in a copy
                let pass = &Pass::none();
                let mut hook = (play.hooks)(migration);
                let mut apply = || match route {
                    Route::Sections(sections) => runner.apply_sections(sections, &mut *hook),
                    _ => {
                        let alone =
                            Alone { url, settings, request: play.request, name, script, shell: play.shell, pass };
                        alone.apply(&mut client, engine).map_err(on_a_copy)
                    }
                };
                let (applied, seen) = onlooker::during(url, &migration.sql, &mut apply)?;
                applied?;
                let seen = seen.explain(|| format!("could not look on while {name} ran"))?;
                Rehearsed {
                    name: migration.name.clone(),
                    atomic: false,
                    took: start.elapsed(),
                    wal_bytes: seen.wal_bytes,
                    statements: seen.statements,
                    locks: locks::longest(seen.holds),
                    rewrites: seen.rewrites,
                    indexes: seen.indexes,
                }
            }
        });
        if play.steps.follow(&migration.name) {
            // a copy is made of this one, which ends its sessions
            drop((runner, client));
            touched = Touched::All;
            steps.extend(play.steps.after(original, copy, (&migration.name, play.schema))?);
            runner = Runner::open(url.clone(), play.settings, engine.interrupt())?;
            client = connect(url, APPLICATION)?;
        }
    }
    // what we apply ourselves, Prisma's engine need not look at twice: it does so on the target
    let unseen = if by_prisma(play) { agree(url, play, engine)? } else { None };
    Ok(Ran { migrations: rehearsed, touched, unseen, steps })
}

/// Whether Prisma's engine has a part in the deploy.
fn by_prisma(play: &Play<'_>) -> bool {
    play.routes.iter().any(|route| matches!(route, Route::Alone { .. }))
}

/// Whatever came of it, the engine goes back to the target. One that cannot be sent elsewhere never left it: its URL stands
/// in the schema itself.
pub(super) fn bring_home(play: &Play<'_>, engine: &mut Engine<'_>) -> Result<()> {
    if !by_prisma(play) {
        return Ok(());
    }
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

/// Once more, with readers and writers on every table that the first run locked or changed. Says if there were
/// too many of them.
pub(super) fn busy(
    original: &Original,
    play: &mut Play<'_>,
    migrations: &[Rehearsed],
    tables: &[TableFate],
    engine: &mut Engine<'_>,
) -> Result<(Vec<Stall>, Option<String>)> {
    original.copy(BUSY_CLONE)?;
    let url = original.url(BUSY_CLONE, play.schema)?;
    let locked = migrations.iter().flat_map(|migration| &migration.locks).map(|hold| hold.table.clone());
    let names: BTreeSet<String> = locked.chain(tables.iter().map(|table| table.table.clone())).collect();
    let traffic = Traffic::start(&url, &names.into_iter().collect::<Vec<_>>(), play.schema)?;
    let quiet = (traffic.left_out > 0).then(|| format!("{} more touched tables had no traffic", traffic.left_out));
    let ran = run((original, BUSY_CLONE), play, engine);
    let stalls = traffic.stop();
    bring_home(play, engine)?;
    ran?;
    original.let_go(BUSY_CLONE)?;
    Ok((stalls, quiet))
}

/// The copy goes: nothing has to be repaired there, whatever a deploy would say.
fn on_a_copy(error: Error) -> Error {
    if error.exit() != Exit::Failed {
        return error;
    }
    error.help(
        "correct the migration and try again: it runs outside of a transaction, so on the target it would have left whatever \
         it did before it failed",
    )
}
