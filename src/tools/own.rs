//! prisma-safe itself, started as a separate program: its output is read, and it ends when the caller no longer waits.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::child::{self, Captured};
use super::command;
use crate::error::{Error, Explain as _, Result};
use crate::wait::Waited;

/// Its arguments and input.
#[derive(Debug)]
pub struct Own<'a> {
    pub words: Vec<OsString>,
    pub directory: &'a Path,
    /// What it reads from stdin.
    pub input: Option<String>,
    /// It is ended after this time.
    pub limit: Duration,
}

/// What it printed.
#[derive(Debug)]
pub struct Printed {
    pub stdout: String,
    pub stderr: String,
}

/// Lets it talk to the person itself: stdin, stdout and stderr are ours.
///
/// # Errors
/// Exit status 1 if it cannot be started.
pub fn attend(words: &[OsString], directory: &Path) -> Result<ExitStatus> {
    let program = std::env::current_exe().explain(|| "could not find our own program".into())?;
    let status = command(program).args(words).current_dir(directory).status();
    status.explain(|| "could not start prisma-safe once more".into())
}

/// Runs it to its end, whatever its exit status; it and what it started end when `stop` is set.
///
/// # Errors
/// Exit status 1 if it cannot be started or did not end in time, 130 if it was stopped.
pub fn run(own: Own<'_>, stop: &AtomicBool) -> Result<Printed> {
    let program = std::env::current_exe().explain(|| "could not find our own program".into())?;
    let mut command = command(program);
    command.args(&own.words).current_dir(own.directory);
    let captured = child::capture(command, own.input, "prisma-safe", own.limit, stop, u64::MAX)?;
    if stop.load(Ordering::Relaxed) {
        return Err(Error::cancelled());
    }
    let Captured { end, stdout, stderr } = captured;
    match end {
        Waited::Met(_) => Ok(Printed { stdout, stderr }),
        Waited::Interrupted => Err(Error::cancelled()),
        Waited::TimedOut => {
            let limit = own.limit.as_secs();
            Err(Error::failed(format!("it did not answer within {limit} seconds and was ended"))
                .help("see whether the database answers; `offline` asks none"))
        }
    }
}
