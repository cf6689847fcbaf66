//! `migrate deploy`: preflight → review → consent → backup → apply → verify → journal, while Prisma waits in the middle of
//! its own deploy for its engine to answer.

use std::ffi::OsString;

use postgres::Client;

use super::backup::{self, Before, Taken};
use super::fence::Gate;
use super::review::Folder;
use crate::config::Config;
use crate::consent;
use crate::context::Context;
use crate::database;
use crate::deploy::{
    self, APPLICATION_NAME, Baseline, Event, Journal, Plan, Preflight, Prepared, Route, Runner, Settings, Turn, alone,
    verify,
};
use crate::engine::{self, DeployRequest, Deployer, Engine, Guard};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::project::{Migration, Project};
use crate::report;
use crate::review::{Review, Verdict};
use crate::sql::Script;
use crate::target::Target;

/// Arguments of `migrate deploy`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    gate: Gate,
    #[command(flatten)]
    report: report::Args,
}

/// Runs it.
///
/// # Errors
/// Exit status 3 if the preflight, the review or a missing consent stands against it: nothing has happened to the database
/// then. 1 if the backup or a migration fails: what was applied before is whole, nothing of the failed one remains.
pub fn run(args: &Args, context: &Context) -> Result<Exit> {
    let project = Project::find(&context.directory, &context.env)?;
    let config = Config::load(project.root())?;
    let mut prisma: Vec<OsString> = vec!["migrate".into(), "deploy".into()];
    prisma.extend(context.global.prisma());
    let settings = Settings::read(&config.deploy)?;
    let mut deploying = Deploying { args, context, project: &project, config: &config, settings, target: None };
    engine::deploy(&project, context, &prisma, args.report.for_machines(), &mut deploying)
}

struct Deploying<'a> {
    args: &'a Args,
    context: &'a Context,
    project: &'a Project,
    config: &'a Config,
    settings: Settings,
    target: Option<Target>,
}

/// What the stages share once there is something to deploy.
struct Deployment<'a> {
    request: &'a DeployRequest,
    target: &'a Target,
    preflight: &'a Preflight,
    pending: &'a [Migration],
    scripts: &'a [Script],
    journal: &'a mut Journal,
}

impl Deployer for Deploying<'_> {
    fn target(&mut self, seen: &engine::Target) -> Result<Guard> {
        let target = super::classify(seen.url.clone(), self.config, self.context)?;
        let guard = target.guard(seen.url.as_ref());
        self.target = Some(target);
        Ok(guard)
    }

    fn deploy(&mut self, request: DeployRequest, engine: &mut Engine<'_>) -> Result<Vec<String>> {
        let target = self.target.clone().ok_or_else(super::no_url)?;
        let shell = &self.context.shell;
        let mut client = database::connect(&target.url, APPLICATION_NAME)?;
        let plan = Plan { url: &target.url, migrations: &request.migrations, external_tables: &[] };
        let preflight = Preflight::of(&mut client, &plan)?;
        let pending = pending(&preflight, &request.migrations);
        if pending.is_empty() && preflight.standing.failed.is_empty() {
            // Prisma says so itself; only a word about what it does not look at
            for problem in preflight.problems.iter().filter(|problem| !problem.blocking) {
                shell.warn(format!("{}: {}", problem.message, problem.help));
            }
            return Ok(Vec::new());
        }
        let names: Vec<String> = pending.iter().map(|migration| migration.name.clone()).collect();
        shell.status("Checking", format!("{} ({}): {}", target.url.identity(), target.because, names.join(", ")));
        let turn = Turn::take(self.project.root())?;
        deploy::exclude_others(&mut client)?;
        self.explain_interrupted(&turn, &preflight)?;
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let started = Event::Started { version, target: target.url.identity(), pending: names };
        let mut journal = Journal::begin(self.project.root(), started)?;
        let scripts: Vec<Script> = pending.iter().map(|migration| Script::parse(migration.sql.as_str())).collect();
        let result = self.stages(
            &mut Deployment {
                request: &request,
                target: &target,
                preflight: &preflight,
                pending: &pending,
                scripts: &scripts,
                journal: &mut journal,
            },
            client,
            engine,
        );
        journal.record(match &result {
            Ok(_) => Event::Finished,
            Err(error) => Event::Failed { error: format!("{error:?}") },
        })?;
        result
    }
}

