//! `rehearse`: the pending migrations on a copy of a backup; and the rehearsal that a deploy makes by itself.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use postgres::Client;

use crate::backup::load::Options;
use crate::backup::{self, Archive, Proof, Restored, State};
use crate::catalog::Catalog;
use crate::catalog::live::{Live, Without};
use crate::config::Config;
use crate::context::Context;
use crate::database::{self, DatabaseUrl, History};
use crate::deploy::{Hook, NoHook, Prepared, Route, Settings};
use crate::engine::{self, DeployRequest, Deployer, Engine, Guard};
use crate::env::Env;
use crate::error::{Error, Explain as _, Result};
use crate::exit::Exit;
use crate::project::{Migration, Project};
use crate::rehearsal::{self, Data, Play, Rehearsal, RehearsalMode, Session, Stage, TakenBack};
use crate::report::Format;
use crate::review::against::{self, Folder, Holds};
use crate::review::{Reviewed, deployed};
use crate::sql::Script;
use crate::target::Target;
use crate::tools::prisma;
use crate::tools::scratch::Search;
use crate::ui::progress::Progress;
use crate::ui::{Shell, interrupt};
use crate::undo::capture::Capture;
use crate::undo::{self, Keeper, Plan, RolledBack, Watch};

/// Arguments of `rehearse`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The backup to rehearse on; default: the newest of the target database
    #[arg(long, value_name = "FILE")]
    backup: Option<PathBuf>,
    /// Leave the rows out
    #[arg(long)]
    schema_only: bool,
    /// Read and write the touched tables meanwhile, on a further copy, and tell how long somebody waited
    #[arg(long)]
    probe_traffic: bool,
    /// Then take the migrations back on the copy: definitions and values must be as before
    #[arg(long)]
    rollback: bool,
    /// `human` or `json`
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
}

/// Runs it.
///
/// # Errors
/// Exit status 3 if the rehearsal went over the budget; 1 if there is no backup, or what a deploy would fail with.
pub fn run(args: &Args, context: &Context) -> Result<Exit> {
    if !matches!(args.format, Format::Human | Format::Json) {
        return Err(Error::usage("`rehearse` reports as human or json"));
    }
    let project = prisma::find(&context.directory, &context.env)?;
    let config = Config::load(project.root())?;
    let mut prisma: Vec<OsString> = vec!["migrate".into(), "deploy".into()];
    prisma.extend(context.global.prisma());
    let mut rehearsing = Rehearsing { args, context, project: &project, config: &config, target: None, excess: Ok(()) };
    engine::look(&project, context, &prisma, &mut rehearsing)?;
    rehearsing.excess.map(|()| Exit::Done)
}

struct Rehearsing<'a> {
    args: &'a Args,
    context: &'a Context,
    project: &'a Project,
    config: &'a Config,
    target: Option<Target>,
    /// What was too much.
    excess: Result<()>,
}

impl Deployer for Rehearsing<'_> {
    fn target(&mut self, seen: &engine::Target) -> Result<Guard> {
        let target = super::classify(seen.url.clone(), self.config, self.context)?;
        let guard = target.guard(seen.url.as_ref());
        self.target = Some(target);
        Ok(guard)
    }

    fn deploy(&mut self, request: DeployRequest, engine: &mut Engine<'_>) -> Result<Vec<String>> {
        let target = self.target.clone().ok_or_else(super::no_url)?;
        let shell = &self.context.shell;
        let path = self.backup(&target)?;
        let data = if self.args.schema_only { Data::Schema } else { Data::Full };
        let place =
            Place { project: self.project.root(), config: self.config, env: &self.context.env, url: &target.url };
        let mut stage = place.restore(&path, data, shell)?;
        let schema = target.url.schema();
        let asked = Asked {
            request: &request,
            schema: &schema,
            settings: self.config.deploy.settings(),
            traffic: self.args.probe_traffic,
            root: self.project.root(),
            rollback: self.args.rollback,
            reviewed: &|pending, client| self.review(&request, pending, &schema, client),
        };
        let Some(Played { rehearsal, .. }) = rehearse(&mut stage, &asked, self.config, engine, shell)? else {
            shell.note(format_args!(
                "{} has every migration of the folder: there is nothing to rehearse",
                path.display()
            ));
            return Ok(Vec::new());
        };
        if self.args.format == Format::Json {
            let text = serde_json::to_string_pretty(&rehearsal::document(&rehearsal));
            shell.print(&format!("{}\n", text.explain(|| "could not write JSON".into())?));
        } else {
            say(&rehearsal, shell);
        }
        self.excess = rehearsal.check();
        Ok(Vec::new())
    }
}

