//! A program that we wait for, and that ends with us: asked first, then made to.

use std::io::{Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::error::{Explain as _, Result};
use crate::wait::{Waited, wait_until};

/// How often the program and the signals are looked at.
const BEAT: Duration = Duration::from_millis(20);
/// How long a program may clean up after itself when it was asked to end.
const GRACE: Duration = Duration::from_secs(10);

/// Waits for its end. After `limit`, or when `interrupt` is set (as Ctrl-C or a signal to us does), it gets SIGTERM, and SIGKILL when
/// it does not end in time; `signal` sends it to the program, or to its process group. Why it ended is for the caller to see.
///
/// # Errors
/// If the operating system does not say what became of it.
pub(super) fn attend(
    child: &mut Child,
    name: &str,
    limit: Duration,
    interrupt: &AtomicBool,
    signal: impl Fn(Signal),
) -> Result<ExitStatus> {
    let explain = || format!("could not wait for {name}");
    if let Waited::Met(status) = within(child, limit, interrupt).explain(explain)? {
        return Ok(status);
    }
    end(child, signal).explain(explain)
}

/// How a program ended by itself, and what it printed.
pub(super) struct Captured {
    pub(super) status: ExitStatus,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// Runs a program in a process group of its own, gives it `input`, and reads what it prints: up to `most` bytes of each stream. The
/// whole group ends with it as [`attend`] ends a program; then what it printed until there is dropped.
///
/// # Errors
/// If it cannot be started, or the operating system does not say what became of it.
pub(super) fn capture(
    mut command: Command,
    input: Option<String>,
    name: &str,
    limit: Duration,
    interrupt: &AtomicBool,
    most: u64,
) -> Result<Waited<Captured>> {
    let explain = || format!("could not wait for {name}");
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().explain(|| format!("could not start {name}"))?;
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
        // it may end before it has read all
        thread::spawn(move || stdin.write_all(input.as_bytes()));
    }
    let stdout = child.stdout.take().map(|stream| reading(stream, most));
    let stderr = child.stderr.take().map(|stream| reading(stream, most));
    let waited = within(&mut child, limit, interrupt).explain(explain)?;
    if let Waited::Met(status) = waited {
        return Ok(Waited::Met(Captured { status, stdout: text(stdout), stderr: text(stderr) }));
    }
    let group = Pid::from_raw(child.id().cast_signed());
    end(&mut child, |signal| {
        if let Some(group) = group {
            // it may have ended by itself
            let _ = kill_process_group(group, signal);
        }
    })
    .explain(explain)?;
    Ok(if matches!(waited, Waited::TimedOut) { Waited::TimedOut } else { Waited::Interrupted })
}

/// Reads a stream to its end in a thread of its own: a full pipe would stop the program.
fn reading(mut stream: impl Read + Send + 'static, most: u64) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // what was read until an error is still worth showing
        let _ = stream.by_ref().take(most).read_to_end(&mut bytes);
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn text(thread: Option<thread::JoinHandle<String>>) -> String {
    thread.and_then(|thread| thread.join().ok()).unwrap_or_default()
}

/// Ends a program: asks it first, and a second Ctrl-C does not make its cleaning up shorter.
fn end(child: &mut Child, signal: impl Fn(Signal)) -> std::io::Result<ExitStatus> {
    signal(Signal::TERM);
    if let Waited::Met(status) = within(child, GRACE, &AtomicBool::new(false))? {
        return Ok(status);
    }
    signal(Signal::KILL);
    child.wait()
}

/// Waits for its end so long at most.
fn within(child: &mut Child, limit: Duration, interrupt: &AtomicBool) -> std::io::Result<Waited<ExitStatus>> {
    wait_until(limit, BEAT, interrupt, || child.try_wait())
}
