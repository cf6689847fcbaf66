//! `backup [create]`, `backup list`, `backup verify [FILE]`, and the backup before anything that changes a database.

mod keep;

use std::path::{Path, PathBuf};

use super::fence::Gate;
use crate::backup::{self, Backup, Proof, Request, Restored, copies, encryption, provider, report};
use crate::config::Config;
use crate::context::Context;
use crate::database::{self, Failure};
use crate::error::{Error, Explain as _, Result};
use crate::exit::Exit;
use crate::project::Project;
use crate::report::Format;
use crate::target::{BackupPolicy, Target};
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
    /// `human` or `json`
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
    let json = wants_json(args.format, "backup")?;
    let project = prisma::find(&context.directory, &context.env)?;
    let config = Config::load(project.root())?;
    let directory = project.root().join(&config.backup.directory);
    match &args.command {
        None => create(args.create, &project, &config, context, json),
        Some(Command::Create(create_args)) => create(*create_args, &project, &config, context, json),
        Some(Command::List) => list(context, &directory, &config.backup, json),
        Some(Command::Prune(args)) => {
            let exit = keep::prune(context, &directory, project.root(), &config.backup, args, json)?;
            if !args.dry_run() {
                capsules(&project, &config, context)?;
            }
            Ok(exit)
        }
        Some(Command::Copy { file }) => {
            keep::copy(context, &chosen(context, &directory, &config.backup, file.as_deref())?, &config.backup)
        }
        Some(Command::Pin(args)) => keep::pin(context, &locate(&args.file, &directory, &config.backup, context)?, args),
        Some(Command::Verify { file, proof }) => {
            let pg_bin = config.backup.pg_bin.as_deref();
            let search = Search { env: &context.env, pg_bin, project: project.root() };
            let path = chosen(context, &directory, &config.backup, file.as_deref())?;
            verify(context, &path, &config.backup, *proof, &search, json)
        }
    }
}

/// What migrations destroyed, and was kept in the database for long enough, goes too.
fn capsules(project: &Project, config: &Config, context: &Context) -> Result<()> {
    let keep = config.undo.keep;
    let found = super::target(project, config, context)
        .and_then(|(target, _)| database::connect(&target.url, "prisma-safe prune"));
    let mut client = match found {
        Ok(client) => client,
        Err(error) => {
            context.shell.note(format_args!("what is kept in the database was not looked at: {error}"));
            return Ok(());
        }
    };
    // the database's own clock: it also wrote when each was taken
    let seconds = client.query_one("SELECT extract(epoch FROM now())::int8", &[]).map_err(Failure::from);
    let seconds: i64 = seconds.explain(|| "the database does not tell the time".into())?.get(0);
    let now = jiff::Timestamp::from_second(seconds).explain(|| "the database's time is none".into())?;
    for (migration, taken_at) in undo::prune(&mut client, now, keep)? {
        context.shell.status("Forgot", format_args!("what {migration} destroyed ({taken_at})"));
    }
    Ok(())
}

fn create(args: CreateArgs, project: &Project, config: &Config, context: &Context, json: bool) -> Result<Exit> {
    let (target, _) = super::target(project, config, context)?;
    let mut settings = config.backup.clone();
    settings.proof = args.proof.unwrap_or(settings.proof);
    let directory = project.root().join(&settings.directory);
    let place = Place { directory: &directory, project: project.root(), settings: &settings };
    let (backup, _) = take(&place, &target, &[], context)?;
    if json {
        print(context, &report::created(&backup))?;
    }
    Ok(Exit::Done)
}

/// What is about to happen to a database.
#[derive(Debug, Clone, Copy)]
pub struct Before<'a> {
    pub target: &'a Target,
    /// The project's root.
    pub root: &'a Path,
    pub settings: &'a backup::Settings,
    pub gate: &'a Gate,
    /// The migrations that come next.
    pub precedes: &'a [String],
}

/// The backup, with the scratch server that proved it, or why there is none.
#[derive(Debug)]
pub enum Taken {
    Backup(Box<Backup>, Option<Restored>),
    Skipped(String),
}