impl Rehearsing<'_> {
    /// The review of what is pending, with what was restored in the target's place.
    fn review(
        &self,
        request: &DeployRequest,
        pending: &[Migration],
        schema: &str,
        client: &mut Client,
    ) -> Result<Vec<Reviewed>> {
        let DeployRequest { migrations, migrations_dir, .. } = request;
        let folder = Folder { migrations, directory: migrations_dir };
        let config = &self.config.review;
        let settings = deployed::settings(None, config, self.project, &request.target.schema_files)?;
        let history = History::read(client, schema)?;
        let holds = Holds { history: history.as_ref(), definitions: Some(&against::definitions(client)?) };
        let place = ("rehearsal", schema);
        Ok(against::planned(place, &folder, pending, holds, client, &settings, config.sample_keys)?.migrations)
    }

    /// The backup that was named, as typed or as `backup list` shows it; else the newest good one of the target.
    fn backup(&self, target: &Target) -> Result<PathBuf> {
        let directory = self.project.root().join(&self.config.backup.directory);
        if let Some(file) = &self.args.backup {
            let typed = self.context.directory.join(file);
            return Ok(if typed.exists() { typed } else { directory.join(file) });
        }
        let address = format!("{}:{}/{}", target.url.host(), target.url.port(), target.url.database());
        let of_target = |entry: &backup::Entry| {
            entry.state == State::Good
                && entry.manifest.as_ref().is_some_and(|manifest| manifest.source.address == address)
        };
        let newest = backup::list(&directory)?.into_iter().find(of_target);
        newest.map(|entry| entry.path).ok_or_else(|| {
            Error::failed(format!("there is no backup of {address} in {}", directory.display()))
                .help("take one: prisma-safe backup; or name another database's: --backup FILE")
        })
    }
}

/// Where a backup is restored for a rehearsal.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    pub(super) project: &'a Path,
    pub(super) config: &'a Config,
    pub(super) env: &'a Env,
    /// The target.
    pub(super) url: &'a DatabaseUrl,
}

