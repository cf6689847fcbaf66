//! prisma-safe stands in for `prisma`: it runs the real one with itself in the schema engine's seat.
//!
//! A walk through the crate, in the order a migration takes:
//!
//! | module | what it is |
//! |---|---|
//! | `context`, `env` | what every command is given: shell, options, environment |
//! | `commands` | the command line; one command a file: the order of stages, no work |
//! | `project` | where Prisma lives: root, package manager, version, migrations |
//! | `engine` | the seat between Prisma and its schema engine, one file a role |
//! | `tools` | outside programs |
//! | `database` | URL, connection, Prisma's history table, locks, poolers |
//! | `sql` | migrations as lossless text with statements, byte ranges and edits |
//! | `catalog` | what the migrations build, replayed |
//! | `effects` | what a statement does to data |
//! | `rename` | candidates, evidence, decisions, rewrite, proof |
//! | `rules`, `review` | findings, acceptances, verdict, plan hash |
//! | `backup` | dump, proof, manifest |
//! | `values` | are these rows the same? |
//! | `conservation` | what went: rows, values, objects, rights |
//! | `rehearsal` | the same deploy on a copy: time, locks, every value before and after |
//! | `guard` | the guard inside the database, and the tokens that pass it |
//! | `transaction` | work in one transaction: locks, tries, blockers named, Ctrl-C, a lost commit settled |
//! | `deploy` | preflight, atomic apply, verification, journal |
//! | `phases` | expand, backfill, contract: plans and their evidence |
//! | `backfill` | filling a column in batches, beside everyone else |
//! | `undo` | what a migration destroys is kept; its reverse; rollback |
//! | `target`, `consent`, `agent` | production or not; a person's word, and whose it is not |
//! | `shadow` | the database that migrations are replayed in |
//! | `drafting` | from a draft to the migration that is written |
//! | `config`, `setting` | prisma-safe.toml as a whole; how one value of it is read |
//! | `agent_setup`, `mcp` | rules, a hook and read-only tools for coding agents |
//! | `init`, `demo` | setting a project up; showing it all |
//! | `doctor` | what a deploy will need, looked at before one is wanted |
//! | `monitor` | how the database does since the last deployment |
//! | `changes` | files that a command offers to change |
//! | `atomic`, `digest` | files that no crash leaves half written; short hashes |
//! | `wait` | waiting for a condition |
//! | `system` | what Unix and Windows do differently |
//! | `report` | one output format a file |
//! | `ui` | the only writer to the terminal |
//!
//! Imports run downwards: `tests/layers.rs` lists the floors.

// the tests' readers of labelled cases name the crate, as `make eval` does
#[cfg(test)]
extern crate self as prisma_safe;

pub mod agent;
pub mod agent_setup;
pub mod atomic;
pub mod backfill;
pub mod backup;
pub mod catalog;
pub mod changes;
pub mod commands;
pub mod config;
pub mod consent;
pub mod conservation;
pub mod context;
pub mod database;
pub mod demo;
pub mod deploy;
pub mod digest;
pub mod doctor;
pub mod drafting;
pub mod effects;
pub mod engine;
pub mod env;
pub mod error;
pub mod exit;
pub mod guard;
pub mod init;
pub mod mcp;
pub mod monitor;
pub mod phases;
pub mod project;
#[cfg(test)]
mod proof;
pub mod rehearsal;
pub mod rename;
pub mod report;
pub mod review;
pub mod rules;
pub mod setting;
pub mod shadow;
pub mod sql;
pub mod steps;
pub mod system;
pub mod target;
pub mod tools;
pub mod transaction;
pub mod ui;
pub mod undo;
pub mod values;
pub mod wait;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser as _;

use crate::agent::Agent;
use crate::commands::{Cli, Command};
use crate::context::{Context, Global};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::ui::Shell;
use crate::ui::shell::ColorChoice;

