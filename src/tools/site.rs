//! Programs of the site's own: what prisma-safe.toml names, run as it stands there.
#![expect(clippy::disallowed_methods, reason = "tools/ is where programs are started")]

use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::child::{self, Captured};
use crate::error::{Error, Result};
use crate::system::user;
use crate::ui::Shell;
use crate::ui::interrupt::Guard;
use crate::wait::Waited;

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
    let mut command = Command::new(program);
    command.args(words).current_dir(site.directory).envs(site.set.iter().copied());
    let captured = child::capture(command, None, program, Duration::MAX, &guard.flag(), u64::MAX)?;
    guard.check()?;
    let Captured { end, stdout: said, stderr: complained } = captured;
    let Waited::Met(status) = end else {
        return Err(Error::cancelled());
    };
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
    let sudo = if user::is_root() { "" } else { "sudo " };
    format!("install it, on Debian and Ubuntu: {sudo}apt-get install -y {package}")
}
