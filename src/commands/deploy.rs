//! `migrate deploy`: preflight → review → consent → backup → apply → verify, while Prisma waits in the middle of its own
//! deploy for its engine to answer.

use std::ffi::OsString;
use std::time::Duration;

use postgres::Client;

use super::fence::Gate;
use crate::backup::Backup;
use crate::config::Config;
use crate::consent;
use crate::context::Context;
use crate::database;
use crate::deploy::{APPLICATION_NAME, ApplyError, Plan, Preflight, Prepared, Route, Runner, Settings, alone, verify};
use crate::engine::{self, DeployRequest, Deployer, Engine, Fence, Guard};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::project::{Migration, Project};
use crate::report;
use crate::review::{self, Review, Verdict};
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
/// Exit status 3 if the review, the preflight or a missing consent stands against it: nothing has happened to the database
/// then. 1 if the backup or a migration fails: what was applied before is whole, nothing of the failed one remains.
pub fn run(args: &Args, context: &Context) -> Result<Exit> {
    let project = Project::find(&context.directory, &context.env)?;
    let config = Config::load(&project.root)?;
    let mut prisma: Vec<OsString> = vec!["migrate".into(), "deploy".into()];
    prisma.extend(context.global.prisma());
    let mut deploying = Deploying { args, context, project: &project, config: &config, target: None };
    engine::deploy(&project, context, &prisma, args.report.for_machines(), &mut deploying)
}

struct Deploying<'a> {
    args: &'a Args,
    context: &'a Context,
    project: &'a Project,
    config: &'a Config,
    target: Option<Target>,
}

impl Deployer for Deploying<'_> {
    fn target(&mut self, seen: &engine::Target) -> Result<Guard> {
        let target = super::classify(seen.url.as_ref(), self.config, self.context)?;
        let fence = if target.production { Fence::Production } else { Fence::Open };
        let url = super::elsewhere(seen.url.as_ref(), &target);
        self.target = Some(target);
        Ok(Guard { fence, url })
    }

    fn deploy(&mut self, request: DeployRequest, engine: &mut Engine<'_>) -> Result<Vec<String>> {
        let target = self.target.clone().ok_or_else(super::no_url)?;
        let mut client = database::connect(&target.url, APPLICATION_NAME)?;
        let plan = Plan { url: &target.url, migrations: &request.migrations, external_tables: &[] };
        let preflight = Preflight::of(&mut client, &plan)?;
        let pending = pending(&preflight, &request.migrations);
        if pending.is_empty() {
            self.say_what_stands(&preflight);
            return Ok(Vec::new());
        }
        let shell = &self.context.shell;
        shell.status("Checking", format!("{} ({}), {}", target.url.identity(), target.because, count(pending.len())));
        preflight.check()?;
        let review = self.review(&request, &pending, &preflight, &target)?;
        self.consent(&review, &target)?;
        let names: Vec<String> = pending.iter().map(|migration| migration.name.clone()).collect();
        super::backup::before(&target, self.project, self.config, self.context, &self.args.gate, &names)?;
        let scripts: Vec<Script> = pending.iter().map(|migration| Script::parse(migration.sql.as_str())).collect();
        let baseline = verify::Baseline::take(&mut client, &target.url.schema(), &scripts)?;
        let applied = self.apply(&request, &pending, &scripts, &target, engine)?;
        self.verify(&baseline, &mut client, &target, &applied)?;
        Ok(applied)
    }
}

impl Deploying<'_> {
    /// With nothing pending only a word about what Prisma does not look at.
    fn say_what_stands(&self, preflight: &Preflight) {
        for problem in preflight.problems.iter().filter(|problem| !problem.blocking) {
            self.context.shell.warn(format!("{}; {}", problem.message, problem.help));
        }
    }
}
