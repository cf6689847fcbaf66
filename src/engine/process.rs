//! The real engine as a child process.
//!
//! If we are killed, its stdin closes and it ends by itself, after the call it is in: a migration that has begun is finished
//! and recorded, as it is when Prisma itself is killed.

use std::io::{self, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::Duration;

use super::binary::VARIABLES;
use super::inbox::{Event, Outbox};
use super::wire::{Frame, Hello};
use crate::env::Env;
use crate::error::{Error, Result};
pub(super) use crate::system::process::code;
use crate::system::process::{self, Signal};
use crate::wait::{Waited, wait_until};

/// How long an engine may take to end by itself once its client is gone.
const GRACE: Duration = Duration::from_millis(500);

/// A running engine. Stopped when dropped.
pub(super) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    stderr: Option<JoinHandle<()>>,
}

/// The engine, in the place where Prisma started us.
pub(super) fn command(binary: &Path, hello: &Hello, env: &Env) -> Command {
    let mut command = crate::tools::command(binary);
    command.args(&hello.args).current_dir(hello.directory()).env_clear();
    command.envs(hello.env.iter().map(|(key, value)| (key.as_os_str(), value.as_os_str())));
    for name in VARIABLES {
        match env.get(name) {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

pub(super) fn not_started(binary: &Path, error: io::Error) -> Error {
    let help = match error.kind() {
        io::ErrorKind::PermissionDenied => format!("make it executable: chmod +x {}", binary.display()),
        _ => {
            "install the project's packages again on this machine, so that Prisma fetches the engine made for it".into()
        }
    };
    Error::failed(format!("could not start Prisma's schema engine {}", binary.display())).because(error).help(help)
}

/// Runs a command of the engine's command line to its end.
pub(super) fn run(binary: &Path, hello: &Hello, env: &Env) -> Result<Output> {
    command(binary, hello, env).stdin(Stdio::null()).output().map_err(|error| not_started(binary, error))
}

impl Process {
    /// Starts the engine for calls: its stdout is posted line by line, its stderr goes straight to the seat.
    pub(super) fn start(
        binary: &Path,
        hello: &Hello,
        env: &Env,
        session: u64,
        post: Sender<Event>,
        seat: Outbox,
    ) -> Result<Self> {
        let mut child = command(binary, hello, env)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| not_started(binary, error))?;
        let stdin = child.stdin.take();
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        std::thread::spawn(move || {
            if let Some(stdout) = stdout {
                lines(BufReader::new(stdout), |line| drop(post.send(Event::Engine(session, Some(line)))));
            }
            // the receiver is gone after the journey
            let _ = post.send(Event::Engine(session, None));
        });
        let stderr = stderr.map(|mut stderr| {
            std::thread::spawn(move || {
                let mut bytes = vec![0; 8192];
                while let Ok(length @ 1..) = stderr.read(&mut bytes) {
                    seat.send(&Frame::Err(bytes[..length].to_vec()));
                }
            })
        });
        Ok(Self { child, stdin, stderr })
    }

    /// Sends a line. An engine that is gone is noticed by the end of its stdout.
    pub(super) fn send(&mut self, line: &[u8]) {
        if let Some(stdin) = &mut self.stdin {
            let _ = stdin.write_all(line).and_then(|()| stdin.flush());
        }
    }

    /// Ends the engine as Prisma does: closes its stdin; then, if it lingers, by signals. All it said on stderr has
    /// reached the seat afterwards.
    pub(super) fn stop(&mut self) -> io::Result<ExitStatus> {
        self.stdin = None;
        let status = match wait(&mut self.child, GRACE)? {
            Some(status) => status,
            None => {
                let _ = process::signal(self.child.id(), Signal::Terminate);
                match wait(&mut self.child, GRACE * 4)? {
                    Some(status) => status,
                    None => {
                        self.child.kill()?;
                        self.child.wait()?
                    }
                }
            }
        };
        if let Some(stderr) = self.stderr.take() {
            let _ = stderr.join();
        }
        Ok(status)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

/// Waits for a child, but not longer than this.
fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    // most end at once, and every command of Prisma's waits for that
    const STEP: Duration = Duration::from_millis(1);
    Ok(match wait_until(limit, STEP, &AtomicBool::new(false), || child.try_wait())? {
        Waited::Met(status) => Some(status),
        Waited::TimedOut | Waited::Interrupted => None,
    })
}

/// Calls back with each line, its newline included.
pub(super) fn lines(mut from: impl io::BufRead, mut each: impl FnMut(Vec<u8>)) {
    loop {
        let mut line = Vec::new();
        match from.read_until(b'\n', &mut line) {
            Ok(1..) => each(line),
            _ => break,
        }
    }
}
