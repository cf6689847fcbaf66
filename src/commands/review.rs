//! `review`: which migrations, against what; the gate's exit status. Also the review stage of a deploy.

mod by_catalog;

use std::path::{Path, PathBuf};
use std::time::Duration;

use postgres::Client;

use crate::catalog::Catalog;
use crate::catalog::live::{Live as Definitions, Without};
use crate::config::Config;
use crate::consent;
use crate::context::Context;
use crate::database::history::State;
use crate::database::{self, History};
use crate::engine::{self, Discovered};
use crate::error::{Error, Explain as _, Result};
use crate::exit::Exit;
use crate::project::{Migration, Project, migrations};
use crate::report;
use crate::review::fixes::plan::Plan;
use crate::review::history::standing;
use crate::review::probes::Probes;
use crate::review::{self, Review, Verdict};
use crate::rules::{Live, Settings, Unchecked, settings};
use crate::target::Target;
use crate::tools::{git, prisma};
use crate::ui::Shell;

use super::fix::{self, Job};

/// The longest a question to the target may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// Arguments of `review`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Migrations by name, or SQL files; default: the pending ones if a database is reachable, else the newest
    #[arg(value_name = "MIGRATION|FILE.sql")]
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
    #[command(flatten)]
    fixes: fix::Options,
    #[command(flatten)]
    report: report::Args,
}

/// Runs it.
///
/// # Errors
/// Exit status 3 if the verdict is `fail`, after the report; 2 for a migration that is not there.
pub fn run(args: &Args, context: &Context) -> Result<Exit> {
    if let Some(path) = &args.catalog {
        return by_catalog::run(path, args, context);
    }
    if let Some(files) = files(args, &context.directory)? {
        return offline(&files, args, context);
    }
    let on_disk = if args.offline { super::on_disk(context)? } else { None };
    let project = prisma::find(&context.directory, &context.env);
    // offline, the disk says where things are: neither Prisma nor a URL is needed
    let project = match on_disk {
        Some(_) => project.ok(),
        None => Some(project?),
    };
    let root = project.as_ref().map_or(context.directory.as_path(), Project::root).to_owned();
    let config = Config::load(&root)?;
    let discovered = match (on_disk, &project) {
        (None, Some(project)) => {
            let global = &context.global;
            engine::discover(project, context, global.schema.as_deref(), global.config.as_deref())?
        }
        (Some(discovered), _) => discovered,
        (None, None) => return Err(Error::failed("no project was found")),
    };
    let files = &discovered.schema_files;
    let settings = match &project {
        Some(project) => settings(args.deployed.as_deref(), &config.review, project, files)?,
        None => settings_in(args.deployed.as_deref(), &config.review, (&root, &root), files)?,
    };
    let mut online = match args.offline {
        true => None,
        false => Online::open(&discovered, &config, context, args.pending)?,
    };
    let mut chosen = choose(args, &discovered, online.as_ref(), context)?;
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
            options: args.fixes,
            context,
            discovered: &discovered,
            default_schema: &schema,
            deploy: &config.deploy,
        };
        let mut again = |plan: &Plan| session.review(&plan.folder(&discovered.migrations), &chosen.after(plan));
        if let Some(plan) = job.run(&review, &mut again)? {
            review = again(&plan)?;
        }
    }
    if let Some(online) = online.as_ref().filter(|_| chosen.plan) {
        review.consent = consent::needed(&review, &online.target, context);
    }
    deliver(&review, &root, args, context)
}

fn deliver(review: &Review, root: &Path, args: &Args, context: &Context) -> Result<Exit> {
    let document = args.report.review(review, root, &context.shell.on_stdout());
    match args.report.format {
        // asked for, so it is data
        report::Format::Human if args.report.output.is_none() => context.shell.print(&document),
        _ => args.report.deliver(&document, &context.shell)?,
    }
    args.report.summarize(review, root, context)?;
    Ok(if review.verdict == Verdict::Fail { Exit::Refused } else { Exit::Done })
}

/// SQL files that are reviewed offline need no Prisma: the folder they stand in is on the disk.
fn files(args: &Args, directory: &Path) -> Result<Option<Vec<Migration>>> {
    let paths: Vec<PathBuf> = args.what.iter().map(|what| directory.join(what)).collect();
    let sql = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "sql") && path.is_file();
    let alone = args.offline || args.catalog.is_some();
    if !alone || args.fixes.fix || args.deployed.is_some() || paths.is_empty() || !paths.iter().all(sql) {
        return Ok(None);
    }
    paths.into_iter().zip(&args.what).map(|(path, what)| file(what, path)).collect::<Result<_>>().map(Some)
}