/// The stage before anything that changes a database.
///
/// # Errors
/// Those of [`backup::create`]; then nothing may go on.
pub fn before(before: &Before<'_>, context: &Context) -> Result<Taken> {
    let Before { target, root, settings, gate, precedes } = *before;
    if gate.skip_backup {
        Gate::refuse_agents(target, context)?;
        let reason = gate.reason.clone().unwrap_or_default();
        context.shell.warn(format_args!("no backup is taken: {reason}"));
        return Ok(Taken::Skipped(reason));
    }
    if target.backup == BackupPolicy::Never {
        return Ok(Taken::Skipped(format!("{} says backup = \"never\"", target.because)));
    }
    if !backup::needed(&mut database::connect(&target.url, "prisma-safe backup")?)? {
        return Ok(Taken::Skipped("the database has no tables".into()));
    }
    let place = Place { directory: &root.join(&settings.directory), project: root, settings };
    take(&place, target, precedes, context).map(|(backup, restored)| Taken::Backup(Box::new(backup), restored))
}

/// Where backups of a project go, and how.
struct Place<'a> {
    directory: &'a Path,
    project: &'a Path,
    settings: &'a backup::Settings,
}

fn take(
    place: &Place<'_>,
    target: &Target,
    precedes: &[String],
    context: &Context,
) -> Result<(Backup, Option<Restored>)> {
    let Place { directory, project, settings } = *place;
    // a mistake in the settings is better known before the dump than after it
    copies::places(settings, &context.env)?;
    context.shell.status("Backing up", &target.url);
    let request = Request {
        url: &target.url,
        directory,
        project,
        production: target.production,
        environment: target.environment.as_deref(),
        precedes,
        definitions_only: false,
        settings,
        env: &context.env,
    };
    let (backup, restored) = backup::create_and_keep(&request, &context.shell)?;
    context.shell.status("Backed up", &backup);
    keep::copy_new(&backup, settings, context)?;
    if settings.retention.after_backup {
        keep::thin_out(directory, project, settings, context);
    }
    Ok((backup, restored))
}

fn list(context: &Context, directory: &Path, settings: &backup::Settings, json: bool) -> Result<Exit> {
    let entries = backup::list(directory)?;
    let elsewhere = keep::elsewhere(settings, context)?;
    let now = jiff::Timestamp::now();
    if json {
        print(context, &report::listed(&entries, &elsewhere, now))?;
    } else if entries.is_empty() && elsewhere.iter().all(|(_, copies)| copies.is_empty()) {
        context.shell.note(format_args!("there is no backup in {}", directory.display()));
    } else {
        context.shell.print(&report::table(&entries, &elsewhere, now));
    }
    Ok(Exit::Done)
}

/// The backup that is meant: as [`locate`] finds it, or the newest.
fn chosen(context: &Context, directory: &Path, settings: &backup::Settings, file: Option<&Path>) -> Result<PathBuf> {
    match file {
        Some(file) => locate(file, directory, settings, context),
        None => newest(directory),
    }
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

/// The file of a backup: as typed, or as `backup list` shows it.
pub(super) fn locate(file: &Path, directory: &Path, settings: &backup::Settings, context: &Context) -> Result<PathBuf> {
    if let Some(path) = keep::fetched(file, directory, settings, context)? {
        return Ok(path);
    }
    let candidates = [context.directory.join(file), directory.join(file)];
    candidates.into_iter().find(|path| path.is_file()).ok_or_else(|| {
        Error::failed(format!("there is no backup {}", file.display()))
            .help("prisma-safe backup list shows those that there are")
    })
}

/// Whether a report is to be JSON.
pub(super) fn wants_json(format: Format, command: &str) -> Result<bool> {
    match format {
        Format::Human => Ok(false),
        Format::Json => Ok(true),
        _ => Err(Error::usage(format!("`{command}` reports as human or json"))),
    }
}

fn newest(directory: &Path) -> Result<PathBuf> {
    let newest = backup::list(directory)?.into_iter().next();
    newest.map(|entry| entry.path).ok_or_else(|| {
        Error::failed(format!("there is no backup in {}", directory.display())).help("take one: prisma-safe backup")
    })
}

pub(super) fn print(context: &Context, document: &serde_json::Value) -> Result<()> {
    let text = serde_json::to_string_pretty(document).explain(|| "could not write JSON".into())?;
    context.shell.print(&format!("{text}\n"));
    Ok(())
}
