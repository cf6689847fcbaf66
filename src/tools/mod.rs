//! Outside programs: the only place that starts them.

pub mod attended;
mod child;
pub mod git;
pub mod own;
pub mod pg_dump;
pub mod postgres;
pub mod prisma;
pub mod scratch;
pub mod script;
pub mod site;

use std::ffi::OsStr;
use std::process::Command;

/// A program to start.
#[expect(clippy::disallowed_methods, reason = "the one place where programs start")]
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    Command::new(program)
}
