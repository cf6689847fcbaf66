//! Programs that talk to the person themselves, while we watch for Ctrl-C.
#![expect(clippy::disallowed_methods, reason = "tools/ is where programs are started")]

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::error::{Error, Explain as _, Result};
use crate::ui::interrupt::{self, Guard};

/// How often the program and the signals are looked at.
const BEAT: Duration = Duration::from_millis(20);

/// How long a program may clean up after itself when it was asked to end.
const GRACE: Duration = Duration::from_secs(10);

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
pub fn run(attended: &Attended<'_>, _signals_are_held_back: &Guard) -> Result<ExitStatus> {
    let name = attended.program.to_string_lossy();
    let mut command = Command::new(attended.program);
    for variable in attended.remove {
        command.env_remove(variable);
    }
    command.args(&attended.arguments).current_dir(attended.directory).envs(attended.set.iter().copied());
    let mut child = command.stdin(Stdio::null()).spawn().explain(|| format!("could not start {name}"))?;
    let mut asked: Option<Instant> = None;
    loop {
        if let Some(status) = child.try_wait().explain(|| format!("could not wait for {name}"))? {
            return if interrupt::requested() { Err(Error::cancelled()) } else { Ok(status) };
        }
        match asked {
            None if interrupt::requested() => {
                // a Ctrl-C at the terminal has reached it already, a signal to us alone has not
                if let Some(pid) = Pid::from_raw(child.id().cast_signed()) {
                    let _ = kill_process(pid, Signal::TERM);
                }
                asked = Some(Instant::now());
            }
            Some(since) if since.elapsed() > GRACE => {
                let _ = child.kill();
            }
            _ => {}
        }
        thread::sleep(BEAT);
    }
}
