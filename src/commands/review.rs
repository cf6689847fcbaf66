//! `review`: which migrations, against what; the gate's exit status.

mod by_catalog;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::Config;
use crate::consent;
use crate::context::Context;
use crate::database::DatabaseUrl;
use crate::deploy::settings::Deploy;
use crate::engine::{self, Discovered};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::project::{Migration, Project};
use crate::report;
use crate::review::against::{Folder, Found, Ground};
use crate::review::chosen::{Alone, Named, STDIN};
use crate::review::deployed::{is_plain, settings, settings_in};
use crate::review::fixes::job::Job;
use crate::review::fixes::plan::Plan;
use crate::review::fixes::wrap::Timeouts;
use crate::review::online::{Online, Session};
use crate::review::{Grade, Review, Reviewed, Verdict};
use crate::rules::Settings;
use crate::tools::prisma;
use crate::undo::grade::grade;

/// Arguments of `review`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Migrations by name, SQL files, or `-` for SQL from stdin; default: the pending ones if a database is reachable, else the
    /// newest
    #[arg(value_name = "MIGRATION|FILE.sql|-")]
    what: Vec<String>,
    /// Every migration of the folder
    #[arg(long, conflicts_with_all = ["what", "pending"])]
    all: bool,
    /// What a deploy would apply, with the plan's hash
    #[arg(long, conflicts_with_all = ["what", "offline"])]
    pending: bool,
    /// Migrations that are new or changed since a git revision: a branch, a tag, a commit
    #[arg(long, value_name = "GIT_REV", conflicts_with_all = ["what", "all", "pending"])]
    since: Option<String>,
    /// Never connect
    #[arg(long)]
    offline: bool,
    /// Review against the definitions in a file of `prisma-safe catalog`; needs no database, and never connects
    #[arg(long, value_name = "FILE", conflicts_with_all = ["pending", "fix"])]
    catalog: Option<PathBuf>,
    /// The release that runs during the deploy: a schema.prisma, its folder, or a git revision; which of its models and
    /// fields break is then said
    #[arg(long, value_name = "SCHEMA|REV")]
    deployed: Option<String>,
    /// Refuse what can be undone from a backup only, with exit status 3
    #[arg(long, value_enum, value_name = "GRADE")]
    fail_on: Option<FailOn>,
    #[command(flatten)]
    fixes: Fixes,
    #[command(flatten)]
    report: report::Args,
}

/// What else is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FailOn {
    /// A migration that no rollback undoes: something stays, or is unknown
    Irreversible,
}

/// Whether and how findings are fixed.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Fixes")]
struct Fixes {
    /// Apply the machine-applicable fixes to migrations that are not applied yet
    #[arg(long)]
    fix: bool,
    /// Also put each migration in BEGIN and COMMIT with timeouts, for deploys by plain Prisma
    #[arg(long, requires = "fix")]
    wrap: bool,
    /// Show the fixes, write nothing
    #[arg(long, requires = "fix")]
    dry_run: bool,
}

/// Runs it.
///
/// # Errors
/// Exit status 3 if the verdict is `fail`, after the report; 2 for a migration that is not there.
pub fn run(args: &Args, context: &Context) -> Result<Exit> {
    if args.fixes.fix && args.reads_stdin() {
        return Err(Error::usage("--fix changes files, and this SQL comes from stdin")
            .help("leave out --fix: the report names each fix, `--format json` with its edits"));
    }
    if let Some(path) = &args.catalog {
        return by_catalog::run(path, args, context);
    }
    if let Some(files) = alone(args, context)? {
        return offline(&files, args, context);
    }
    let (project, discovered) = subject(args, context)?;
    let root = project.as_ref().map_or(context.directory.as_path(), Project::root);
    let config = Config::load(root)?;
    let deployed = args.deployed.as_deref();
    let files = &discovered.schema_files;
    let settings = match &project {
        Some(project) => settings(deployed, &config.review, project, files)?,
        None => settings_in(deployed, &config.review, root, files)?,
    };
    let mut online = match args.offline {
        true => None,
        false => Online::open(super::classify(super::Seen::of(&discovered), &config, context), context, args.pending)?,
    };
    let mut chosen = args.named().choose(&discovered, online.as_ref(), &context.directory)?;
    if args.fixes.fix {
        chosen.leave_applied(online.as_ref(), context)?;
    }
    let mut session = Session {
        online: online.as_mut(),
        settings: &settings,
        sample_keys: config.review.sample_keys,
        discovered: &discovered,
        plan: chosen.plan,
    };
    let mut review = session.review(&discovered.migrations, &chosen.migrations)?;
    if args.fixes.fix {
        let schema = session.schema();
        let job = Job {
            dry_run: args.fixes.dry_run,
            wrap: args.fixes.wrap.then(|| timeouts(&config.deploy)),
            context,
            discovered: &discovered,
            default_schema: &schema,
        };
        let mut again = |plan: &Plan| session.review(&plan.folder(&discovered.migrations), &chosen.after(plan));
        if let Some(plan) = job.run(&review, &mut again)? {
            renew_down(&plan, &discovered, &schema, context)?;
            review = again(&plan)?;
        }
    }
    let found = session.found();
    if let Some(online) = online.as_ref().filter(|_| chosen.plan) {
        review.consent = consent::needed(&review, &online.target, context);
    }
    let schema = discovered.url.as_ref().map_or_else(|| "public".to_owned(), DatabaseUrl::schema);
    deliver(&mut review, (&discovered.migrations, found), &schema, root, args, context)
}

