//! `rollback [MIGRATION]`: which → preview → consent → backup → the way back, all of it in one transaction.

mod command;
mod preview;

use std::path::Path;

use postgres::Client;

use self::command::Command;
use super::output;
use crate::config::Config;
use crate::consent::Gate;
use crate::context::Context;
use crate::database::{self, History, Identity};
use crate::engine::Discovered;
use crate::error::Result;
use crate::exit::Exit;
use crate::report::rollback::Report;
use crate::target::Target;
use crate::tools::prisma;
use crate::undo::chosen::choose;
use crate::undo::way::Way;
use crate::undo::{self, Fill, roll_back};

/// Arguments of `rollback`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The migration, by name; default: the failed one, else the one applied last
    #[arg(value_name = "MIGRATION")]
    migration: Option<String>,
    /// Also roll back what was applied after it, newest first
    #[arg(long)]
    with_later: bool,
    /// Try all of it in a transaction and keep nothing; tables are locked as they would be
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
    report: output::Args,
}

/// `Song.artist=unknown`
fn fill(text: &str) -> Result<Fill, String> {
    let parts = text.split_once('=').and_then(|(name, value)| Some((name.rsplit_once('.')?, value)));
    let ((table, column), value) = parts.ok_or("give it as TABLE.COLUMN=VALUE")?;
    Ok(Fill { table: table.to_owned(), column: column.to_owned(), value: value.to_owned() })
}

/// Runs it.
///
/// # Errors
/// Exit status 3 without consent on production, and where later migrations stand in the way; 4 where rows need a value; 1
/// where the server refuses it or the result is not the database before. Nothing has changed then, also of a chain.
pub fn run(args: &Args, context: &Context) -> Result<Exit> {
    let project = prisma::find(&context.directory, &context.env)?;
    let config = Config::load(project.root())?;
    let (target, discovered) = super::target(&project, &config, context)?;
    let mut client = database::connect(&target.url, roll_back::APPLICATION_NAME)?;
    let mut ways = ways(args, project.root(), &target, &discovered, &mut client)?;
    let server = Identity::read(&mut client).ok();
    let command =
        Command { args, context, project: &project, config: &config, target: &target, server: server.as_ref() };
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
    if result.is_ok() || !report.is_empty() {
        args.report.json(&report.document(), &context.shell)?;
    }
    result.map(|()| Exit::Done)
}

/// What is rolled back, newest first, with what is known about each.
fn ways(args: &Args, root: &Path, target: &Target, discovered: &Discovered, client: &mut Client) -> Result<Vec<Way>> {
    let schema = target.url.schema();
    let history = History::read(client, &schema)?.unwrap_or_default();
    let chosen = choose(args.migration.as_deref(), args.with_later, &history, &discovered.migrations)?;
    Way::chain(chosen, &|id| undo::definitions::read(root, id), &schema, client)
}
