//! Programs that talk to the person themselves, while we watch for Ctrl-C.
#![expect(clippy::disallowed_methods, reason = "tools/ is where programs are started")]

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use super::child;
use crate::error::{Explain as _, Result};
use crate::system::process;
use crate::ui::interrupt::Guard;

/// A program to run.
#[derive(Debug)]
pub struct Attended<'a> {
    pub program: &'a OsStr,
    pub arguments: Vec<OsString>,
    pub directory: &'a Path,
    /// Variables it gets beside those of our environment.
    pub set: &'a [(&'a str, &'a OsStr)],
    /// Variables of our environment that it does not get.
    pub remove: &'a [&'a str],
}

/// Runs a program to its end, without stdin, on our stdout and stderr.
///
/// # Errors
/// Exit status 130 after Ctrl-C or a signal to us, once the program has ended too; 1 if it could not be started.
pub fn run(attended: &Attended<'_>, guard: &Guard) -> Result<ExitStatus> {
    let name = attended.program.to_string_lossy();
    let mut command = Command::new(attended.program);
    for variable in attended.remove {
        command.env_remove(variable);
    }
    command.args(&attended.arguments).current_dir(attended.directory).envs(attended.set.iter().copied());
    let mut child = command.stdin(Stdio::null()).spawn().explain(|| format!("could not start {name}"))?;
    let id = child.id();
    let status = child::attend(&mut child, &name, Duration::MAX, &guard.flag(), |signal| {
        // a Ctrl-C at the terminal has reached it already, a signal to us alone has not
        let _ = process::signal(id, signal);
    })?;
    guard.check()?;
    Ok(status)
}
