//! Programs of the site's own: what prisma-safe.toml names, run as it stands there.
#![expect(clippy::disallowed_methods, reason = "tools/ is where programs are started")]

use std::io::{ErrorKind, Read};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, kill_process_group};

use super::child;
use crate::error::{Error, Explain as _, Result};
use crate::ui::Shell;
use crate::ui::interrupt::Guard;

/// Lines of its output that an error shows.
const SHOWN: usize = 20;

/// A program and its words.
#[derive(Debug, Clone, Copy)]
pub struct Site<'a> {
    /// The program and its arguments.
    pub words: &'a [String],
    pub directory: &'a Path,
    /// Variables it gets beside those of our environment.
    pub set: &'a [(&'a str, &'a str)],
}

/// Runs it to its end; gives what it printed. What it says on stderr is shown through `shell`.
///
/// # Errors
/// Exit status 1 if it cannot be started or fails, with its last words; 130 after Ctrl-C, once it has ended too.
pub fn run(site: &Site<'_>, guard: &Guard, shell: Option<&Shell>) -> Result<String> {
    let [program, words @ ..] = site.words else { return Err(Error::usage("no program is named")) };
    let failed = || format!("could not start {program}");
    let mut command = Command::new(program);
    command.args(words).current_dir(site.directory).envs(site.set.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().explain(failed)?;
    let (stdout, stderr) = (child.stdout.take().map(reading), child.stderr.take().map(reading));
    let group = Pid::from_raw(child.id().cast_signed());
    let status = child::attend(&mut child, program, Duration::MAX, &guard.flag(), |signal| {
        if let Some(group) = group {
            // it may have ended by itself
            let _ = kill_process_group(group, signal);
        }
    })?;
    let text =
        |thread: Option<thread::JoinHandle<String>>| thread.and_then(|thread| thread.join().ok()).unwrap_or_default();
    let (said, complained) = (text(stdout), text(stderr));
    guard.check()?;
    if status.success() {
        for line in complained.lines() {
            shell.into_iter().for_each(|shell| shell.detail(line));
        }
        return Ok(said);
    }
    let lines: Vec<&str> = said.lines().chain(complained.lines()).collect();
    let last = lines[lines.len().saturating_sub(SHOWN)..].join("\n");
    Err(Error::failed(format!("{program} failed ({status})")).because(if last.is_empty() {
        "it said nothing".into()
    } else {
        last
    }))
}

/// Whether a program could not be started because it is not there.
pub fn is_missing(error: &Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
    source.is_some_and(|error| error.kind() == ErrorKind::NotFound)
}

/// The command that installs a package of this name on this system.
pub fn install(package: &str) -> String {
    let sudo = if rustix::process::geteuid().is_root() { "" } else { "sudo " };
    format!("install it, on Debian and Ubuntu: {sudo}apt-get install -y {package}")
}

/// Reads a stream to its end in a thread of its own: a full pipe would stop the program.
pub(super) fn reading(mut stream: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // what was read until an error is still worth showing
        let _ = stream.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