impl Args {
    fn reads_stdin(&self) -> bool {
        self.what.iter().any(|what| what == STDIN)
    }

    fn named(&self) -> Named<'_> {
        Named { all: self.all, what: &self.what, since: self.since.as_deref() }
    }
}

/// The project as Prisma knows it; offline the disk says where things are, and neither Prisma nor a URL is needed.
fn subject(args: &Args, context: &Context) -> Result<(Option<Project>, Discovered)> {
    let on_disk = if args.offline { super::on_disk(context)? } else { None };
    let project = prisma::find(&context.directory, &context.env);
    if let Some(discovered) = on_disk {
        return Ok((project.ok(), discovered));
    }
    let (project, global) = (project?, &context.global);
    let discovered = engine::discover(&project, context, global.schema.as_deref(), global.config.as_deref())?;
    Ok((Some(project), discovered))
}

/// More migrations at once are a history, which no one rolls back one by one: grading each would cost as much as the review.
const GRADED: usize = 50;

/// The report, and the gate's exit status. `folder` builds what a migration is rolled back to, where that was not `found`.
fn deliver(
    review: &mut Review,
    (folder, found): (&[Migration], Option<Found>),
    schema: &str,
    root: &Path,
    args: &Args,
    context: &Context,
) -> Result<Exit> {
    if review.migrations.len() <= GRADED || args.fail_on == Some(FailOn::Irreversible) {
        grade(review, folder, schema, found);
    }
    if args.all {
        review.together.clear();
    }
    let review = &*review;
    let document = args.report.review(review, root, &context.shell.on_stdout());
    match args.report.format {
        // asked for, so it is data
        report::Format::Human if args.report.output.is_none() => context.shell.print(&document),
        _ => args.report.deliver(&document, &context.shell)?,
    }
    args.report.summarize(review, root, context)?;
    if args.fail_on == Some(FailOn::Irreversible) {
        refuse_irreversible(review)?;
    }
    Ok(if review.verdict == Verdict::Fail { Exit::Refused } else { Exit::Done })
}

/// # Errors
/// Exit status 3 for a migration that only a backup undoes.
fn refuse_irreversible(review: &Review) -> Result<()> {
    let stays = |it: &&Reviewed| it.undo.as_ref().is_some_and(|undo| undo.grade == Grade::Backup);
    let names: Vec<&str> = review.migrations.iter().filter(stays).map(|it| it.name.as_str()).collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(Error::refused(format!("can be undone from a backup only: {}", names.join(", ")))
        .help("the report says what stays; write a down.sql for it by hand, or leave out --fail-on irreversible"))
}

/// SQL files that are reviewed offline need no Prisma: the folder they stand in is on the disk.
fn alone(args: &Args, context: &Context) -> Result<Option<Alone>> {
    let alone = args.offline || args.catalog.is_some();
    if !alone || args.fixes.fix || args.deployed.is_some() {
        return Ok(None);
    }
    // what is not written yet stands behind the migrations of the folder
    if args.reads_stdin() && super::on_disk(context)?.is_some() {
        return Ok(None);
    }
    Alone::find(&args.what, &context.directory)
}

/// Reviews files in the order given, behind what stands before the first in its migrations folder.
fn offline(files: &Alone, args: &Args, context: &Context) -> Result<Exit> {
    let root = context.directory.as_path();
    let settings = without_prisma(context, &Config::load(root)?);
    let folder = Folder { migrations: &files.migrations, directory: &files.directory };
    let mut review = Ground::offline(&settings, "public").review(&folder, &files.chosen, None);
    deliver(&mut review, (&files.migrations, None), "public", root, args, context)
}

/// What the rules know where Prisma was not asked; its version may stand in the project all the same.
fn without_prisma(context: &Context, config: &Config) -> Settings {
    let project = prisma::find(&context.directory, &context.env).ok();
    let plain_deploys = is_plain(&context.directory);
    Settings { plain_deploys, ..Settings::new(&config.review, project.as_ref().and_then(Project::version)) }
}

/// The reverses follow what was written.
fn renew_down(plan: &Plan, discovered: &Discovered, schema: &str, context: &Context) -> Result<()> {
    let all = plan.folder(&discovered.migrations);
    for migration in plan.added.iter().chain(&plan.edited) {
        let earlier = all.partition_point(|other| other.name < migration.name);
        super::renew_down(migration, &all[..earlier], schema, &context.shell)?;
    }
    Ok(())
}

fn timeouts(deploy: &Deploy) -> Timeouts {
    let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    Timeouts { lock: milliseconds(deploy.lock_timeout), statement: milliseconds(deploy.statement_timeout) }
}
