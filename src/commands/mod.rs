//! The command line: one subcommand a file, its arguments and the order of its stages. What is not named here is Prisma's
//! and goes through untouched.

pub mod agent;
mod aim;
pub mod backfill;
pub mod backup;
pub mod catalog;
pub mod completions;
pub mod decisions;
pub mod demo;
pub mod deploy;
pub mod dev;
pub mod doctor;
pub mod door;
pub mod explain;
pub mod fence;
pub mod guard;
pub mod init;
pub mod man;
pub mod mcp;
pub mod monitor;
pub mod output;
mod pass;
pub mod phases;
pub mod rehearse;
pub mod report;
pub mod restore;
pub mod review;
pub mod rewrite;
pub mod rollback;
mod slip;
pub mod status;
pub mod test;
pub mod verify;

use std::ffi::OsString;

use clap::{CommandFactory as _, Parser, Subcommand};

pub use self::aim::{Aim, Seen, classify, no_url, on_disk, target, target_alone};
use self::pass::{diff, pass, replays};
use crate::config::Config;
use crate::context::{Context, Global};
use crate::error::Result;
use crate::exit::Exit;
use crate::project::{Migration, Project};
use crate::shadow::{Judge, Shadow};
use crate::ui::Shell;
use crate::undo::down::{self, Renewed};

/// Stands in for `prisma`: keeps renames, proves a backup, reviews, and deploys atomically.
///
/// Takes what `prisma` takes. `migrate dev` and `migrate deploy` are guarded; `migrate reset`, `migrate resolve`,
/// `db push` (forced) and `db execute` are fenced on production; everything else goes to Prisma untouched.
#[derive(Debug, Parser)]
#[command(
    name = "prisma-safe",
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    arg_required_else_help = true
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Prisma Migrate: `dev` and `deploy` guarded, `reset` and `resolve` fenced
    Migrate(Migrate),
    /// Prisma's `db` commands: a forced `push` and `execute` fenced
    Db(Db),
    /// Short for `migrate dev`
    Dev(dev::Args),
    /// Short for `migrate deploy`
    Deploy(deploy::Args),
    /// Review migrations: what they destroy, block or break
    Review(review::Args),
    /// Write the target's definitions and row estimates to a file, for `review --catalog FILE` where the target cannot be reached
    Catalog(catalog::Args),
    /// What a rule of the review flags, why, and the safe way
    Explain(explain::Args),
    /// List what may be renamed in a migration, with score and evidence
    Renames(rewrite::ListArgs),
    /// Decide and rewrite the renames of a migration that is not applied yet
    Rewrite(rewrite::Args),
    /// Take, list and prove backups
    Backup(backup::Args),
    /// Where the last deployment stands, what is applied, and what to do now
    Status(status::Args),
    /// Check the database as after a deploy: history, definitions, indexes, constraints, sequences, critical queries
    Verify(verify::Args),
    /// How the database does since the last deployment: indexes, sessions, replicas, statements; healthy, watch or roll back
    Monitor(monitor::Args),
    /// Check the set-up: Prisma, the database and the way to it, what backups and rehearsals need, what leads past prisma-safe
    Doctor(doctor::Args),
    /// A deployment as one HTML page, made from its journal
    Report(report::Args),
    /// Restore a backup: in the place of the live data, into another database, or one table beside the live one
    Restore(restore::Args),
    /// Take a migration back: its reverse, what it destroyed, its row in the history
    Rollback(rollback::Args),
    /// Expand, backfill, contract: change or drop a column while the old and the new release run
    Phases(phases::Args),
    /// Fill a plan's column in batches, beside everyone else's work; goes on where an earlier run has stopped
    Backfill(backfill::Args),
    /// The guard inside the database: its schema changes in deployments only
    Guard(guard::Args),
    /// Run the pending migrations on a copy of a backup: time, locks, every value before and after
    Rehearse(rehearse::Args),
    /// Run any SQL on a copy of a backup, and report what it did there: time, locks, rows, every value
    Test(test::Args),
    /// Rules and a hook for coding agents
    Agent(agent::Args),
    /// Serve read-only tools to coding agents over stdio (Model Context Protocol): review, renames, explain, status
    Mcp(mcp::Args),
    /// Set a project up: package.json scripts, prisma-safe.toml, .gitignore
    Init(init::Args),
    /// The whole journey on an embedded scratch database, from nothing
    Demo(demo::Args),
    /// Shell completions
    Completions(completions::Args),
    /// The man pages
    Man(man::Args),
    /// Everything else is Prisma's
    #[command(external_subcommand)]
    Prisma(Vec<OsString>),
}

impl Command {
    /// Whether it runs Prisma within a journey of ours, so that Prisma's failure is its own.
    pub fn guards_prisma(&self) -> bool {
        let inner = match self {
            Self::Migrate(Migrate { command }) => command.as_ref(),
            _ => None,
        };
        matches!(self, Self::Dev(_) | Self::Deploy(_))
            || matches!(inner, Some(MigrateCommand::Dev(_) | MigrateCommand::Deploy(_)))
    }
}

/// `migrate …`
#[derive(Debug, clap::Args)]
#[command(subcommand_required = false, arg_required_else_help = false)]
pub struct Migrate {
    #[command(subcommand)]
    pub command: Option<MigrateCommand>,
}

