//! prisma-safe itself, started as a separate program: its output is read, and it ends when the caller no longer waits.

use std::ffi::OsString;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, kill_process_group};

use super::site::reading;
use super::{child, command};
use crate::error::{Error, Explain as _, Result};

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

/// Runs it to its end, whatever its exit status; it and what it started end when `stop` is set.
///
/// # Errors
/// Exit status 1 if it cannot be started or did not end in time, 130 if it was stopped.
pub fn run(own: Own<'_>, stop: &AtomicBool) -> Result<Printed> {
    let program = std::env::current_exe().explain(|| "could not find our own program".into())?;
    let mut command = command(program);
    command.args(&own.words).current_dir(own.directory).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    command.stdin(if own.input.is_some() { Stdio::piped() } else { Stdio::null() });
    let started = Instant::now();
    let mut child = command.spawn().explain(|| "could not start prisma-safe".into())?;
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), own.input) {
        // it may end before it has read all
        thread::spawn(move || stdin.write_all(input.as_bytes()));
    }
    let (stdout, stderr) = (child.stdout.take().map(reading), child.stderr.take().map(reading));
    let group = Pid::from_raw(child.id().cast_signed());
    child::attend(&mut child, "prisma-safe", own.limit, stop, |signal| {
        if let Some(group) = group {
            // it may have ended by itself
            let _ = kill_process_group(group, signal);
        }
    })?;
    if stop.load(Ordering::Relaxed) {
        return Err(Error::cancelled());
    }
    if started.elapsed() >= own.limit {
        let limit = own.limit.as_secs();
        return Err(Error::failed(format!("it did not answer within {limit} seconds and was ended"))
            .help("see whether the database answers; `offline` asks none"));
    }
    let text =
        |thread: Option<thread::JoinHandle<String>>| thread.and_then(|thread| thread.join().ok()).unwrap_or_default();
    Ok(Printed { stdout: text(stdout), stderr: text(stderr) })
}
