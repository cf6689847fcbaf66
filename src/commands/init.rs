//! `init`: shows what changes in a project, asks, writes.

use std::path::Path;

use crate::changes;
use crate::config::Config;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::init::{Ci, Elsewhere, Plan, Wishes};
use crate::project;
use crate::ui::prompt;

/// Arguments of `init`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Also write a workflow that reviews the migrations of pull requests
    #[arg(long, value_enum, value_name = "SERVICE")]
    ci: Option<Ci>,
    /// The command that installs prisma-safe in that workflow, where package.json does not
    #[arg(long, value_name = "COMMAND", requires = "ci")]
    ci_install: Option<String>,
    /// Add prisma-safe to package.json's devDependencies: a tarball (file:vendor/prisma-safe.tgz), a URL, a version
    #[arg(long, value_name = "SPEC")]
    dependency: Option<String>,
    /// Also rewire what else runs Prisma: Dockerfiles, start scripts, hosts' settings, workflows; without it this is asked at a
    /// terminal
    #[arg(long)]
    rewire: bool,
}

/// Plans, shows the difference, asks, writes.
///
/// # Errors
/// Exit status 2 without a terminal and without `--yes`, or if package.json is broken; 130 if the person says no.
pub fn run(args: &Args, context: &Context) -> Result<Exit> {
    let shell = &context.shell;
    let root = project::package(&context.directory);
    let wishes = Wishes { ci: args.ci, ci_install: args.ci_install.as_deref(), dependency: args.dependency.as_deref() };
    let plan = Plan::new(root, &Config::load(root)?, &context.env, wishes)?;
    changes::show(&plan.changes, &plan.notes, context);
    let mute = Error::usage("cannot ask for confirmation without a terminal")
        .help("`prisma-safe init --yes` makes them without asking");
    let done = plan.changes.is_empty();
    if !done {
        changes::write_if_agreed(&plan.changes, root, context, mute)?;
    }
    let rewired = rewire_elsewhere(&plan.elsewhere, root, args, context)?;
    if done && !rewired {
        shell.status("Ready", "this project is set up already");
        return Ok(Exit::Done);
    }
    shell.note("next: `prisma-safe review` looks at your migrations");
    Ok(Exit::Done)
}

/// What else runs Prisma is named, and rewired if that is wanted: whether prisma-safe is there where it runs is not known here.
fn rewire_elsewhere(elsewhere: &Elsewhere, root: &Path, args: &Args, context: &Context) -> Result<bool> {
    let shell = &context.shell;
    if elsewhere.lines.is_empty() {
        return Ok(false);
    }
    shell.warn("these run plain Prisma on a database, too:");
    for line in &elsewhere.lines {
        shell.detail(line);
    }
    shell.note(
        "where they run, prisma-safe has to be installed, with pg_dump and PostgreSQL's server programs of your server's major \
         version (in a Debian image: apt-get install postgresql-17), or with `proof = \"read\"` and `rehearsal.mode = \"off\"` in \
         prisma-safe.toml; and its directory for backups has to outlive the container",
    );
    if elsewhere.changes.is_empty() {
        return Ok(false);
    }
    let asks = shell.interactive() && !context.global.yes && !args.rewire;
    if !asks && !args.rewire {
        shell
            .note(format_args!("`prisma-safe init --rewire` makes {} run prisma-safe", files(elsewhere.changes.len())));
        return Ok(false);
    }
    changes::show(&elsewhere.changes, &[], context);
    if asks && !prompt::confirm(shell, "Make these run prisma-safe?", false)? {
        return Ok(false);
    }
    changes::write(root, &elsewhere.changes)?;
    for change in &elsewhere.changes {
        shell.status("Wrote", change.path.display());
    }
    Ok(true)
}

fn files(count: usize) -> String {
    if count == 1 { "one of these files".into() } else { format!("{count} of these files") }
}
