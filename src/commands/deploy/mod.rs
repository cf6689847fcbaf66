//! `migrate deploy`: the order of its stages, while Prisma waits in the middle of its own deploy for its engine to answer.

mod ahead;
mod applying;
mod keep;
mod page;
mod resume;
mod routes;
mod stages;
mod steps;
mod wait;

use std::ffi::OsString;
use std::sync::atomic::AtomicBool;

use jiff::Timestamp;
use postgres::Client;

use self::resume::Resumed;
use self::steps::{names, pending};
use super::Aim;
use crate::backup::Starting;
use crate::catalog::Catalog;
use crate::catalog::live::Live;
use crate::config::Config;
use crate::consent::Gate;
use crate::context::Context;
use crate::database::usage::Usage;
use crate::database::{self, Identity};
use crate::deploy::journal::Planned;
use crate::deploy::preflight::{Concern, Problem};
use crate::deploy::turn::{Patience, exclude_others};
use crate::deploy::{APPLICATION_NAME, Event, Journal, Plan, Preflight, Settings, Stage, Turn, Window, window};
use crate::engine::{self, DeployRequest, Deployer, Engine, Guard};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::project::{Migration, Project};
use crate::rename::schema::Schema;
use crate::report;
use crate::review::{deployed, links, lost};
use crate::steps::Due;
use crate::target::Target;
use crate::tools::prisma;

/// Arguments of `migrate deploy`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Go on with the deployment that was cut short or failed: its consent and its backup count where they still fit
    #[arg(long)]
    resume: bool,
    /// End a session that holds Prisma's migration lock for a deploy that is gone (P1002): one that has been idle for 10 seconds
    /// and has no open transaction; at a terminal this is asked
    #[arg(long)]
    end_orphaned_lock: bool,
    /// Name the sessions that are in the way without their queries
    #[arg(long)]
    hide_queries: bool,
    /// Run this data step again although it began before, did not come to its end, and does not say that it is repeatable
    #[arg(long, value_name = "STEP")]
    repeat_step: Vec<String>,
    /// In the rehearsal, read and write the touched tables at the same time, and report the longest wait
    #[arg(long)]
    probe_traffic: bool,
    #[command(flatten)]
    gate: Gate,
    /// Rehearse nothing first; needs --reason
    #[arg(long, requires = "reason", help_heading = "On production")]
    skip_rehearsal: bool,
    #[command(flatten)]
    when: When,
    #[command(flatten)]
    report: report::Args,
}

/// When the database may be changed.
#[derive(Debug, Clone, Default, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "When")]
struct When {
    /// Begin nothing outside of this time of day: "22:00-04:00 Europe/Berlin"
    #[arg(long, value_name = "WINDOW")]
    maintenance_window: Option<String>,
    /// Review and ask now, change nothing before this time: 22:00, or "2025-01-21 22:00"
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

/// Runs it.
///
/// # Errors
/// Exit status 3 if the preflight, the review or a missing consent refuses it: the database is unchanged
/// then. 1 if the backup or a migration fails: what was applied before is whole, nothing of the failed one remains.
pub fn run(args: &Args, context: &Context) -> Result<Exit> {
    let project = prisma::find(&context.directory, &context.env)?;
    let config = Config::load(project.root())?;
    let mut prisma: Vec<OsString> = vec!["migrate".into(), "deploy".into()];
    prisma.extend(context.global.prisma());
    let mut settings = config.deploy.settings();
    settings.show_queries &= !args.hide_queries;
    let window = match &args.when.maintenance_window {
        Some(text) => Some(Window::parse(text)?),
        None => config.deploy.maintenance_window.clone(),
    };
    let now = Timestamp::now();
    let not_before = args.when.at.as_ref().map(|at| window::not_before(at, now, window.as_ref())).transpose()?;
    let (project, config) = (&project, &config);
    let mut deploying =
        Deploying { args, context, project, config, settings, window, not_before, aim: Aim::default(), identity: None };
    engine::deploy(project, context, &prisma, args.report.for_machines(), &mut deploying)
}

struct Deploying<'a> {
    args: &'a Args,
    context: &'a Context,
    project: &'a Project,
    config: &'a Config,
    settings: Settings,
    window: Option<Window>,
    not_before: Option<Timestamp>,
    aim: Aim,
    /// The target, as its server names it; none where that is not known.
    identity: Option<Identity>,
}

