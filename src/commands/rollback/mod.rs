//! `rollback [MIGRATION]`: which → preview → consent → backup → the way back, all of it in one transaction.

mod choose;
mod command;
mod preview;

use std::path::Path;

use postgres::Client;

use self::choose::Chosen;
use self::command::Command;
use super::fence::Gate;
use crate::catalog::Catalog;
use crate::config::Config;
use crate::context::Context;
use crate::database::{self, DatabaseUrl, History};
use crate::deploy;
use crate::engine::Discovered;
use crate::error::{Error, Explain as _, Result};
use crate::exit::Exit;
use crate::project::Migration;
use crate::report::rollback::Report;
use crate::report::{self, Format};
use crate::sql::Script;
use crate::target::Target;
use crate::tools::prisma;
use crate::transaction::Runner;
use crate::ui::interrupt::Guard;
use crate::undo::{Capsule, Down, Fill, Request, RolledBack, Source, capsule, definitions, recover, roll_back};

/// Arguments of `rollback`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The migration, by name; default: the failed one, else the one applied last
    #[arg(value_name = "MIGRATION")]
    migration: Option<String>,
    /// Also take back what was applied after it, newest first
    #[arg(long)]
    with_later: bool,
    /// Try all of it in a transaction and keep nothing; tables are locked meanwhile as they would be
    #[arg(long)]
    dry_run: bool,
    /// A value for a required column of rows written since: Song.artist=unknown
    #[arg(long, value_name = "COLUMN=VALUE", value_parser = fill)]
    fill: Vec<Fill>,
    /// Take it back even if the database is then not as before in every point
    #[arg(long)]
    accept_differences: bool,
    #[command(flatten)]
    gate: Gate,
    #[command(flatten)]
    report: report::Args,
}

/// `Song.artist=unknown`
fn fill(text: &str) -> Result<Fill, String> {
    let parts = text.split_once('=').and_then(|(name, value)| Some((name.rsplit_once('.')?, value)));
    let ((table, column), value) = parts.ok_or("give it as TABLE.COLUMN=VALUE")?;
    Ok(Fill { table: table.to_owned(), column: column.to_owned(), value: value.to_owned() })
}

/// One migration on its way back, and what is known about it.
struct Way {
    chosen: Chosen,
    down: Down,
    capsule: Option<Capsule>,
    /// What the migrations before it build, and what it builds on that.
    before: Catalog,
    after: Catalog,
    /// What does not come back, a sentence each.
    missing: Vec<String>,
    /// Where its values come from instead of a capsule.
    backup: Option<recover::Found>,
}

impl Way {
    fn request<'a>(
        &'a self,
        schema: &'a str,
        capsule: Option<&'a Capsule>,
        fills: &'a [Fill],
        accept_differences: bool,
        dry: bool,
    ) -> Request<'a> {
        Request {
            migration: way_name(self),
            row: (&self.chosen.row.id, self.chosen.row.state()),
            schema,
            down: &self.down,
            capsule,
            replayed: (&self.before, &self.after),
            fills,
            accept_differences,
            dry,
        }
    }

    fn source(&self) -> Source {
        match &self.backup {
            Some(_) => Source::Backup,
            None => self.capsule.as_ref().map_or(Source::None, |capsule| capsule.source),
        }
    }
}

/// Runs it.
///
/// # Errors
/// Exit status 3 without consent on production, and where later migrations stand in the way; 4 where rows need a value; 1
/// where the server refuses it or the result is not the database before. Nothing has changed then, also of a chain.
pub fn run(args: &Args, context: &Context) -> Result<Exit> {
    if !matches!(args.report.format, Format::Human | Format::Json) {
        return Err(Error::usage("`rollback` reports as human or json"));
    }
    let project = prisma::find(&context.directory, &context.env)?;
    let config = Config::load(project.root())?;
    let (target, discovered) = super::target(&project, &config, context)?;
    let mut client = database::connect(&target.url, roll_back::APPLICATION_NAME)?;
    let mut ways = ways(args, project.root(), &target, &discovered, &mut client)?;
    let command = Command { args, context, project: &project, config: &config, target: &target };
    for way in &mut ways {
        command.find_backup(way)?;
    }
    for (at, way) in ways.iter().enumerate() {
        preview::show(way, &ways[..at], &mut client, &context.shell)?;
    }
    let mut report = Report::new(&target.url.identity(), args.dry_run);
    let result = match args.dry_run {
        true => command.try_out(&mut ways, &mut report),
        false => command.run(client, &mut ways, &mut report),
    };
    if args.report.format == Format::Json && (result.is_ok() || !report.is_empty()) {
        args.report.deliver(&report.render()?, &context.shell)?;
    }
    result.map(|()| Exit::Done)
}

/// What is taken back, newest first, with what is known about each.
fn ways(args: &Args, root: &Path, target: &Target, discovered: &Discovered, client: &mut Client) -> Result<Vec<Way>> {
    let schema = target.url.schema();
    let history = History::read(client, &schema)?.unwrap_or_default();
    let chosen = choose::choose(args.migration.as_deref(), args.with_later, &history, &discovered.migrations)?;
    chosen.into_iter().map(|chosen| way(chosen, root, &schema, client)).collect()
}

fn way(chosen: Chosen, root: &Path, schema: &str, client: &mut Client) -> Result<Way> {
    let capsule = capsule::find(client, &chosen.row.id)
        .explain(|| format!("could not read what was kept of {}", chosen.migration.name))?;
    let capsule = capsule.or_else(|| definitions::read(root, &chosen.row.id));
    let before = world_before(&chosen, capsule.as_ref(), schema);
    let down = Down::find(&chosen.migration, &before)?;
    let mut after = before.clone();
    after.apply(&Script::parse(chosen.migration.sql.as_str()), &chosen.migration.name);
    let missing = preview::missing(&chosen, &down, capsule.as_ref(), &before);
    Ok(Way { chosen, down, capsule, before, after, missing, backup: None })
}

/// The world just before a migration: as the deploy has read it, else as the migrations before it tell.
fn world_before(chosen: &Chosen, capsule: Option<&Capsule>, schema: &str) -> Catalog {
    if let Some((before, _)) = capsule.and_then(|capsule| capsule.definitions.as_ref()) {
        return Catalog::of_target(schema, before);
    }
    Catalog::of(schema, &chosen.earlier)
}

/// Takes a migration and all later ones back on a copy, newest first, without asking: for a rehearsal.
///
/// # Errors
/// Those of [`roll_back::roll_back_on`], and where a reverse is not known.
pub(super) fn on_a_copy(
    url: &DatabaseUrl,
    root: &Path,
    migrations: &[Migration],
    first: &str,
    settings: &deploy::Settings,
) -> Result<Vec<(String, RolledBack)>> {
    let schema = url.schema();
    let guard = Guard::new()?;
    let mut runner = Runner::open(url.clone(), roll_back::APPLICATION_NAME, *settings, guard.flag())?;
    let mut client = database::connect(url, roll_back::APPLICATION_NAME)?;
    let history = History::read(&mut client, &schema)?.unwrap_or_default();
    let chosen = choose::choose(Some(first), true, &history, migrations)?;
    let back = chosen.into_iter().map(|chosen| {
        let way = way(chosen, root, &schema, &mut client)?;
        let request = way.request(&schema, way.capsule.as_ref(), &[], true, false);
        let done = roll_back::roll_back_on(&mut runner, &request)?;
        Ok((way_name(&way).to_owned(), done))
    });
    back.collect()
}

fn way_name(way: &Way) -> &str {
    &way.chosen.migration.name
}
