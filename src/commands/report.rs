//! `report`: a deployment as one HTML page, made from its journal. Reads files only.

use std::path::PathBuf;

use crate::context::Context;
use crate::deploy::Journal;
use crate::deploy::journal::Record;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::project;
use crate::report::Page;

/// Arguments of `report`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The deployment, by the beginning of its journal's name (20250121T1200); default: the last one
    #[arg(value_name = "DEPLOYMENT")]
    deployment: Option<String>,
    /// Write the page to this file; default: beside the journal
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// List the deployments instead, oldest first
    #[arg(long, conflicts_with_all = ["deployment", "output"])]
    list: bool,
}

/// Runs it.
///
/// # Errors
/// Exit status 2 for a deployment that is not known; 1 if a file cannot be read or written.
pub fn run(args: &Args, context: &Context) -> Result<Exit> {
    let shell = &context.shell;
    let root = project::package(&context.directory);
    let config = crate::config::Config::load(root)?;
    let records = Journal::records(root)?;
    if args.list {
        for record in &records {
            shell.print(&format!("{}  {}\n", name(record), record.target.as_deref().unwrap_or("unknown")));
        }
        return Ok(Exit::Done);
    }
    let record = choose(&records, args.deployment.as_deref())?;
    let migrations = super::on_disk(context)?.map(|found| found.migrations).unwrap_or_default();
    let page = Page { record, migrations: &migrations, root, backups: &config.backup.directory };
    let path = match &args.output {
        Some(path) => context.directory.join(path),
        None => page.place(),
    };
    page.write(&path)?;
    shell.print(&format!("{}\n", path.display()));
    Ok(Exit::Done)
}

fn name(record: &Record) -> String {
    record.path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

fn choose<'a>(records: &'a [Record], asked: Option<&str>) -> Result<&'a Record> {
    let none = || {
        Error::usage("no deployment from this folder is known")
            .help("each deploy leaves its journal in .prisma-safe/deployments, or where `directory` below [state] says")
    };
    let Some(asked) = asked else { return records.last().ok_or_else(none) };
    let found: Vec<&Record> = records.iter().filter(|record| name(record).starts_with(asked)).collect();
    match found.as_slice() {
        [one] => Ok(one),
        [] if records.is_empty() => Err(none()),
        [] => Err(Error::usage(format!("no deployment's name begins with {asked}"))
            .help("`prisma-safe report --list` names them")),
        several => {
            let names: Vec<String> = several.iter().map(|record| name(record)).collect();
            Err(Error::usage(format!("{} deployments begin with {asked}", several.len())).help(names.join("\n")))
        }
    }
}
