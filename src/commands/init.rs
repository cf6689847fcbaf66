//! `init`: shows what changes in a project, asks, writes.

use std::path::Path;

use crate::changes;
use crate::config::Config;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::init::{Ci, Plan};

/// Arguments of `init`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Also write a workflow that reviews the migrations of pull requests
    #[arg(long, value_enum, value_name = "SERVICE")]
    ci: Option<Ci>,
}

/// Plans, shows the difference, asks, writes.
///
/// # Errors
/// Exit status 2 without a terminal and without `--yes`, or if package.json is broken; 130 if the person says no.
pub fn run(args: &Args, context: &Context) -> Result<Exit> {
    let shell = &context.shell;
    let root = root(&context.directory);
    let plan = Plan::new(root, &Config::load(root)?, args.ci)?;
    changes::show(&plan.changes, &plan.notes, context);
    if plan.changes.is_empty() {
        shell.status("Ready", "this project is set up already");
        return Ok(Exit::Done);
    }
    let mute = Error::usage("cannot ask for confirmation without a terminal")
        .help("`prisma-safe init --yes` makes them without asking");
    changes::write_if_agreed(&plan.changes, root, context, mute)?;
    shell.note("next: `prisma-safe review` looks at your migrations");
    Ok(Exit::Done)
}

/// Where package.json is: here or above; else here.
fn root(directory: &Path) -> &Path {
    directory.ancestors().find(|each| each.join("package.json").is_file()).unwrap_or(directory)
}