impl Place<'_> {
    /// Restores a backup to rehearse on.
    ///
    /// # Errors
    /// Those of [`backup::restore`].
    pub(super) fn restore(&self, path: &Path, data: Data, shell: &Shell) -> Result<Stage> {
        let guard = interrupt::Guard::new()?;
        let archive = Archive::open_with(path, &backup::encryption::keys(&self.config.backup, self.env)?)?;
        if let Some(outside) = &archive.manifest().outside {
            if data == Data::Schema {
                return self.definitions(shell);
            }
            return Err(Error::refused(format!("{} holds no rows: the backup was taken by {}", path.display(), outside.provider))
                .help(
                    "rehearse without rows: rehearsal.mode = \"schema\" in prisma-safe.toml for deploys, and rehearse --schema-only; \
                     or with them, on a dump: prisma-safe backup with backup.provider unset, then rehearse --backup FILE",
                ));
        }
        shell.status("Restoring", format_args!("{} into a scratch server", path.display()));
        let search = Search { env: self.env, pg_bin: self.config.backup.pg_bin.as_deref(), project: self.project };
        let options = Options { rows: data == Data::Full, ..Options::scratch() };
        let mut progress = Progress::start(shell, "Restoring");
        let restored = backup::restore(&archive, &options, &search, &guard, &mut progress).map_err(|error| {
            let help = error.help_text().unwrap_or_default().to_owned();
            Error::failed("the backup could not be restored for the rehearsal").because(error).help(help)
        })?;
        self.ready(restored, data)
    }

    /// What was restored, with the settings that sessions on the target have.
    fn ready(&self, restored: Restored, data: Data) -> Result<Stage> {
        let session = database::connect(self.url, "prisma-safe rehearsal").and_then(|mut client| {
            Session::read(&mut client).explain(|| "could not ask for the settings of a session".into())
        });
        Stage::new(restored, data, self.url.user()).speaking_as(session)
    }

    /// What another tool backs up cannot be restored here, but the definitions of the target can be copied.
    fn definitions(&self, shell: &Shell) -> Result<Stage> {
        let directory = tempfile::tempdir().explain(|| "could not make a temporary directory".into())?;
        let own = backup::Settings { provider: None, proof: Proof::Read, encrypt: None, ..self.config.backup.clone() };
        let request = backup::Request {
            url: self.url,
            directory: directory.path(),
            project: self.project,
            production: false,
            environment: Some("definitions"),
            precedes: &[],
            definitions_only: true,
            settings: &own,
            env: self.env,
        };
        shell.status("Dumping", format_args!("the definitions of {}, to rehearse on them", self.url.identity()));
        let backup = backup::create(&request, shell)?;
        self.restore(&backup.path, Data::Schema, shell)
    }

    /// What a deploy rehearses on: what the backup's proof restored, or the backup once more.
    ///
    /// # Errors
    /// Those of [`Place::restore`].
    pub(super) fn stage(&self, path: &Path, proved: Option<Restored>, shell: &Shell) -> Result<Stage> {
        match (self.config.rehearsal.mode, proved) {
            (RehearsalMode::Schema, _) => self.restore(path, Data::Schema, shell),
            (_, Some(restored)) => self.ready(restored, Data::Full),
            (_, None) => self.restore(path, Data::Full, shell),
        }
    }
}

/// The deploy that is rehearsed.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) request: &'a DeployRequest,
    /// The schema that Prisma puts its tables into.
    pub(super) schema: &'a str,
    pub(super) settings: Settings,
    pub(super) traffic: bool,
    /// The project's.
    pub(super) root: &'a Path,
    /// Whether the way back is rehearsed too.
    pub(super) rollback: bool,
    /// What the review finds in what is pending, on what was restored.
    pub(super) reviewed: &'a Reviewing<'a>,
}

/// Reviews what is pending on a database.
pub(super) type Reviewing<'a> = dyn Fn(&[Migration], &mut Client) -> Result<Vec<Reviewed>> + 'a;

/// What was rehearsed.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) rehearsal: Rehearsal,
    /// What was kept on the copy, by migration.
    pub(super) kept: BTreeMap<String, Vec<Capture>>,
}