/// What the stages share once there is something to deploy.
struct Deployment<'a> {
    command: &'a Deploying<'a>,
    request: &'a DeployRequest,
    target: &'a Target,
    preflight: &'a Preflight,
    pending: &'a [Migration],
    /// The session that keeps other deploys out.
    client: Client,
    /// What the target holds before the first migration, once it was read.
    definitions: Option<Live>,
    /// The same as a catalog, once it was asked for.
    world: Option<Catalog>,
    /// The deployment that this one goes on with.
    resumed: Option<Resumed>,
    /// Schemas that Prisma manages besides the URL's.
    schemas: Vec<String>,
    /// A scratch server that starts while the deploy is reviewed.
    starting: Option<Starting>,
    /// How the database was used until it is changed.
    usage: Option<Usage>,
    /// The data steps that run in their places.
    steps: Vec<Due>,
}

impl Deployment<'_> {
    /// The order of a deploy. Until `Apply` nothing has happened to the database; afterwards each migration is there whole
    /// or not at all.
    fn stages(&mut self, journal: &mut Journal, engine: &mut Engine<'_>) -> Result<Vec<String>> {
        journal.stage(Stage::Preflight, |journal| self.preflight(journal))?;
        let waiting = self.waiting()?;
        let review = journal.stage(Stage::Review, |journal| self.review(journal))?;
        let routes = self.routes()?;
        self.demand_judged(&review)?;
        journal.stage(Stage::Consent, |journal| self.consent(&review, journal))?;
        if let Some(waiting) = waiting {
            journal.stage(Stage::Wait, |_| self.wait(waiting, engine))?;
        }
        self.refuse_unkept(&routes)?;
        let backup = journal.stage(Stage::Backup, |journal| self.back_up(engine, journal))?;
        let covered = self.is_covered(&backup);
        let played = journal.stage(Stage::Rehearsal, |journal| self.rehearse(&review, backup, engine, journal))?;
        let expected = self.expected(played.as_ref())?;
        let plans = self.plan_capsules(&routes, played.as_ref(), covered)?;
        let baseline = self.baseline()?;
        let applied = journal.stage(Stage::Apply, |journal| {
            let plan = review.plan_hash.as_deref().unwrap_or_default();
            self.apply(routes, plan, &plans, engine, journal)
        })?;
        journal.stage(Stage::Verify, |journal| self.verify(&baseline, &applied, expected.as_ref(), engine, journal))?;
        self.prune_capsules()?;
        Ok(applied)
    }
}

