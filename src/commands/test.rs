//! `test`: any SQL on a copy of a backup.

use std::path::PathBuf;

use super::output;
use crate::config::Config;
use crate::context::Context;
use crate::error::{Explain as _, Result};
use crate::exit::Exit;
use crate::project::Migration;
use crate::rehearsal::{Data, trial};
use crate::tools::prisma;

/// Arguments of `test`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The SQL
    #[arg(value_name = "FILE.sql")]
    file: PathBuf,
    /// The backup to run it on; default: the newest of the target database
    #[arg(long, value_name = "FILE")]
    backup: Option<PathBuf>,
    /// Leave the rows out
    #[arg(long)]
    schema_only: bool,
    #[command(flatten)]
    output: output::Args,
}

/// Runs the file on a copy, and reports what it did there. The target is only asked for its settings.
///
/// # Errors
/// Exit status 1 where the SQL fails, with its line, or a backup is missing; 3 where it reaches beyond the database.
pub fn run(args: &Args, context: &Context) -> Result<Exit> {
    let (shell, path) = (&context.shell, context.directory.join(&args.file));
    let sql = std::fs::read_to_string(&path).explain(|| format!("could not read {}", path.display()))?;
    let project = prisma::find(&context.directory, &context.env)?;
    let config = Config::load(project.root())?;
    let target = super::target_alone(&project, &config, context)?;
    let file = Migration { name: args.file.display().to_string(), path, sql: sql.into() };
    let data = if args.schema_only { Data::Schema } else { Data::Full };
    let restoring = config.restoring(project.root(), &context.env, &target);
    let mut original = restoring.original_of(args.backup.as_deref(), data, &context.directory, shell)?;
    shell.step("Testing", format_args!("{} on a copy of {}", file.name, original.backup()));
    let trial = trial::attempt(&mut original, &file, &target.url.schema(), config.deploy.settings())?;
    if !args.output.json(&trial.document(), shell)? {
        shell.print(&trial.text());
    }
    trial.check().map(|()| Exit::Done)
}