/// Reviews files in the order given, behind what stands before the first in its migrations folder.
fn offline(files: &[Migration], args: &Args, context: &Context) -> Result<Exit> {
    let root = context.directory.as_path();
    let Alone { migrations, directory, chosen, settings } = Alone::of(files, context)?;
    let folder = Folder { migrations: &migrations, directory: &directory };
    let stage = Stage { settings: &settings, schema: "public", live: None, definitions: None, identity: None };
    let review = stage.review(&folder, &chosen, None);
    deliver(&review, root, args, context)
}

/// SQL files by themselves, with what the disk tells of them: no Prisma was asked.
struct Alone {
    /// Those of the folder that the first file stands in; empty if it is no migrations folder.
    migrations: Vec<Migration>,
    directory: PathBuf,
    chosen: Vec<Migration>,
    settings: Settings,
}

impl Alone {
    fn of(files: &[Migration], context: &Context) -> Result<Self> {
        let root = context.directory.as_path();
        let folder = files.first().and_then(|first| first.path.parent()?.parent());
        let migrations = match folder.filter(|folder| folder.join("migration_lock.toml").is_file()) {
            Some(folder) => migrations::read(folder)?,
            None => Vec::new(),
        };
        // a file of the folder goes by its migration's name
        let known =
            |file: &Migration| migrations.iter().find(|migration| migration.path == file.path).unwrap_or(file).clone();
        let chosen: Vec<Migration> = files.iter().map(known).collect();
        let directory = folder.unwrap_or(root).to_owned();
        let migrations =
            if migrations.iter().any(|each| each.name == chosen[0].name) { migrations } else { Vec::new() };
        let config = Config::load(root)?;
        let project = prisma::find(root, &context.env).ok();
        let settings = Settings::new(&config.review, project.as_ref().and_then(Project::version));
        Ok(Self { migrations, directory, chosen, settings })
    }
}

fn file(name: &str, path: PathBuf) -> Result<Migration> {
    let sql = std::fs::read_to_string(&path).explain(|| format!("could not read {}", path.display()))?;
    Ok(Migration { name: name.to_owned(), path, sql })
}

/// What the command reviews against: the target where it answers, else only the folder.
struct Session<'a> {
    online: Option<&'a mut Online>,
    settings: &'a Settings,
    sample_keys: usize,
    discovered: &'a Discovered,
    /// Whether it is exactly what a deploy would apply.
    plan: bool,
}

impl Session<'_> {
    fn schema(&self) -> String {
        match &self.online {
            Some(online) => online.target.url.schema(),
            None => self.discovered.url.as_ref().map_or_else(|| "public".to_owned(), database::DatabaseUrl::schema),
        }
    }

    fn review(&mut self, migrations: &[Migration], chosen: &[Migration]) -> Result<Review> {
        let schema = self.schema();
        let folder = Folder { migrations, directory: &self.discovered.migrations_dir };
        let Some(online) = self.online.as_deref_mut() else {
            let stage =
                Stage { settings: self.settings, schema: &schema, live: None, definitions: None, identity: None };
            return Ok(stage.review(&folder, chosen, None));
        };
        let identity = self.plan.then(|| online.target.url.identity());
        let probes = Probes::new(&mut online.client, PROBE_TIMEOUT, self.sample_keys)?;
        let stage = Stage {
            settings: self.settings,
            schema: &schema,
            live: Some(&probes),
            definitions: online.definitions.as_ref(),
            identity: identity.as_deref(),
        };
        Ok(stage.review(&folder, chosen, online.history.as_ref()))
    }
}

/// What a target was read to hold.
#[derive(Debug, Clone, Copy)]
pub struct Holds<'a> {
    pub history: Option<&'a History>,
    /// None where they could not be read in time.
    pub definitions: Option<&'a Definitions>,
}

/// The review of what a deploy is about to apply.
///
/// # Errors
/// If the target cannot be asked.
pub fn pending(
    target: &Target,
    folder: &Folder<'_>,
    pending: &[Migration],
    holds: Holds<'_>,
    client: &mut Client,
    settings: &Settings,
    sample_keys: usize,
) -> Result<Review> {
    let (identity, schema) = (target.url.identity(), target.url.schema());
    planned((&identity, &schema), folder, pending, holds, client, settings, sample_keys)
}

/// The same for a database that is named by its identity and the schema that unqualified names mean there.
///
/// # Errors
/// If it cannot be asked.
pub fn planned(
    (identity, schema): (&str, &str),
    folder: &Folder<'_>,
    pending: &[Migration],
    holds: Holds<'_>,
    client: &mut Client,
    settings: &Settings,
    sample_keys: usize,
) -> Result<Review> {
    let probes = Probes::new(client, PROBE_TIMEOUT, sample_keys)?;
    let definitions = holds.definitions;
    let stage = Stage { settings, schema, live: Some(&probes), definitions, identity: Some(identity) };
    Ok(stage.review(folder, pending, holds.history))
}

