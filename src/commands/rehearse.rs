//! `rehearse`: the pending migrations on a copy of a backup.

use std::ffi::OsString;
use std::path::PathBuf;

use postgres::Client;

use super::output::{self, Format};
use crate::config::Config;
use crate::context::Context;
use crate::database::{self, History};
use crate::engine::{self, DeployRequest, Deployer, Engine, Guard};
use crate::error::{Explain as _, Result};
use crate::exit::Exit;
use crate::phases::Plans;
use crate::project::{Migration, Project};
use crate::rehearsal::pending::{Asked, Played, rehearse_pending};
use crate::rehearsal::steps::Steps;
use crate::rehearsal::{self, Data};
use crate::rename::schema::Schema;
use crate::review::against::{self, Folder, Holds};
use crate::review::{Reviewed, deployed};
use crate::steps::{self, Due, Starter};
use crate::target::Target;
use crate::tools::prisma;

/// Arguments of `rehearse`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The backup to rehearse on; default: the newest of the target database
    #[arg(long, value_name = "FILE")]
    backup: Option<PathBuf>,
    /// Leave the rows out
    #[arg(long)]
    schema_only: bool,
    /// Read and write the touched tables at the same time, on a further copy, and report the longest wait
    #[arg(long)]
    probe_traffic: bool,
    /// Then take the migrations back on the copy: definitions and values must be as before
    #[arg(long)]
    rollback: bool,
    /// How the report is written
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
}

/// Runs it.
///
/// # Errors
/// Exit status 3 if the rehearsal went over the budget; 1 if a backup is missing, or what a deploy would fail with.
pub fn run(args: &Args, context: &Context) -> Result<Exit> {
    let project = prisma::find(&context.directory, &context.env)?;
    let config = Config::load(project.root())?;
    let mut prisma: Vec<OsString> = vec!["migrate".into(), "deploy".into()];
    prisma.extend(context.global.prisma());
    let mut rehearsing =
        Rehearsing { args, context, project: &project, config: &config, aim: super::Aim::default(), excess: Ok(()) };
    engine::look(&project, context, &prisma, &mut rehearsing)?;
    rehearsing.excess.map(|()| Exit::Done)
}

struct Rehearsing<'a> {
    args: &'a Args,
    context: &'a Context,
    project: &'a Project,
    config: &'a Config,
    aim: super::Aim,
    /// What was too much.
    excess: Result<()>,
}

impl Deployer for Rehearsing<'_> {
    fn target(&mut self, seen: &engine::Target) -> Result<Guard> {
        Ok(self.aim.take(seen, self.config, self.context)?.0.guard(seen.url.as_ref()))
    }

    fn deploy(&mut self, request: DeployRequest, engine: &mut Engine<'_>) -> Result<Vec<String>> {
        let target = self.aim.known().cloned().ok_or_else(super::no_url)?;
        let shell = &self.context.shell;
        let data = if self.args.schema_only { Data::Schema } else { Data::Full };
        let restoring = self.config.restoring(self.project.root(), &self.context.env, &target);
        let mut original = restoring.original_of(self.args.backup.as_deref(), data, &self.context.directory, shell)?;
        let schema = target.url.schema();
        let due = self.due(&target, &request)?;
        let env = self.context.env.over(&request.target.env);
        let root = self.project.root();
        let starter = Starter { root, env: &env, target: &target.url, interrupt: engine.interrupt() };
        let names = Schema::of_files(&request.target.schema_files);
        let plans = Plans::read(&request.migrations_dir)?;
        let asked = Asked {
            request: &request,
            schema: &schema,
            settings: self.config.deploy.settings(),
            traffic: self.args.probe_traffic,
            budget: self.config.rehearsal.budget(),
            undo: self.config.undo,
            rollback: self.args.rollback,
            reviewed: &|pending, client| self.review(&request, pending, &schema, client),
            steps: Steps { due: &due, starter: Some(&starter), declared: Some(&names), plans: &plans.all },
        };
        let Some(Played { rehearsal, .. }) = rehearse_pending(&mut original, &asked, engine, shell)? else {
            shell.note(format_args!(
                "{} has every migration of the folder: there is nothing to rehearse",
                original.backup()
            ));
            return Ok(Vec::new());
        };
        if self.args.format == Format::Json {
            output::print(&rehearsal::document(&rehearsal), shell)?;
        } else {
            rehearsal::say(&rehearsal, shell);
        }
        self.excess = rehearsal.check();
        Ok(Vec::new())
    }
}

impl Rehearsing<'_> {
    /// The data steps that a deploy would run; none where the target cannot be asked.
    fn due(&self, target: &Target, request: &DeployRequest) -> Result<Vec<Due>> {
        let steps = steps::Steps::read(&request.migrations_dir, &request.migrations)?;
        if steps.all.is_empty() {
            return Ok(Vec::new());
        }
        let mut client = match database::connect(&target.url, "prisma-safe rehearse") {
            Ok(client) => client,
            Err(error) => {
                self.context.shell.warn(format_args!("data steps are not rehearsed: {error}"));
                return Ok(Vec::new());
            }
        };
        let history = History::read(&mut client, &target.url.schema())?.unwrap_or_default();
        let standing = history.compare(&request.migrations);
        let pending: Vec<Migration> =
            request.migrations.iter().filter(|each| standing.pending.contains(&each.name)).cloned().collect();
        let due = steps::due(&mut client, &steps, Some(&history), &pending, false);
        due.explain(|| "could not ask which data steps have run".into())
    }

    /// The review of what is pending, with what was restored in the target's place.
    fn review(
        &self,
        request: &DeployRequest,
        pending: &[Migration],
        schema: &str,
        client: &mut Client,
    ) -> Result<Vec<Reviewed>> {
        let DeployRequest { migrations, migrations_dir, .. } = request;
        let folder = Folder { migrations, directory: migrations_dir };
        let config = &self.config.review;
        let settings = deployed::settings(None, config, self.project, &request.target.schema_files)?;
        let history = History::read(client, schema)?;
        let holds = Holds { history: history.as_ref(), definitions: Some(&against::definitions(client)?) };
        let place = ("rehearsal", schema);
        Ok(against::planned(place, &folder, pending, holds, client, &settings, config.sample_keys)?.migrations)
    }
}
