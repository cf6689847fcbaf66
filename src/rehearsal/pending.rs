//! The pending migrations on what was restored, with what a deploy keeps of them, and the way back.

use std::collections::BTreeMap;

use postgres::Client;

use super::steps::Steps;
use super::{Budget, Data, Original, Play, Rehearsal, TakenBack, rehearse};
use crate::backup::demand_untouched;
use crate::catalog::Catalog;
use crate::catalog::live::{Live, Without};
use crate::database::{DatabaseUrl, History};
use crate::deploy::{self, Hook, NoHook, Route, Settings};
use crate::engine::{DeployRequest, Engine};
use crate::error::{Error, Explain as _, Result};
use crate::exit::Exit;
use crate::project::Migration;
use crate::review::Reviewed;
use crate::ui::Shell;
use crate::undo::capture::Capture;
use crate::undo::{self, Capsule, Keeper, Measured, Plan, RolledBack, Watch};

/// The deploy that is rehearsed.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    pub request: &'a DeployRequest,
    /// The schema that Prisma puts its tables into.
    pub schema: &'a str,
    pub settings: Settings,
    pub traffic: bool,
    /// What is too much.
    pub budget: Budget,
    /// How what is destroyed is kept.
    pub undo: undo::Settings,
    /// Whether the way back is rehearsed too.
    pub rollback: bool,
    /// What the review finds in what is pending, on what was restored.
    pub reviewed: &'a Reviewing<'a>,
    /// Data steps that are due.
    pub steps: Steps<'a>,
}

/// Reviews what is pending on a database.
pub type Reviewing<'a> = dyn Fn(&[Migration], &mut Client) -> Result<Vec<Reviewed>> + 'a;

/// What was rehearsed.
#[derive(Debug)]
pub struct Played {
    pub rehearsal: Rehearsal,
    /// What was kept on the copy, by migration.
    pub kept: BTreeMap<String, Vec<Capture>>,
}

/// Plays what the restored backup does not have, saying so; none if it has everything.
///
/// # Errors
/// Those of [`rehearse`].
pub fn rehearse_pending(
    original: &mut Original,
    asked: &Asked<'_>,
    engine: &mut Engine<'_>,
    shell: &Shell,
) -> Result<Option<Played>> {
    let Asked { request, schema, undo, rollback, reviewed, .. } = *asked;
    let pending = pending(original, schema, &request.migrations)?;
    if pending.is_empty() && asked.steps.is_empty() {
        return Ok(None);
    }
    asked.steps.demand_contained()?;
    if !original.lacking().is_empty() {
        let major = original.server_major()?;
        demand_untouched(&pending, original.lacking(), false, major)?;
    }
    let mut client = original.connect()?;
    let history = History::read(&mut client, schema)?.unwrap_or_default();
    let live = Live::read(&mut client, &Without::default());
    let live = live.explain(|| "could not read the definitions of the copy".into())?;
    let world = Catalog::of_target(schema, &live);
    let routes = deploy::routes(&pending, world.clone(), &history)?;
    let reviewed = reviewed(&pending, &mut client)?;
    drop(client);
    let mut playing = Playing {
        asked: *asked,
        pending: &pending,
        reviewed: &reviewed,
        routes: &routes,
        plans: plans(original, &world, &pending, undo, None)?,
    };
    let what = match asked.steps.said() {
        Some(steps) => format!("{} and {steps}", count(pending.len())),
        None => count(pending.len()),
    };
    shell.step("Rehearsing", format_args!("{what} on a copy of {}", original.backup()));
    let played = playing.play(original, engine, shell, false)?;
    if !rollback {
        return Ok(Some(played));
    }
    // what code took shows in the comparison only, and the deploy keeps it by that
    playing.plans = plans(original, &world, &pending, undo, Some(&played))?;
    shell.step("Rehearsing", format_args!("the same with what was measured kept, and the way back"));
    Ok(Some(playing.play(original, engine, shell, true)?))
}

/// What is rehearsed, and what is kept of it.
struct Playing<'a> {
    asked: Asked<'a>,
    pending: &'a [Migration],
    reviewed: &'a [Reviewed],
    routes: &'a [Route],
    plans: BTreeMap<String, Plan>,
}