impl Deploying<'_> {
    /// The order of a deploy.
    fn stages(
        &self,
        deployment: &mut Deployment<'_>,
        mut client: Client,
        engine: &mut Engine<'_>,
    ) -> Result<Vec<String>> {
        deployment.preflight.check()?;
        deployment
            .journal
            .record(Event::Preflight { server_version: deployment.preflight.server_version_text.clone() })?;
        let review = self.review(deployment, &mut client)?;
        let routes = routes(deployment)?;
        self.consent(deployment, &review)?;
        self.back_up(deployment)?;
        let baseline = Baseline::take(&mut client, &deployment.target.url.schema(), deployment.scripts)?;
        let applied = self.apply(deployment, routes, &mut client, engine)?;
        self.verify(deployment, &baseline, &mut client, &applied)?;
        Ok(applied)
    }

    /// What a killed deploy has left is told once, by its record and by the database.
    fn explain_interrupted(&self, turn: &Turn, preflight: &Preflight) -> Result<()> {
        for interrupted in Journal::unfinished(self.project.root(), turn)? {
            let explanation = interrupted.explain(preflight.history.as_ref());
            self.context.shell.note(&explanation);
            interrupted.close(&explanation)?;
        }
        Ok(())
    }

    fn review(&self, deployment: &mut Deployment<'_>, client: &mut Client) -> Result<Review> {
        let shell = &self.context.shell;
        shell.status("Reviewing", count(deployment.pending.len()));
        let DeployRequest { migrations, migrations_dir, .. } = deployment.request;
        let folder = Folder { migrations, directory: migrations_dir };
        let history = deployment.preflight.history.as_ref();
        let files = &deployment.request.target.schema_files;
        let settings = super::review::settings(None, &self.config.review, self.project, files)?;
        let review =
            super::review::pending(deployment.target, &folder, deployment.pending, history, client, &settings)?;
        self.args.report.deliver(&self.args.report.review(&review, self.project.root(), shell), shell)?;
        if review.verdict == Verdict::Fail {
            return Err(Error::refused(
                "the review found errors: nothing was deployed, nothing has happened to the database",
            )
            .help(
                "correct the migration, or accept a finding by a line in the file:\n\
                     -- prisma-safe:allow RULE(OBJECT): REASON",
            ));
        }
        deployment.journal.record(Event::Review { plan_hash: review.plan_hash.clone().unwrap_or_default() })?;
        Ok(review)
    }

    /// Accepted data loss on production needs a person's word besides the line in the file.
    fn consent(&self, deployment: &mut Deployment<'_>, review: &Review) -> Result<()> {
        let losses: Vec<String> = review.accepted_losses().map(|finding| finding.object.clone()).collect();
        if !deployment.target.production || losses.is_empty() {
            return Ok(());
        }
        let what = format!("destroys data ({})", losses.join(", "));
        let plan = review.plan_hash.as_deref().unwrap_or_default();
        let confirm = self.args.gate.confirm.as_deref();
        let consent = consent::ask(&self.context.shell, deployment.target, &what, plan, confirm)?;
        let how = format!("{consent:?}").to_lowercase();
        deployment.journal.record(Event::Consent { how, reason: self.args.gate.reason.clone() })
    }

    fn back_up(&self, deployment: &mut Deployment<'_>) -> Result<()> {
        let precedes: Vec<String> = deployment.pending.iter().map(|migration| migration.name.clone()).collect();
        let before = Before {
            target: deployment.target,
            root: self.project.root(),
            settings: &self.config.backup,
            gate: &self.args.gate,
            precedes: &precedes,
        };
        deployment.journal.record(match backup::before(&before, self.context)? {
            Taken::Backup(backup) => Event::Backup { sha256: backup.manifest.sha256.clone(), file: backup.path },
            Taken::Skipped(reason) => Event::BackupSkipped { reason },
        })
    }

    /// Each migration whole or not at all, one after the other.
    fn apply(
        &self,
        deployment: &mut Deployment<'_>,
        routes: Vec<Route>,
        client: &mut Client,
        engine: &mut Engine<'_>,
    ) -> Result<Vec<String>> {
        let settings = self.settings;
        let mut runner = Runner::open(deployment.target.url.clone(), settings, engine.interrupt())?;
        let mut applied = Vec::new();
        for (migration, route) in deployment.pending.iter().zip(routes) {
            let name = &migration.name;
            let checksum = migration.checksum();
            deployment.journal.record(Event::Applying { name: name.clone(), checksum })?;
            let done = match route {
                Route::Atomic(prepared) => {
                    self.context.shell.status("Applying", format!("{name} in one transaction"));
                    runner.apply(&prepared).map(|done| (done.took, done.tries)).map_err(Error::from)
                }
                Route::Alone { why, line } => {
                    self.context
                        .shell
                        .status("Applying", format!("{name} through Prisma's engine: {why} (line {line})"));
                    let start = std::time::Instant::now();
                    self.alone(deployment, name, &settings, client, engine).map(|()| (start.elapsed(), 1))
                }
            };
            let (took, tries) = done.inspect_err(|_| self.say_applied(&applied))?;
            let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            deployment.journal.record(Event::Applied { name: name.clone(), milliseconds, tries })?;
            applied.push(name.clone());
        }
        Ok(applied)
    }

    /// What was committed before a failure stays.
    fn say_applied(&self, applied: &[String]) {
        if !applied.is_empty() {
            self.context.shell.note(format!("applied before it, and kept: {}", applied.join(", ")));
        }
    }

    /// A migration that cannot run in a transaction goes to Prisma's engine, with our patience in its connection.
    fn alone(
        &self,
        deployment: &Deployment<'_>,
        name: &str,
        settings: &Settings,
        client: &mut Client,
        engine: &mut Engine<'_>,
    ) -> Result<()> {
        let url = &deployment.target.url;
        let concurrently = deployment
            .pending
            .iter()
            .any(|migration| migration.name == name && migration.sql.to_ascii_uppercase().contains("CONCURRENTLY"));
        let before = alone::Before::take(client)?;
        engine.redirect(&alone::engine_url(url, settings, concurrently))?;
        let answer = deployment.request.apply_up_to(name, engine)?;
        engine.redirect(url)?;
        let outcome = before.outcome(client, &url.schema(), name)?.check(name);
        match (outcome, answer) {
            (Err(error), Err(cause)) => Err(error.because(cause)),
            (outcome, _) => outcome,
        }
    }

    fn verify(
        &self,
        deployment: &mut Deployment<'_>,
        baseline: &Baseline,
        client: &mut Client,
        applied: &[String],
    ) -> Result<()> {
        let shell = &self.context.shell;
        shell.status("Verifying", "history, indexes, constraints, rows");
        let verified = verify(client, &deployment.target.url.schema(), baseline, applied)?;
        let mut notes: Vec<String> = verified.tables.iter().map(ToString::to_string).collect();
        notes.extend(verified.unvalidated.iter().map(|constraint| format!("{constraint} is not validated yet")));
        for note in &notes {
            shell.detail(note);
        }
        deployment.journal.record(Event::Verified { sound: verified.is_sound(), notes })?;
        verified.check()
    }
}

/// The way each migration takes. What no server would take is refused before anything is done.
fn routes(deployment: &Deployment<'_>) -> Result<Vec<Route>> {
    let files = deployment.pending.iter().zip(deployment.scripts);
    files.map(|(migration, script)| Prepared::route(migration, script)).collect()
}

fn pending(preflight: &Preflight, migrations: &[Migration]) -> Vec<Migration> {
    let standing = &preflight.standing;
    migrations.iter().filter(|migration| standing.pending.contains(&migration.name)).cloned().collect()
}

fn count(migrations: usize) -> String {
    match migrations {
        1 => "1 pending migration".into(),
        many => format!("{many} pending migrations"),
    }
}
