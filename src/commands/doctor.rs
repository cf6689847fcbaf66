//! `doctor`: checks the set-up, and says how to fix what is wrong. Only reads.

use super::{Seen, classify, output};
use crate::config::Config;
use crate::context::Context;
use crate::doctor::{Scene, examine};
use crate::engine;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::project;
use crate::tools::prisma;

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    output: output::Args,
}

/// Runs it: exit status 1 where a check failed, after the report.
///
/// # Errors
/// Only if the report cannot be written: what is wrong is in it.
pub fn run(args: &Args, context: &Context) -> Result<Exit> {
    let (global, shell) = (&context.global, &context.shell);
    shell.step("Asking", "Prisma");
    let project = prisma::find(&context.directory, &context.env);
    let root =
        project.as_ref().map_or_else(|_| project::package(&context.directory), |project| project.root()).to_owned();
    let config = Config::load(&root);
    let defaults = Config::default();
    let settings = config.as_ref().unwrap_or(&defaults);
    let discovered = match &project {
        Ok(project) => engine::discover(project, context, global.schema.as_deref(), global.config.as_deref()),
        Err(_) => super::on_disk(context).and_then(|found| found.ok_or_else(no_schema)),
    };
    let seen = discovered.as_ref().map(Seen::of).unwrap_or_default();
    let target = classify(seen, settings, context);
    let report = examine(&Scene {
        context,
        root: &root,
        project: project.as_ref(),
        config: config.as_ref(),
        settings,
        discovered: discovered.as_ref(),
        target: target.as_ref(),
    });
    if !args.output.json(&report.document(), shell)? {
        shell.print(&report.text(&shell.on_stdout()));
    }
    Ok(if report.is_sound() { Exit::Done } else { Exit::Failed })
}

fn no_schema() -> Error {
    Error::failed("no Prisma schema was found here")
        .help("name its directory with --project, or the file with --schema")
}