impl Deployer for Deploying<'_> {
    fn target(&mut self, seen: &engine::Target) -> Result<Guard> {
        let (target, other) = self.aim.take(seen, self.config, self.context)?;
        let target = target.clone();
        if other {
            self.name(&target);
        }
        Ok(target.guard(seen.url.as_ref()))
    }

    fn deploy(&mut self, request: DeployRequest, engine: &mut Engine<'_>) -> Result<Vec<String>> {
        let target = self.aim.known().cloned().ok_or_else(super::no_url)?;
        let shell = &self.context.shell;
        let mut client = database::connect(&target.url, APPLICATION_NAME)?;
        let schemas = Schema::of_files(&request.target.schema_files).schemas;
        let plan = Plan {
            url: &target.url,
            migrations: &request.migrations,
            external_tables: &request.external_tables(),
            schemas: &schemas,
        };
        let mut preflight = Preflight::of(&mut client, &plan)?;
        let lost = lost::folder(&preflight.standing, &request.migrations_dir, self.project.root());
        if let Some(lost) = lost.as_ref().filter(|_| !preflight.standing.pending.is_empty()) {
            return Err(Error::refused(&*lost.message).help(&*lost.help));
        }
        let mut steps = self.due(&mut client, &request, &preflight)?;
        if nothing_to_do(&preflight) && steps.is_empty() {
            // Prisma says so itself; only what it does not look at is added
            let known = |problem: &&Problem| lost.is_none() || problem.concern != Concern::Missing;
            for problem in preflight.problems.iter().filter(known).filter(|problem| !problem.blocking) {
                shell.warn(format!("{}: {}", problem.message, problem.help));
            }
            if let Some(lost) = lost {
                shell.warn(format!("{}: {}", lost.message, lost.help));
            }
            let files = &request.target.schema_files;
            let settings = deployed::settings(None, &self.config.review, self.project, files)?;
            links::demand_kept(&settings, &target.url.schema(), &request.migrations)?;
            return self.nothing(&preflight);
        }
        let names = names(&preflight.standing, &steps);
        shell.step("Checking", format!("{}: {names}", target.url.identity()));
        let interrupt = engine.interrupt();
        let patience = self.patience(&interrupt);
        let turn = Turn::take(self.project.root(), &patience)?;
        if exclude_others(&mut client, &target.url, &patience)? || turn.waited {
            // the other one has changed what we knew
            preflight = Preflight::of(&mut client, &plan)?;
            steps = self.due(&mut client, &request, &preflight)?;
            if nothing_to_do(&preflight) && steps.is_empty() {
                shell.note("the other deployment has applied everything");
                return self.nothing(&preflight);
            }
        }
        let pending = pending(&preflight, &request.migrations);
        let planned: Vec<Planned> =
            pending.iter().map(|each| Planned { name: each.name.clone(), checksum: each.checksum() }).collect();
        let resumed = self.resume(&turn, &target, &planned, &preflight)?;
        self.explain_interrupted(&turn, &preflight)?;
        let (version, server) = (env!("CARGO_PKG_VERSION").to_owned(), self.identity.clone());
        let started = Event::Started { version, target: target.url.identity(), server, pending: planned };
        let mut journal = Journal::begin(self.project.root(), started)?;
        if let Some(resumed) = &resumed {
            journal.record(Event::Resumes { record: resumed.record.path.clone() })?;
        }
        let mut deployment = Deployment {
            command: self,
            request: &request,
            target: &target,
            preflight: &preflight,
            pending: &pending,
            client,
            definitions: None,
            world: None,
            resumed,
            schemas,
            starting: None,
            usage: None,
            steps,
        };
        let result = deployment.stages(&mut journal, engine);
        self.context.shell.end_step();
        journal.record(match &result {
            Ok(_) => Event::Finished,
            Err(error) => Event::Failed { error: error.with_causes() },
        })?;
        self.write_page(&journal, &request.migrations);
        result
    }
}

impl Deploying<'_> {
    /// The first that a deploy says: which database it is about to change.
    fn name(&mut self, target: &Target) {
        let shell = &self.context.shell;
        let url = &target.url;
        let place = format!("database {} on {}:{}, schema {}", url.database(), url.host(), url.port(), url.schema());
        match Identity::of(url, APPLICATION_NAME) {
            Ok(identity) => {
                shell.status("Target", format!("{place} ({}; {})", target.because, identity.describe(url)));
                self.identity = Some(identity);
            }
            // Prisma says why, or makes the database
            Err(error) => shell.status("Target", format!("{place} ({}; it was not asked: {error})", target.because)),
        }
    }

    fn patience<'a>(&'a self, interrupt: &'a AtomicBool) -> Patience<'a> {
        let Settings { deploy_wait: time, show_queries, .. } = self.settings;
        Patience { time, interrupt, shell: &self.context.shell, show_queries, end_orphans: self.args.end_orphaned_lock }
    }
}

fn nothing_to_do(preflight: &Preflight) -> bool {
    preflight.standing.pending.is_empty() && preflight.standing.failed.is_empty()
}
