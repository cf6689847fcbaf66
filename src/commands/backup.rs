//! `backup [create]`, `backup list`, `backup verify [FILE]`, and the backup before anything that changes a database.

use std::path::{Path, PathBuf};

use super::fence::Gate;
use crate::backup::retention::Rules;
use crate::backup::{self, Backup, Request, prune, report};
use crate::config::{self, BackupPolicy, Config};
use crate::context::Context;
use crate::database;
use crate::deploy::Journal;
use crate::error::{Error, Explain as _, Result};
use crate::exit::Exit;
use crate::project::Project;
use crate::report::Format;
use crate::target::Target;

/// Arguments of `backup`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// `human` or `json`
    #[arg(long, value_enum, default_value_t, global = true, value_name = "FORMAT")]
    format: Format,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Take a backup of the target database (the default)
    Create,
    /// List the backups, newest first
    List,
    /// Thin out: delete what no rule of [backup.retention] keeps, archive the newest of each month
    Prune(Prune),
    /// Keep a backup, whatever the rules say
    Pin(Pin),
    /// Read a backup again and compare it with its manifest: size, SHA-256, completeness, rows of each table
    Verify {
        /// The backup; default: the newest
        file: Option<PathBuf>,
    },
}

/// Arguments of `backup prune`.
#[derive(Debug, Default, clap::Args)]
struct Prune {
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// The clock is right, though it was set by more than a day
    #[arg(long)]
    trust_clock: bool,
}

/// Arguments of `backup pin`.
#[derive(Debug, clap::Args)]
struct Pin {
    /// The backup, as `backup list` shows it
    file: PathBuf,
    /// Let the rules decide again
    #[arg(long)]
    remove: bool,
}

/// Runs the command.
///
/// # Errors
/// Those of [`backup::create`] and [`backup::verify`]; exit status 1 for a backup that is not good.
pub fn run(args: &Args, context: &Context) -> Result<Exit> {
    let json = wants_json(args.format, "backup")?;
    let project = Project::find(&context.directory, &context.env)?;
    let config = Config::load(project.root())?;
    let directory = project.root().join(&config.backup.directory);
    match &args.command {
        None | Some(Command::Create) => {
            let (target, _) = super::target(&project, &config, context)?;
            let place = Place { directory: &directory, project: project.root(), settings: &config.backup };
            let backup = take(&place, &target, &[], context)?;
            if json {
                print(context, &report::created(&backup))?;
            }
            Ok(Exit::Done)
        }
        Some(Command::List) => list(context, &directory, json),
        Some(Command::Prune(args)) => {
            let settings = &config.backup.retention;
            prune(context, &directory, project.root(), settings.rules(), args, json)
        }
        Some(Command::Pin(args)) => pin(context, &directory, args),
        Some(Command::Verify { file }) => verify(context, &directory, json, file.as_deref()),
    }
}

/// What is about to happen to a database.
#[derive(Debug, Clone, Copy)]
pub struct Before<'a> {
    pub target: &'a Target,
    /// The project's root.
    pub root: &'a Path,
    pub settings: &'a config::Backup,
    pub gate: &'a Gate,
    /// The migrations that come next.
    pub precedes: &'a [String],
}

/// The backup, or why there is none.
#[derive(Debug)]
pub enum Taken {
    Backup(Box<Backup>),
    Skipped(String),
}

/// The stage before anything that changes a database.
///
/// # Errors
/// Those of [`backup::create`]; then nothing may go on.
pub fn before(before: &Before<'_>, context: &Context) -> Result<Taken> {
    let Before { target, root, settings, gate, precedes } = *before;
    if gate.skip_backup {
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
    take(&place, target, precedes, context).map(|backup| Taken::Backup(Box::new(backup)))
}

/// Where backups of a project go, and how.
struct Place<'a> {
    directory: &'a Path,
    project: &'a Path,
    settings: &'a config::Backup,
}

fn take(place: &Place<'_>, target: &Target, precedes: &[String], context: &Context) -> Result<Backup> {
    let Place { directory, project, settings } = *place;
    context.shell.status("Backing up", &target.url);
    let request = Request {
        url: &target.url,
        directory,
        project,
        production: target.production,
        environment: target.environment.as_deref(),
        precedes,
        settings,
        env: &context.env,
    };
    let backup = backup::create(&request, &context.shell)?;
    context.shell.status("Backed up", &backup);
    if settings.retention.after_backup {
        thin_out(&request, context);
    }
    Ok(backup)
}

/// After a backup: a failure here makes the backup no worse.
fn thin_out(taken: &Request<'_>, context: &Context) {
    let pruned = Journal::needed_backups(taken.project).and_then(|needed| {
        let (rules, now) = (taken.settings.retention.rules(), jiff::Timestamp::now());
        let request = prune::Request { directory: taken.directory, rules, needed: &needed, trust_clock: false, now };
        let plan = prune::plan(&request, &context.shell)?;
        if plan.is_empty() { Ok(None) } else { plan.carry_out(&context.shell).map(Some) }
    });
    match pruned {
        Ok(Some(done)) => context.shell.status("Pruned", done),
        Ok(None) => {}
        Err(error) => context.shell.warn(format_args!("the old backups were not thinned out: {error:?}")),
    }
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
        Some(file) => locate(file, directory, context)?,
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

/// The file of a backup: as typed, or as `backup list` shows it.
pub(super) fn locate(file: &Path, directory: &Path, context: &Context) -> Result<PathBuf> {
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

fn prune(context: &Context, directory: &Path, root: &Path, rules: Rules, args: &Prune, json: bool) -> Result<Exit> {
    let needed = Journal::needed_backups(root)?;
    let (now, trust_clock) = (jiff::Timestamp::now(), args.trust_clock);
    let request = prune::Request { directory, rules, needed: &needed, trust_clock, now };
    let plan = if args.dry_run { prune::preview(&request)? } else { prune::plan(&request, &context.shell)? };
    if let Some(clock) = plan.clock {
        context.shell.warn(format_args!("nothing is deleted: {clock}"));
        context.shell.note("set the clock right, or say that it is: --trust-clock");
    }
    let done = if args.dry_run { None } else { Some(plan.carry_out(&context.shell)?) };
    if json {
        print(context, &report::pruned(&plan, done.as_ref(), now))?;
    } else if args.dry_run {
        context.shell.print(&report::fates(&plan, now));
    } else if let Some(done) = done {
        context.shell.status("Pruned", done);
    }
    Ok(Exit::Done)
}

fn pin(context: &Context, directory: &Path, args: &Pin) -> Result<Exit> {
    let path = locate(&args.file, directory, context)?;
    prune::pin(&path, !args.remove)?;
    let verb = if args.remove { "Unpinned" } else { "Pinned" };
    context.shell.status(verb, path.display());
    Ok(Exit::Done)
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
