//! What every command is given.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use crate::env::Env;
use crate::ui::Shell;
use crate::ui::shell::ColorChoice;

/// Built once in `lib.rs`, given to every command.
#[derive(Debug)]
pub struct Context {
    /// The terminal.
    pub shell: Shell,
    /// The environment.
    pub env: Env,
    /// Where the command runs: `-C`, or the current directory.
    pub directory: PathBuf,
    /// Options everywhere, as typed.
    pub global: Global,
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
    /// Get PostgreSQL server programs with npm where a scratch server finds none
    #[arg(long, global = true)]
    pub install_server: bool,
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
