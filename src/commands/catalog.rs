//! `catalog`: the target's definitions as a file, for a review that cannot reach it.

use std::path::PathBuf;

use crate::atomic;
use crate::catalog::live::CatalogFile;
use crate::config::Config;
use crate::context::Context;
use crate::database;
use crate::error::{Explain as _, Result};
use crate::exit::Exit;
use crate::target::Target;
use crate::tools::prisma;

/// Arguments of `catalog`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write to a file, and not to stdout
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// How it is written
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Format {
    /// One document; `schemas/catalog.schema.json` describes it
    #[default]
    Json,
}

/// Runs it.
///
/// # Errors
/// Exit status 1 if the database cannot be asked or the file not be written.
pub fn run(args: &Args, context: &Context) -> Result<Exit> {
    let target = target(context)?;
    let mut client = database::connect(&target.url, "prisma-safe catalog")?;
    let file = CatalogFile::take(&mut client, &target.url.schema())
        .explain(|| "could not read the target's definitions".into())?;
    let Format::Json = args.format;
    let text = serde_json::to_string_pretty(&file).explain(|| "could not write the definitions as JSON".into())? + "\n";
    let shell = &context.shell;
    match &args.output {
        Some(path) => {
            atomic::write(path, &text).explain(|| format!("could not write {}", path.display()))?;
            shell.status("Wrote", format!("{}: {}", path.display(), file.summary()));
        }
        None => shell.print(&text),
    }
    Ok(Exit::Done)
}

/// Where the command line names the target, not even a project needs to be there.
fn target(context: &Context) -> Result<Target> {
    match prisma::find(&context.directory, &context.env) {
        Ok(project) => super::target_alone(&project, &Config::load(project.root())?, context),
        Err(_) if context.global.url.is_some() || context.global.environment.is_some() => {
            super::classify(super::Seen::default(), &Config::load(&context.directory)?, context)
        }
        Err(error) => Err(error),
    }
}