/// What the rules are told beside the SQL; `deployed` beats the setting.
///
/// # Errors
/// Exit status 2 if the deployed release's schema is not found.
pub fn settings(
    deployed: Option<&str>,
    config: &settings::Review,
    project: &Project,
    schema_files: &[PathBuf],
) -> Result<Settings> {
    let places = (project.directory(), project.root());
    let known = settings_in(deployed, config, places, schema_files)?;
    Ok(Settings { deployed: known.deployed, ..Settings::new(config, project.version()) })
}

/// [`settings`] without a Prisma of known version, in a directory and its project's root.
fn settings_in(
    deployed: Option<&str>,
    config: &settings::Review,
    (directory, root): (&Path, &Path),
    schema_files: &[PathBuf],
) -> Result<Settings> {
    let deployed = match (deployed, config.deployed.as_deref()) {
        (Some(named), _) => Some(review::deployed::find(named, directory, schema_files)?),
        (None, Some(named)) => Some(review::deployed::find(named, root, schema_files)?),
        (None, None) => None,
    };
    Ok(Settings { deployed, ..Settings::new(config, None) })
}

/// The migrations folder as Prisma read it.
#[derive(Debug, Clone, Copy)]
pub struct Folder<'a> {
    pub migrations: &'a [Migration],
    pub directory: &'a Path,
}

struct Stage<'a> {
    settings: &'a Settings,
    schema: &'a str,
    live: Option<&'a dyn Live>,
    /// What the target holds.
    definitions: Option<&'a Definitions>,
    identity: Option<&'a str>,
}

impl Stage<'_> {
    fn review(&self, folder: &Folder<'_>, chosen: &[Migration], history: Option<&History>) -> Review {
        let reviewed = |migration: &&Migration| chosen.iter().any(|each| each.name == migration.name);
        let applied = |migration: &&Migration| {
            history.is_some_and(|history| history.state(&migration.name) == Some(State::Applied))
        };
        // what the target holds now says nothing about a migration that has run there
        let has_run = chosen.iter().any(|each| applied(&each));
        let live = self.live.filter(|_| !has_run);
        let world =
            self.definitions.map(|definitions| world(self.schema, definitions, folder.migrations, applied, has_run));
        let in_world = |migration: &&Migration| world.is_some() && !has_run && applied(migration);
        // what follows the first one that is reviewed is no ground for it, unless it is in the target already
        let earlier: Vec<Migration> = match self.identity {
            Some(_) => folder.migrations.iter().filter(|each| applied(each) && !reviewed(each)).cloned().collect(),
            None => folder.migrations.iter().take_while(|each| !reviewed(each)).cloned().collect(),
        };
        let earlier: Vec<Migration> = earlier.into_iter().filter(|each| !in_world(&each)).collect();
        let known = history.map(|history| history.compare(folder.migrations)).unwrap_or_default();
        // asked, and not told: what is there is not known then
        let untold = self.live.is_some() && self.definitions.is_none();
        let mut review = review::review(review::Request {
            migrations: chosen,
            world,
            earlier: &earlier,
            default_schema: self.schema,
            live,
            identity: self.identity,
            settings: self.settings,
            standing: standing(&known, folder.migrations, folder.directory),
        });
        if untold {
            let why = "they could not be read in time".to_owned();
            review.unchecked.push(Unchecked { what: "the target's definitions".to_owned(), why });
            review.verdict = review.verdict.max(Verdict::Warn);
        }
        review
    }
}

/// What the target holds; of a time before the last of `migrations`, where one that is reviewed has run there.
fn world(
    schema: &str,
    definitions: &Definitions,
    migrations: &[Migration],
    applied: impl FnMut(&&Migration) -> bool,
    has_run: bool,
) -> Catalog {
    match has_run {
        true => Catalog::strangers(schema, definitions, &Catalog::of(schema, migrations)),
        false => Catalog::of_target_after(schema, definitions, migrations.iter().filter(applied)),
    }
}

/// A target that answers.
struct Online {
    target: Target,
    client: Client,
    definitions: Option<Definitions>,
    history: Option<History>,
}

impl Online {
    /// Without a reachable database the review goes on offline, and says so, unless the database was asked for.
    fn open(discovered: &Discovered, config: &Config, context: &Context, demanded: bool) -> Result<Option<Self>> {
        let open = || -> Result<Self> {
            let target = super::classify(discovered.url.clone(), config, context)?;
            let mut client = database::connect(&target.url, "prisma-safe review")?;
            let history = History::read(&mut client, &target.url.schema())?;
            let definitions = read_or_say(&mut client, &context.shell);
            Ok(Self { target, client, definitions, history })
        };
        match open() {
            Ok(online) => Ok(Some(online)),
            Err(error) if demanded => Err(error),
            Err(error) => {
                context.shell.note(format!("reviewed offline: {error}"));
                Ok(None)
            }
        }
    }
}