impl Playing<'_> {
    /// Once, there or there and back.
    fn play(&self, original: &mut Original, engine: &mut Engine<'_>, shell: &Shell, back: bool) -> Result<Played> {
        let Self { asked, pending, reviewed, routes, plans } = self;
        let Asked { request, schema, settings, traffic, budget, .. } = *asked;
        let watches: BTreeMap<&str, Watch> = plans.keys().map(|name| (name.as_str(), Watch::default())).collect();
        let hooks = |migration: &Migration| -> Box<dyn Hook + '_> {
            match plans.get_key_value(&migration.name) {
                Some((name, plan)) => Box::new(Keeper::new(plan, schema).watched(&watches[name.as_str()])),
                None => Box::new(NoHook),
            }
        };
        let beside = |id: &str| {
            let read = |watch: &Watch| watch.definitions.borrow().clone().filter(|(own, _)| own == id);
            watches.values().find_map(read).map(|(id, definitions)| Capsule::empty(&id, definitions))
        };
        let mut take_back = |url: &DatabaseUrl| -> Result<Vec<TakenBack>> {
            let Some(first) = pending.first().map(|migration| migration.name.as_str()) else { return Ok(Vec::new()) };
            let done = undo::way::on_a_copy(url, &beside, &request.migrations, first, settings)?;
            let taken = |(name, back): (String, RolledBack)| TakenBack {
                name,
                put_back: back.put_back.iter().map(ToString::to_string).collect(),
            };
            Ok(done.into_iter().map(taken).collect())
        };
        let mut play = Play {
            request,
            pending,
            reviewed,
            routes,
            settings,
            schema,
            // once is enough
            traffic: traffic && back == asked.rollback,
            shell,
            hooks: &hooks,
            take_back: if back { Some(&mut take_back) } else { None },
            steps: asked.steps,
        };
        let rehearsal = rehearse(original, &mut play, &budget, engine).map_err(|error| {
            if error.exit() == Exit::Cancelled {
                return error;
            }
            error.within("the rehearsal failed on the copy: nothing has happened to the database")
        })?;
        for (name, watch) in watches.iter().filter(|(name, _)| !plans[**name].is_empty()) {
            let seconds = watch.took.get().as_secs_f64();
            shell.fine_detail(format_args!("keeping what {name} destroys took {seconds:.1} s on the copy"));
        }
        let kept = watches.into_iter().map(|(name, watch)| (name.to_owned(), watch.kept.into_inner())).collect();
        Ok(Played { rehearsal, kept })
    }
}

/// What is kept of the migrations that destroy something: keeping takes time and locks too. `played` is what was measured.
fn plans(
    original: &Original,
    world: &Catalog,
    pending: &[Migration],
    undo: undo::Settings,
    played: Option<&Played>,
) -> Result<BTreeMap<String, Plan>> {
    let mut plans = BTreeMap::new();
    if !undo.enabled {
        return Ok(plans);
    }
    let mut client = original.connect()?;
    let mut catalog = world.clone();
    for migration in pending {
        let mut plan = Plan::of(&mut client, migration, &catalog)?;
        // without rows nothing was measured
        if let Some(Played { rehearsal, kept }) = played.filter(|played| played.rehearsal.data == Data::Full) {
            let kept = kept.get(&migration.name).map(Vec::as_slice).unwrap_or_default();
            plan.extend(&mut client, migration, &catalog, Measured { written: &rehearsal.written, kept })?;
        }
        catalog.apply(migration.script(), &migration.name);
        if plan.bytes() <= undo.max_size {
            plans.insert(migration.name.clone(), plan);
        }
    }
    Ok(plans)
}

/// What the restored database does not have.
fn pending(original: &mut Original, schema: &str, migrations: &[Migration]) -> Result<Vec<Migration>> {
    let history = History::read(&mut original.connect()?, schema)?.unwrap_or_default();
    let standing = history.compare(migrations);
    if let Some(failed) = standing.failed.first() {
        return Err(Error::failed(format!(
            "the backup holds a failed migration ({}): no deploy goes past it",
            failed.name
        ))
        .help("resolve it in the database (see prisma-safe migrate status), and take a new backup"));
    }
    Ok(migrations.iter().filter(|migration| standing.pending.contains(&migration.name)).cloned().collect())
}

fn count(migrations: usize) -> String {
    match migrations {
        1 => "1 migration".into(),
        many => format!("{many} migrations"),
    }
}
