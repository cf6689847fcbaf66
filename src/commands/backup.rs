//! `backup [create]`, `backup list`, `backup verify [FILE]`.

use std::path::{Path, PathBuf};

use crate::backup::{self, Request, report};
use crate::context::Context;
use crate::database::DatabaseUrl;
use crate::error::{Error, Explain as _, Result};
use crate::exit::Exit;

/// Take, list and prove backups
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Take a backup of the target database (the default)
    Create,
    /// List the backups, newest first
    List,
    /// Read a backup again and compare it with its manifest: size, SHA-256, completeness, rows of each table
    Verify {
        /// The backup; default: the newest
        file: Option<PathBuf>,
    },
}

/// The database that `create` backs up.
#[derive(Debug, Clone)]
pub struct Target {
    pub url: DatabaseUrl,
    pub production: bool,
    /// Its environment of `prisma-safe.toml`.
    pub environment: Option<String>,
}

/// Runs the command. `root` is the project's; `target` is asked only where a database is needed.
///
/// # Errors
/// Those of [`backup::create`] and [`backup::verify`]; exit status 1 for a backup that is not good.
pub fn run(
    args: &Args,
    context: &Context,
    root: &Path,
    json: bool,
    target: impl FnOnce() -> Result<Target>,
) -> Result<Exit> {
    let directory = root.join(&context.config.backup.directory);
    match &args.command {
        None | Some(Command::Create) => create(context, &directory, json, &target()?),
        Some(Command::List) => list(context, &directory, json),
        Some(Command::Verify { file }) => verify(context, &directory, json, file.as_deref()),
    }
}

fn create(context: &Context, directory: &Path, json: bool, target: &Target) -> Result<Exit> {
    context.shell.status("Backing up", &target.url);
    let backup = backup::create(
        &Request {
            url: &target.url,
            directory,
            production: target.production,
            environment: target.environment.as_deref(),
            precedes: &[],
            settings: &context.config.backup,
            env: &context.env,
        },
        &context.shell,
    )?;
    context.shell.status("Backed up", &backup);
    if json {
        print(context, &report::created(&backup))?;
    }
    Ok(Exit::Done)
}

fn list(context: &Context, directory: &Path, json: bool) -> Result<Exit> {
    let entries = backup::list(directory)?;
    let now = jiff::Timestamp::now();
    if json {
        print(context, &report::listed(&entries, now))?;
    } else if entries.is_empty() {
        context.shell.note(format_args!("there is no backup in {}", directory.display()));
    } else {
        context.shell.print(&report::table(&entries, now));
    }
    Ok(Exit::Done)
}

fn verify(context: &Context, directory: &Path, json: bool, file: Option<&Path>) -> Result<Exit> {
    let path = match file {
        // as typed, or as `backup list` shows it
        Some(file) if file.exists() => file.to_owned(),
        Some(file) => directory.join(file),
        None => newest(directory)?,
    };
    let report = backup::verify(&path, &context.shell)?;
    if json {
        print(context, &report::verified(&report))?;
    }
    if report.problems.is_empty() {
        context.shell.status("Verified", &report);
        return Ok(Exit::Done);
    }
    Err(Error::failed(format!("{} is not the backup that was taken", path.display()))
        .because(report.problems.join("\n"))
        .help("do not restore it; take a new backup, and look for an undamaged copy of this one"))
}

fn newest(directory: &Path) -> Result<PathBuf> {
    let newest = backup::list(directory)?.into_iter().next();
    newest.map(|entry| entry.path).ok_or_else(|| {
        Error::failed(format!("there is no backup in {}", directory.display())).help("take one: prisma-safe backup")
    })
}

fn print(context: &Context, document: &serde_json::Value) -> Result<()> {
    let text = serde_json::to_string_pretty(document).explain(|| "could not write JSON".into())?;
    context.shell.print(&format!("{text}\n"));
    Ok(())
}
