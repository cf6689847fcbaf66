//! Arguments as typed. What is not named here is Prisma's and goes through untouched.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands;
use crate::ui::shell::ColorChoice;

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

/// Options everywhere.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Options everywhere")]
pub struct Global {
    /// The project's directory
    #[arg(short = 'C', long = "project", global = true, value_name = "DIR")]
    pub project: Option<PathBuf>,
    /// schema.prisma, or the folder of schema files, as Prisma's
    #[arg(long, global = true, value_name = "PATH")]
    pub schema: Option<String>,
    /// prisma.config.ts, as Prisma's
    #[arg(long, global = true, value_name = "PATH")]
    pub config: Option<String>,
    /// The target database; beats every other source
    #[arg(long, global = true, value_name = "URL", hide_env_values = true)]
    pub url: Option<String>,
    /// An environment of prisma-safe.toml
    #[arg(long = "env", global = true, value_name = "NAME")]
    pub environment: Option<String>,
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: ColorChoice,
    /// Say less
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more; repeat for still more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Ask nothing (implied without a terminal and under CI)
    #[arg(long, global = true)]
    pub non_interactive: bool,
    /// Answer harmless questions with yes; never consents to losing data
    #[arg(short, long, global = true)]
    pub yes: bool,
}

impl Global {
    /// `--schema` and `--config`, as Prisma takes them.
    pub fn prisma(&self) -> Vec<OsString> {
        let mut args = Vec::new();
        for (option, value) in [("--schema", &self.schema), ("--config", &self.config)] {
            if let Some(value) = value {
                args.extend([OsString::from(option), OsString::from(value)]);
            }
        }
        args
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Prisma Migrate: `dev` and `deploy` guarded, `reset` and `resolve` fenced
    Migrate(Migrate),
    /// Prisma's `db` commands: a forced `push` and `execute` fenced
    Db(Db),
    /// Short for `migrate dev`
    Dev(commands::dev::Args),
    /// Short for `migrate deploy`
    Deploy(commands::deploy::Args),
    /// Review migrations: what they destroy, block or break
    Review(commands::review::Args),
    /// What a rule of the review flags, why, and the safe way
    Explain(commands::explain::Args),
    /// List what may be renamed in a migration, with score and evidence
    Renames(commands::rewrite::ListArgs),
    /// Decide and rewrite the renames of a migration that is not applied yet
    Rewrite(commands::rewrite::Args),
    /// Take, list and prove backups
    Backup(commands::backup::Args),
    /// Where the last deployment stands, what is applied, and what to do now
    Status(commands::status::Args),
    /// Check the database as after a deploy: history, definitions, indexes, constraints, sequences, critical queries
    Verify(commands::verify::Args),
    /// Restore a backup: in the place of the live data, into another database, or one table beside the live one
    Restore(commands::restore::Args),
    /// Take a migration back: its reverse, what it destroyed, its row in the history
    Rollback(commands::rollback::Args),
    /// Run the pending migrations on a copy of a backup: time, locks, every value before and after
    Rehearse(commands::rehearse::Args),
    /// Set a project up: package.json scripts, prisma-safe.toml, .gitignore
    Init(commands::init::Args),
    /// The whole journey on an embedded scratch database, from nothing
    Demo(commands::demo::Args),
    /// Shell completions
    Completions(commands::completions::Args),
    /// The man page
    Man,
    /// Everything else is Prisma's
    #[command(external_subcommand)]
    Prisma(Vec<OsString>),
}

/// `migrate …`
#[derive(Debug, Args)]
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
    Dev(commands::dev::Args),
    /// Review, back up, apply atomically, verify
    Deploy(commands::deploy::Args),
    /// Prisma's `migrate reset`; refused on production
    Reset(commands::fence::Reset),
    /// Prisma's `migrate resolve`; on production only when confirmed, after a backup
    Resolve(commands::fence::Resolve),
    /// Prisma's other `migrate` commands
    #[command(external_subcommand)]
    Prisma(Vec<OsString>),
}

/// `db …`
#[derive(Debug, Args)]
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
    Push(commands::fence::Push),
    /// Prisma's `db execute`; on production only when confirmed, after a backup
    Execute(commands::fence::Execute),
    /// Prisma's other `db` commands
    #[command(external_subcommand)]
    Prisma(Vec<OsString>),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