/// `prisma-safe`: parses, runs, and gives the exit status.
pub fn main(args: Vec<OsString>) -> ExitCode {
    start(args, |_| Ok(None))
}

/// `cargo prisma-safe`: the same, in the Prisma project of the Cargo workspace unless `-C` names one.
pub fn cargo_main(args: Vec<OsString>) -> ExitCode {
    start(args, |directory| project::cargo::find(directory).map(Some))
}

/// A TMPDIR that cannot be written, as a container may have it, is no reason to stop.
fn let_temporary_files_be() {
    let writable = |place: &Path| system::files::demand_writable(place).is_ok();
    if writable(&std::env::temp_dir()) {
        return;
    }
    if let Some(place) = ["/tmp", "/var/tmp", "/dev/shm"].map(Path::new).into_iter().find(|place| writable(place)) {
        // none was chosen before
        let _ = tempfile::env::override_temp_dir(place);
    }
}

/// `locate` may name another directory than the current one. In the engine's seat we are the engine instead, whichever
/// program was started.
fn start(args: Vec<OsString>, locate: impl FnOnce(&Path) -> Result<Option<PathBuf>>) -> ExitCode {
    let_temporary_files_be();
    if let Some(socket) = args.first().and_then(|program| engine::seat::taken(program)) {
        return engine::seat::sit(&socket);
    }
    if args.get(1).is_some_and(|word| word == engine::door::WORD) {
        return at_the_door(args.into_iter().skip(2).collect());
    }
    let json = report::failure::is_asked(&args);
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            if json && error.use_stderr() {
                let shell = Shell::new(true, 0, ColorChoice::Never, true, &|_| None);
                let first =
                    error.to_string().lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
                shell.print(&report::failure::document(&Error::usage(first), Exit::Usage));
            }
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Done.into() };
        }
    };
    let env = Env::read();
    let global = cli.global;
    let guards = cli.command.as_ref().is_some_and(Command::guards_prisma);
    // no person answers at an agent's terminal
    let silent = global.non_interactive || Agent::detect(&env).is_some();
    let shell =
        Shell::new(global.quiet, global.verbose, global.color, silent, &|name| env.get(name).map(str::to_owned));
    let run = || {
        let current =
            std::env::current_dir().map_err(|error| Error::failed("the current directory is gone").because(error))?;
        let directory = match &global.project {
            Some(directory) => current.join(directory),
            None => locate(&current)?.unwrap_or(current),
        };
        if !directory.is_dir() {
            return Err(Error::usage(format!("directory {} does not exist", directory.display())));
        }
        if let Some(place) = env.get(deploy::journal::PLACE_VARIABLE) {
            deploy::journal::choose(directory.join(place));
        }
        tools::scratch::offer(shell.clone(), global.install_server);
        commands::run(cli.command, &Context { shell: shell.clone(), env, directory, global })
    };
    match run() {
        Ok(exit) => {
            if json && guards && exit.code() != 0 && !shell.has_printed() {
                let error = Error::failed("Prisma failed: stderr holds what it said");
                shell.print(&report::failure::document(&error, exit));
            }
            exit.into()
        }
        Err(error) => {
            shell.error(&error);
            if json && !shell.has_printed() {
                shell.print(&report::failure::document(&error, error.exit()));
            }
            error.exit().into()
        }
    }
}

/// Plain Prisma has started us as its engine: what we say is the engine's.
fn at_the_door(args: Vec<OsString>) -> ExitCode {
    let env = Env::read();
    let shell = Shell::new(true, 0, ColorChoice::Never, true, &|name| env.get(name).map(str::to_owned));
    let run = || {
        let directory =
            std::env::current_dir().map_err(|error| Error::failed("the current directory is gone").because(error))?;
        let context = Context { shell: shell.clone(), env, directory, global: Global::default() };
        commands::door::run(args, &context)
    };
    match run() {
        Ok(exit) => exit.into(),
        Err(error) => {
            shell.error(&error);
            error.exit().into()
        }
    }
}
