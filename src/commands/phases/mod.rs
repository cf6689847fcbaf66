//! `phases`: plans that expand, backfill and contract.

mod abort;
mod begin;
mod list;
mod next;
mod scene;
mod step;
mod table;
mod transaction;

use crate::commands::output;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;

/// Arguments of `phases`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    output: output::Args,
}

/// What to do with plans.
#[derive(Debug, clap::Subcommand)]
#[command(disable_help_subcommand = true)]
enum Command {
    /// Rename a column while the old and the new release run: Song.artist:artist_name
    Rename(begin::Rename),
    /// Change a column's type while both run: Song.duration Int
    Retype(begin::Retype),
    /// Split a column into several while both run: Song.artist --into 'first: EXPR' --into 'last: EXPR' --back EXPR
    Split(begin::Split),
    /// Merge columns into one while both run: User.first User.last --into 'name: EXPR' --back 'first: EXPR' --back 'last: EXPR'
    Merge(begin::Merge),
    /// Make an optional column required: Song.genre --value 'unknown'
    Require(begin::Require),
    /// Drop a column once no release writes it: Song.legacy
    Drop(begin::DropColumn),
    /// Rename a table while both run: Song:Track
    Table(table::Args),
    /// Bundle the tables that schema.prisma adds in one migration, in the order of their foreign keys: all of them or none
    Transaction(transaction::Args),
    /// Write the next migration of a plan: the backfill, then the contract once the evidence allows it
    Next(next::Args),
    /// Run a data step that is due, measured on a copy before
    Run(step::Args),
    /// Go back to the start, without loss
    Abort(abort::Args),
}

/// Runs it. Without a command the plans are listed.
///
/// # Errors
/// Exit status 2 for what makes no sense, 3 where the evidence does not allow it.
pub fn run(args: &Args, context: &Context) -> Result<Exit> {
    match &args.command {
        None => list::run(&args.output, context),
        Some(Command::Rename(rename)) => begin::run(rename.asked()?, rename.write, context),
        Some(Command::Retype(retype)) => begin::run(retype.asked(), retype.write, context),
        Some(Command::Split(split)) => begin::run(split.asked(), split.write, context),
        Some(Command::Merge(merge)) => begin::run(merge.asked(), merge.write, context),
        Some(Command::Require(require)) => begin::run(require.asked(), require.write, context),
        Some(Command::Drop(drop)) => begin::run(drop.asked(), drop.write, context),
        Some(Command::Table(table)) => table::run(table, context),
        Some(Command::Transaction(transaction)) => transaction::run(transaction, context),
        Some(Command::Next(next)) => next::run(next, context),
        Some(Command::Run(run)) => step::run(run, context),
        Some(Command::Abort(abort)) => abort::run(abort, context),
    }
}
