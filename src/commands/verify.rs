//! `verify`: the checks that follow a deploy, at any time. Only reads.

use super::output;
use crate::config::Config;
use crate::context::Context;
use crate::database::{self, Identity};
use crate::deploy::definitions;
use crate::deploy::verify::{Baseline, Check, Drift, Expected, Report, Status, rows_since, verify};
use crate::engine::{self, Discovered};
use crate::error::Result;
use crate::exit::Exit;
use crate::project::Project;
use crate::target::Target;
use crate::tools::prisma;

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    output: output::Args,
}

/// Runs it.
///
/// # Errors
/// Exit status 1 if a check failed, after the report.
pub fn run(args: &Args, context: &Context) -> Result<Exit> {
    let project = prisma::find(&context.directory, &context.env)?;
    let config = Config::load(project.root())?;
    let (target, discovered) = super::target(&project, &config, context)?;
    let shell = &context.shell;
    shell.status("Verifying", target.url.identity());
    let report = look(&project, &config, &target, &discovered, context)?;
    if args.output.json(&report.document(), shell)? {
        return Ok(if report.is_sound() { Exit::Done } else { Exit::Failed });
    }
    for line in report.lines() {
        shell.detail(line);
    }
    report.check()?;
    shell.status("Verified", "nothing is broken");
    Ok(Exit::Done)
}

fn look(
    project: &Project,
    config: &Config,
    target: &Target,
    discovered: &Discovered,
    context: &Context,
) -> Result<Report> {
    let mut client = database::connect(&target.url, "prisma-safe verify")?;
    let schema = target.url.schema();
    let history = database::History::read(&mut client, &schema)?;
    let standing = history.clone().unwrap_or_default().compare(&discovered.migrations);
    let left = definitions::read(project.root(), &target.url, Identity::read(&mut client).ok().as_ref())?;
    let kept = left.as_ref().map(|left| (&left.leaves.definitions, left.whose.as_str()));
    let expected = Expected { applied: &standing.applied, definitions: kept, queries: &config.verify.query };
    // without an earlier state to compare with, everything broken is reported
    let verified = verify(&mut client, &schema, &Baseline::default(), &expected)?;
    let mut checks = verified.checks();
    if let Some(check) = checks.iter_mut().find(|check| check.name == "history" && check.status == Status::Passed) {
        *check = Check::history(&standing);
    }
    if let Some(check) = checks.iter_mut().find(|check| check.name == "catalog" && check.status == Status::Unchecked) {
        *check = Check::new("catalog", Status::Unchecked, ["no deployment from this folder has kept its definitions"]);
    }
    if let Some(left) = left.filter(|left| !left.leaves.rows.is_empty())
        && let Some(check) = checks.iter_mut().find(|check| check.name == "rows")
    {
        *check = rows_since(&mut client, &left.leaves.rows, &left.whose)?;
    }
    if config.verify.drift != Drift::Off {
        let left = engine::difference(project, context, &target.url, &discovered.schema_files);
        checks.push(config.verify.drift.check(left, &[]));
    }
    let rollback = standing.applied.last().map(|name| format!("prisma-safe rollback {name}"));
    Ok(Report { target: target.url.identity(), checks, rollback })
}
