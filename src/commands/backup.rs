//! `backup [create]`, `backup list`, `backup verify [FILE]`, and what else is done with backups.

mod keep;

use std::path::{Path, PathBuf};

use super::output::{self, Format};
use crate::backup::{self, Proof, copies, encryption, provider, report};
use crate::config::Config;
use crate::context::Context;
use crate::database;
use crate::deploy::back_up;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::project::Project;
use crate::tools::prisma;
use crate::tools::scratch::Search;
use crate::undo;

/// Arguments of `backup`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    create: CreateArgs,
    /// How the report is written
    #[arg(long, value_enum, default_value_t, global = true, value_name = "FORMAT")]
    format: Format,
}

#[derive(Debug, Clone, Copy, clap::Args)]
struct CreateArgs {
    /// How far to prove it, whatever prisma-safe.toml says: `read`, `restored` or `roundtrip`
    #[arg(long, value_enum, value_name = "LEVEL")]
    proof: Option<Proof>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Take a backup of the target database (the default)
    Create(CreateArgs),
    /// List the backups, newest first
    List,
    /// Thin out: delete what no rule of [backup.retention] keeps, archive the newest of each month
    Prune(keep::Prune),
    /// Copy a backup to the places of backup.copies that do not have it yet
    Copy {
        /// The backup; default: the newest
        file: Option<PathBuf>,
    },
    /// Keep a backup, whatever the rules say
    Pin(keep::Pin),
    /// Read a backup again and compare it with its manifest: size, SHA-256, completeness, rows of each table
    Verify {
        /// The backup; default: the newest
        file: Option<PathBuf>,
        /// How far to prove it: `restored` also loads it into a scratch server, `roundtrip` also dumps it again from there
        #[arg(long, value_enum, default_value_t = Proof::Read, value_name = "LEVEL")]
        proof: Proof,
    },
}

/// Runs the command.
///
/// # Errors
/// Those of [`backup::create`] and [`backup::verify_to`]; exit status 1 for a backup that is not good.
pub fn run(args: &Args, context: &Context) -> Result<Exit> {
    let json = args.format == Format::Json;
    let project = prisma::find(&context.directory, &context.env)?;
    let config = Config::load(project.root())?;
    let directory = project.root().join(&config.backup.directory);
    match &args.command {
        None => create(args.create, &project, &config, context, json),
        Some(Command::Create(create_args)) => create(*create_args, &project, &config, context, json),
        Some(Command::List) => list(context, &directory, &config.backup, json),
        Some(Command::Prune(args)) => {
            let exit = keep::prune(context, project.root(), &config.backup, args, json)?;
            if !args.dry_run() {
                capsules(&project, &config, context)?;
            }
            Ok(exit)
        }
        Some(Command::Copy { file }) => {
            keep::copy(context, &backup::find(context, &directory, &config.backup, file.as_deref())?, &config.backup)
        }
        Some(Command::Pin(args)) => {
            keep::pin(context, &backup::locate(&args.file, &directory, &config.backup, context)?, args)
        }
        Some(Command::Verify { file, proof }) => {
            let pg_bin = config.backup.pg_bin.as_deref();
            let search = Search { env: &context.env, pg_bin, project: project.root() };
            let path = backup::find(context, &directory, &config.backup, file.as_deref())?;
            verify(context, &path, &config.backup, *proof, &search, json)
        }
    }
}

/// What migrations destroyed, and was kept in the database for long enough, goes too.
fn capsules(project: &Project, config: &Config, context: &Context) -> Result<()> {
    let found = super::target_alone(project, config, context)
        .and_then(|target| database::connect(&target.url, "prisma-safe prune"));
    let mut client = match found {
        Ok(client) => client,
        Err(error) => {
            context.shell.note(format_args!("what is kept in the database was not looked at: {error}"));
            return Ok(());
        }
    };
    for (migration, taken_at) in undo::prune_old(&mut client, config.undo.keep)? {
        context.shell.status("Forgot", format_args!("what {migration} destroyed ({taken_at})"));
    }
    Ok(())
}

fn create(args: CreateArgs, project: &Project, config: &Config, context: &Context, json: bool) -> Result<Exit> {
    let target = super::target_alone(project, config, context)?;
    let mut settings = config.backup.clone();
    settings.proof = args.proof.unwrap_or(settings.proof);
    let directory = project.root().join(&settings.directory);
    let request = backup::Request {
        url: &target.url,
        schemas: &[],
        directory: &directory,
        project: project.root(),
        production: target.production,
        environment: target.environment.as_deref(),
        precedes: &[],
        definitions_only: false,
        settings: &settings,
        env: &context.env,
    };
    let (backup, _) = back_up::take(&request, None, context)?;
    if json {
        output::print(&report::created(&backup), &context.shell)?;
    }
    Ok(Exit::Done)
}

fn list(context: &Context, directory: &Path, settings: &backup::Settings, json: bool) -> Result<Exit> {
    let entries = backup::list(directory)?;
    let elsewhere = copies::elsewhere(settings, context)?;
    let now = jiff::Timestamp::now();
    if json {
        output::print(&report::listed(&entries, &elsewhere, now), &context.shell)?;
    } else if entries.is_empty() && elsewhere.iter().all(|(_, copies)| copies.is_empty()) {
        context.shell.note(format_args!("no backup in {}", directory.display()));
    } else {
        context.shell.print(&report::table(&entries, &elsewhere, now));
    }
    Ok(Exit::Done)
}

fn verify(
    context: &Context,
    path: &Path,
    settings: &backup::Settings,
    level: Proof,
    search: &Search<'_>,
    json: bool,
) -> Result<Exit> {
    let keys = encryption::keys(settings, &context.env)?;
    let report = backup::verify_to(path, &keys, level, search, &context.shell)?;
    if let Some(outside) = report.manifest.outside.as_ref().filter(|_| report.problems.is_empty()) {
        provider::check(outside, settings, search.project, &context.shell)?;
    }
    if json {
        output::print(&report::verified(&report), &context.shell)?;
    }
    if report.problems.is_empty() {
        context.shell.status("Verified", &report);
        return Ok(Exit::Done);
    }
    Err(Error::failed(format!("{} is not the backup that was taken", path.display()))
        .because(report.problems.join("\n"))
        .help("do not restore it; take a new backup, and look for an undamaged copy of this one"))
}
