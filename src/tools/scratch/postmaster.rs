//! The process of a server: started, awaited, ended. `pg_ctl` does the same and looks ten times a second, which the person waits
//! for twice; this looks more often, and learns at once that the process has ended.

use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::error::{Error, Explain as _, Result};
use crate::system::process::{self, Signal, own_group};

/// As long as `pg_ctl` waits.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often is looked.
const PAUSE: Duration = Duration::from_millis(3);

/// A server's process.
#[derive(Debug)]
pub(super) struct Postmaster {
    id: u32,
    /// Waits for its end: a process that is not waited for stays in the system's list.
    waiting: JoinHandle<()>,
}

impl Postmaster {
    /// Starts it, in a process group of its own, where no Ctrl-C reaches it; it takes sessions then.
    ///
    /// # Errors
    /// If it ends before that; its log tells why.
    pub(super) fn start(mut command: Command, data: &Path) -> Result<Self> {
        let failed = || Error::failed("PostgreSQL did not start");
        let mut child = own_group(&mut command).spawn().explain(|| "could not start postgres".into())?;
        let start = Instant::now();
        while !is_ready(data, child.id()) {
            if let Some(status) = child.try_wait().explain(|| "could not wait for postgres".into())? {
                return Err(failed().because(format!("it ended with {status}")));
            }
            if start.elapsed() > PATIENCE {
                Self::of(child).stop(Signal::Quit);
                return Err(failed().because(format!("it was not ready after {} s", PATIENCE.as_secs())));
            }
            thread::sleep(PAUSE);
        }
        Ok(Self::of(child))
    }

    fn of(mut child: Child) -> Self {
        let id = child.id();
        let waiting = thread::spawn(move || {
            let _ = child.wait();
        });
        Self { id, waiting }
    }

    /// Ends it: `INT` ends its sessions in order, `QUIT` at once. Tells whether it has ended.
    pub(super) fn stop(self, signal: Signal) -> bool {
        if !self.waiting.is_finished() && process::signal(self.id, signal).is_err() {
            return false;
        }
        let start = Instant::now();
        while !self.waiting.is_finished() && start.elapsed() < PATIENCE {
            thread::sleep(PAUSE);
        }
        self.waiting.is_finished()
    }
}

/// Whether the server with this process takes sessions: PostgreSQL ≥ 10 says so in the eighth line of its lock file.
fn is_ready(data: &Path, pid: u32) -> bool {
    let text = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
    let mut lines = text.lines();
    lines.next().is_some_and(|line| line.trim() == pid.to_string())
        && lines.nth(6).is_some_and(|line| line.starts_with("ready"))
}