/// Reads a target's definitions.
///
/// # Errors
/// Exit status 1 if the server does not tell them.
pub fn read(client: &mut Client) -> Result<Definitions> {
    Definitions::read(client, &Without::default()).explain(|| "could not read the definitions".into())
}

/// The same; while another session holds a table locked they may not be told, and the review goes on by the files, saying so.
pub fn read_or_say(client: &mut Client, shell: &Shell) -> Option<Definitions> {
    read(client)
        .inspect_err(|error| {
            shell.warn(format_args!("reviewed by the migration files alone: {error}: {}", error.causes().join(": ")));
        })
        .ok()
}

/// What is reviewed.
struct Chosen {
    migrations: Vec<Migration>,
    /// Whether it is exactly what a deploy would apply.
    plan: bool,
    /// Whether `--all` named them.
    whole_folder: bool,
}

impl Chosen {
    /// What the database has applied is never touched: Prisma compares checksums.
    fn leave_applied(&mut self, online: Option<&Online>, context: &Context) -> Result<()> {
        let Some(online) = online else {
            if self.migrations.len() > 1 {
                return Err(Error::usage("which of these migrations are applied is not known without the database")
                    .help("name the one to fix, or run it where the database is reachable"));
            }
            context.shell.note("whether the migration is applied was not checked: an applied one must not be changed");
            return Ok(());
        };
        let applied = |migration: &Migration| {
            let state = online.history.as_ref().and_then(|history| history.state(&migration.name));
            matches!(state, Some(State::Applied | State::Failed))
        };
        if let Some(applied) = self.migrations.iter().find(|each| !self.whole_folder && applied(each)) {
            return Err(Error::refused(format!("{} is applied already", applied.name))
                .help("write a new migration: a changed file would make `prisma migrate dev` ask for a reset"));
        }
        self.migrations.retain(|each| !applied(each));
        Ok(())
    }

    /// The same migrations as a plan would leave them, and those it adds.
    fn after(&self, plan: &Plan) -> Vec<Migration> {
        plan.folder(&self.migrations)
    }
}

fn choose(args: &Args, discovered: &Discovered, online: Option<&Online>, context: &Context) -> Result<Chosen> {
    let all = &discovered.migrations;
    if args.all {
        return Ok(Chosen { migrations: all.clone(), plan: false, whole_folder: true });
    }
    if !args.what.is_empty() {
        let migrations = args.what.iter().map(|what| find(what, all, &context.directory)).collect::<Result<_>>()?;
        return Ok(Chosen { migrations, plan: false, whole_folder: false });
    }
    if let Some(revision) = &args.since {
        let changed = git::changed_since(revision, &discovered.migrations_dir)?;
        let migrations = all.iter().filter(|migration| changed.contains(&migration.path)).cloned().collect();
        return Ok(Chosen { migrations, plan: false, whole_folder: true });
    }
    Ok(match online {
        Some(online) => {
            let standing = online.history.clone().unwrap_or_default().compare(all);
            let pending = all.iter().filter(|migration| standing.pending.contains(&migration.name));
            Chosen { migrations: pending.cloned().collect(), plan: true, whole_folder: false }
        }
        None => Chosen { migrations: all.last().cloned().into_iter().collect(), plan: false, whole_folder: false },
    })
}

/// A migration by its name, by the part of it behind the time, by its directory; or any SQL file.
pub fn find(what: &str, all: &[Migration], directory: &Path) -> Result<Migration> {
    let name = Path::new(what).file_name().and_then(|name| name.to_str()).unwrap_or(what);
    let named = |migration: &&Migration| {
        migration.name == name || migration.name.split_once('_').is_some_and(|(_, rest)| rest == name)
    };
    if let Some(migration) = all.iter().rev().find(named) {
        return Ok(migration.clone());
    }
    let path: PathBuf = directory.join(what);
    if let Some(migration) = all.iter().find(|migration| migration.path == path) {
        return Ok(migration.clone());
    }
    if path.extension().is_some_and(|extension| extension == "sql") && path.is_file() {
        return file(what, path);
    }
    let newest: Vec<&str> = all.iter().rev().take(3).map(|migration| migration.name.as_str()).collect();
    Err(Error::usage(format!("there is no migration or SQL file `{what}`")).help(if newest.is_empty() {
        "the migrations folder is empty".to_owned()
    } else {
        format!("the newest are: {}", newest.join(", "))
    }))
}
