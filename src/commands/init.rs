//! `init`: shows what changes in a project, asks, writes.

use std::path::Path;

use crate::config::Config;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::init::{Change, Ci, Plan};
use crate::ui::{diff, prompt};

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
    for change in &plan.changes {
        let name = change.path.display().to_string();
        if change.secret {
            shell.block(&format!("{name}:\n{}\n", new_lines(change)));
            continue;
        }
        shell.block(&format!("{}\n", diff::unified(shell, &name, change.before.as_deref(), &change.after)));
    }
    for note in &plan.notes {
        shell.note(note);
    }
    if plan.changes.is_empty() {
        shell.status("Ready", "this project is set up already");
        return Ok(Exit::Done);
    }
    if !context.global.yes {
        if !shell.interactive() {
            return Err(Error::usage("nobody is there to agree to these changes")
                .help("`prisma-safe init --yes` makes them without asking"));
        }
        if !prompt::confirm(shell, "Make these changes?", true)? {
            return Err(Error::cancelled());
        }
    }
    plan.write(root)?;
    for change in &plan.changes {
        shell.status("Wrote", change.path.display());
    }
    shell.note("next: `prisma-safe review` looks at your migrations");
    Ok(Exit::Done)
}

/// The lines that a file of secrets gets; what stands there already is not shown.
fn new_lines(change: &Change) -> String {
    let before = change.before.as_deref().unwrap_or_default();
    let new = change.after.lines().filter(|line| !before.lines().any(|known| known == *line));
    new.map(|line| format!("+{line}\n")).collect()
}

/// Where package.json is: here or above; else here.
fn root(directory: &Path) -> &Path {
    directory.ancestors().find(|each| each.join("package.json").is_file()).unwrap_or(directory)
}