/// What `migrate` does.
#[derive(Debug, Subcommand)]
#[command(disable_help_subcommand = true)]
pub enum MigrateCommand {
    /// Draft a migration: find renames, rewrite, prove, review; then apply it to a development database
    Dev(dev::Args),
    /// Review, back up, apply atomically, verify
    Deploy(deploy::Args),
    /// Prisma's `migrate reset`; refused on production
    Reset(fence::Reset),
    /// Prisma's `migrate resolve`; on production only when confirmed, after a backup
    Resolve(fence::Resolve),
    /// Prisma's other `migrate` commands
    #[command(external_subcommand)]
    Prisma(Vec<OsString>),
}

/// `db …`
#[derive(Debug, clap::Args)]
#[command(subcommand_required = false, arg_required_else_help = false)]
pub struct Db {
    #[command(subcommand)]
    pub command: Option<DbCommand>,
}

/// What `db` does.
#[derive(Debug, Subcommand)]
#[command(disable_help_subcommand = true)]
pub enum DbCommand {
    /// Prisma's `db push`; forced or with data loss, on production only when confirmed, after a backup
    Push(fence::Push),
    /// Prisma's `db execute`; on production only when confirmed, after a backup
    Execute(fence::Execute),
    /// Prisma's other `db` commands
    #[command(external_subcommand)]
    Prisma(Vec<OsString>),
}

/// Runs what was asked for.
///
/// # Errors
/// Whatever the command says; the exit status is the error's.
pub fn run(command: Option<Command>, context: &Context) -> Result<Exit> {
    let Some(command) = command else {
        // `prisma -v` prints versions; `-v` alone is that
        return pass(context, &[], vec!["-v".into()]);
    };
    match command {
        Command::Dev(args) => dev::run(&args, context),
        Command::Deploy(args) => deploy::run(&args, context),
        Command::Migrate(Migrate { command }) => match command {
            Some(MigrateCommand::Dev(args)) => dev::run(&args, context),
            Some(MigrateCommand::Deploy(args)) => deploy::run(&args, context),
            Some(MigrateCommand::Reset(args)) => fence::run(&args, context),
            Some(MigrateCommand::Resolve(args)) => fence::run(&args, context),
            // only where migrations are replayed is there anything to guard
            Some(MigrateCommand::Prisma(rest)) if replays(&rest) => diff(context, rest),
            Some(MigrateCommand::Prisma(rest)) => pass(context, &["migrate"], rest),
            None => pass(context, &["migrate"], Vec::new()),
        },
        Command::Db(Db { command }) => match command {
            Some(DbCommand::Push(args)) => fence::run(&args, context),
            Some(DbCommand::Execute(args)) => fence::run(&args, context),
            Some(DbCommand::Prisma(rest)) => pass(context, &["db"], rest),
            None => pass(context, &["db"], Vec::new()),
        },
        Command::Renames(args) => rewrite::list(&args, context),
        Command::Rewrite(args) => rewrite::run(&args, context),
        Command::Review(args) => review::run(&args, context),
        Command::Catalog(args) => catalog::run(&args, context),
        Command::Explain(args) => explain::run(&args, context),
        Command::Backup(args) => backup::run(&args, context),
        Command::Status(args) => status::run(&args, context),
        Command::Verify(args) => verify::run(&args, context),
        Command::Monitor(args) => monitor::run(&args, context),
        Command::Doctor(args) => doctor::run(&args, context),
        Command::Report(args) => report::run(&args, context),
        Command::Restore(args) => restore::run(&args, context),
        Command::Rollback(args) => rollback::run(&args, context),
        Command::Rehearse(args) => rehearse::run(&args, context),
        Command::Test(args) => test::run(&args, context),
        Command::Backfill(args) => backfill::run(&args, context),
        Command::Phases(args) => phases::run(&args, context),
        Command::Guard(args) => guard::run(&args, context),
        Command::Agent(args) => agent::run(&args, context),
        Command::Mcp(args) => mcp::run(&args, context),
        Command::Init(args) => init::run(&args, context),
        Command::Demo(args) => demo::run(&args, context),
        Command::Completions(args) => Ok(completions::run(&args, Cli::command(), context)),
        Command::Man(args) => man::run(&args, Cli::command(), context),
        Command::Prisma(rest) => {
            slip::demand_prismas(&rest, &Cli::command())?;
            pass(context, &[], rest)
        }
    }
}

/// Where a command lets Prisma replay migrations.
pub fn shadow<'a>(project: &Project, config: &'a Config, context: &'a Context) -> Shadow<'a> {
    let judge = Judge { environments: &config.environments, env: &context.env };
    Shadow::new(config.shadow, judge, config.backup.pg_bin.as_deref(), project.root(), &context.shell)
}

/// A changed migration has another reverse: `down.sql` follows it, unless it was edited.
///
/// # Errors
/// Exit status 1 if it cannot be written.
pub fn renew_down(migration: &Migration, earlier: &[Migration], schema: &str, shell: &Shell) -> Result<()> {
    match down::renew(migration, earlier, schema)? {
        Renewed::Kept => shell.note(format!(
            "{}/{} was edited by hand and is kept: see whether it still is the reverse",
            migration.name,
            down::FILE
        )),
        Renewed::Written => shell.debug(format_args!("wrote {}/{}", migration.name, down::FILE)),
        Renewed::Renewed => {
            shell.debug(format_args!("wrote {}/{} again: the migration has changed", migration.name, down::FILE));
        }
        Renewed::Current => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests;