/// Plays what the restored backup does not have, saying so; none if it has everything.
///
/// # Errors
/// Those of [`rehearsal::rehearse`].
pub(super) fn rehearse(
    stage: &mut Stage,
    asked: &Asked<'_>,
    config: &Config,
    engine: &mut Engine<'_>,
    shell: &Shell,
) -> Result<Option<Played>> {
    let Asked { request, schema, settings, traffic, root, rollback, reviewed } = *asked;
    let budget = config.rehearsal.budget();
    let pending = pending(stage, schema, &request.migrations)?;
    if pending.is_empty() {
        return Ok(None);
    }
    let scripts: Vec<Script> = pending.iter().map(|migration| Script::parse(migration.sql.as_str())).collect();
    let files = pending.iter().zip(&scripts);
    let routes: Vec<Route> =
        files.map(|(migration, script)| Prepared::route(migration, script)).collect::<Result<_>>()?;
    let reviewed = reviewed(&pending, &mut stage.connect()?)?;
    let plans = plans(stage, schema, &pending, config)?;
    let watches: BTreeMap<&str, Watch> = plans.keys().map(|name| (name.as_str(), Watch::default())).collect();
    let hooks = |migration: &Migration| -> Box<dyn Hook + '_> {
        match plans.get_key_value(&migration.name) {
            Some((name, plan)) => Box::new(Keeper::new(plan, schema).watched(&watches[name.as_str()])),
            None => Box::new(NoHook),
        }
    };
    let first = &pending[0].name;
    let mut back = |url: &DatabaseUrl| -> Result<Vec<TakenBack>> {
        let done = undo::way::on_a_copy(url, root, &request.migrations, first, settings)?;
        let taken = |(name, back): (String, RolledBack)| TakenBack {
            name,
            put_back: back.put_back.iter().map(ToString::to_string).collect(),
        };
        Ok(done.into_iter().map(taken).collect())
    };
    let mut play = Play {
        request,
        pending: &pending,
        scripts: &scripts,
        reviewed: &reviewed,
        routes: &routes,
        settings,
        schema,
        traffic,
        shell,
        hooks: &hooks,
        take_back: if rollback { Some(&mut back) } else { None },
    };
    shell.status("Rehearsing", format_args!("{} on a copy of {}", count(pending.len()), stage.backup()));
    let played = rehearsal::rehearse(stage, &mut play, &budget, engine).map_err(|error| {
        if error.exit() == Exit::Cancelled {
            return error;
        }
        let help = error.help_text().unwrap_or_default().to_owned();
        Error::failed("the rehearsal failed on the copy: nothing has happened to the database")
            .because(error)
            .help(help)
    });
    let rehearsal = played?;
    for (name, watch) in watches.iter().filter(|(name, _)| !plans[**name].is_empty()) {
        let seconds = watch.took.get().as_secs_f64();
        shell.detail(format_args!("keeping what {name} destroys took {seconds:.1} s on the copy"));
    }
    let kept = watches.into_iter().map(|(name, watch)| (name.to_owned(), watch.kept.into_inner())).collect();
    Ok(Some(Played { rehearsal, kept }))
}

/// What is kept of the migrations that destroy something: keeping takes time and locks too.
fn plans(stage: &Stage, schema: &str, pending: &[Migration], config: &Config) -> Result<BTreeMap<String, Plan>> {
    let undo = config.undo;
    let mut plans = BTreeMap::new();
    if !undo.enabled {
        return Ok(plans);
    }
    let mut client = stage.connect()?;
    let live = Live::read(&mut client, &Without::default());
    let live = live.explain(|| "could not read the definitions of the copy".into())?;
    let mut catalog = Catalog::of_target(schema, &live);
    for migration in pending {
        let plan = Plan::of(&mut client, migration, &catalog)?;
        catalog.apply(&Script::parse(migration.sql.as_str()), &migration.name);
        if plan.bytes() <= undo.max_size {
            plans.insert(migration.name.clone(), plan);
        }
    }
    Ok(plans)
}

/// The report, for people.
pub(super) fn say(rehearsal: &Rehearsal, shell: &Shell) {
    for line in rehearsal::human(rehearsal, shell.verbose() > 0).lines() {
        shell.detail(line);
    }
}

/// What the restored database does not have.
fn pending(stage: &mut Stage, schema: &str, migrations: &[Migration]) -> Result<Vec<Migration>> {
    let history = History::read(&mut stage.connect()?, schema)?.unwrap_or_default();
    let standing = history.compare(migrations);
    if let Some(failed) = standing.failed.first() {
        return Err(Error::failed(format!(
            "the backup holds a failed migration ({}): no deploy goes past it",
            failed.name
        ))
        .help("resolve it in the database (see prisma-safe migrate status), and take a new backup"));
    }
    Ok(migrations.iter().filter(|migration| standing.pending.contains(&migration.name)).cloned().collect())
}

fn count(migrations: usize) -> String {
    match migrations {
        1 => "1 migration".into(),
        many => format!("{many} migrations"),
    }
}
