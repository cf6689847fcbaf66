//! A program that we wait for, and that ends with us: asked first, then made to.
#![expect(clippy::disallowed_methods, reason = "tools/ is where programs are started")]

use std::convert::Infallible;
use std::io::{Read, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::error::{Explain as _, Result};
use crate::system::process::{Signal, own_group, signal_group};
use crate::wait::{Waited, wait_until};

/// How often the program and the signals are looked at.
const BEAT: Duration = Duration::from_millis(20);
/// How long a program may clean up after itself when it was asked to end.
const GRACE: Duration = Duration::from_secs(10);
/// How long the last words of a program that was ended are waited for.
const LAST_WORDS: Duration = Duration::from_secs(1);

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

/// How a program ended, and what it printed until then.
pub(super) struct Captured {
    /// Why it was ended, where it did not end by itself.
    pub(super) end: Waited<ExitStatus>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// Runs a program in a process group of its own, gives it `input`, and reads what it prints: up to `most` bytes of each stream. The
/// whole group ends with it as [`attend`] ends a program, and with us, however we end (on Windows not where we are killed).
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
) -> Result<Captured> {
    let explain = || format!("could not wait for {name}");
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = own_group(&mut command).spawn().explain(|| format!("could not start {name}"))?;
    let _watcher = Watcher::of(&child);
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
        // it may end before it has read all
        thread::spawn(move || stdin.write_all(input.as_bytes()));
    }
    let stdout = child.stdout.take().map(|stream| Reading::start(stream, most));
    let stderr = child.stderr.take().map(|stream| Reading::start(stream, most));
    let waited = within(&mut child, limit, interrupt).explain(explain)?;
    if !matches!(waited, Waited::Met(_)) {
        let group = child.id();
        end(&mut child, |signal| {
            // it may have ended by itself
            let _ = signal_group(group, signal);
        })
        .explain(explain)?;
    }
    let text = |reading: Option<Reading>| reading.map(|reading| reading.text(&waited)).unwrap_or_default();
    Ok(Captured { stdout: text(stdout), stderr: text(stderr), end: waited })
}

/// Ends a program's group when we are gone, after `kill -9` too: its input is a pipe that only we hold, and which then ends.
const WATCHER: &str = r#"
read -r _
kill -TERM "-$1"
tries=0
while kill -0 "-$1" && [ "$tries" -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
kill -KILL "-$1"
"#;

/// Watches over a program; ended itself on drop.
struct Watcher(Option<Child>);

impl Watcher {
    /// A program runs without a watcher where there is not even a shell, as on Windows.
    fn of(child: &Child) -> Self {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", WATCHER, "watcher", &child.id().to_string()]).current_dir("/");
        Self(own_group(&mut command).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok())
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        if let Some(watcher) = &mut self.0 {
            // before its input ends
            let _ = watcher.kill();
            let _ = watcher.wait();
        }
    }
}

/// A stream that is read to its end in a thread of its own: a full pipe would stop the program.
struct Reading {
    thread: thread::JoinHandle<()>,
    read: Arc<Mutex<Vec<u8>>>,
}

impl Reading {
    fn start(mut stream: impl Read + Send + 'static, most: u64) -> Self {
        let read = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&read);
        let thread = thread::spawn(move || {
            let (mut buffer, mut left) = (vec![0; 8 * 1024], usize::try_from(most).unwrap_or(usize::MAX));
            // what was read until an error is still worth showing
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                let kept = count.min(left);
                left -= kept;
                let mut into = into.lock().unwrap_or_else(PoisonError::into_inner);
                into.extend_from_slice(buffer.get(..kept).unwrap_or_default());
            }
        });
        Self { thread, read }
    }

    /// What was read. A program that was ended may have left another one behind that holds the stream open.
    fn text(self, end: &Waited<ExitStatus>) -> String {
        if matches!(end, Waited::Met(_)) {
            // it has no result
            let _ = self.thread.join();
        } else {
            let read = || Ok::<_, Infallible>(self.thread.is_finished().then_some(()));
            let _ = wait_until(LAST_WORDS, BEAT, &AtomicBool::new(false), read);
        }
        String::from_utf8_lossy(&self.read.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

/// Ends a program: asks it first, and a second Ctrl-C does not make its cleaning up shorter.
fn end(child: &mut Child, signal: impl Fn(Signal)) -> std::io::Result<ExitStatus> {
    signal(Signal::Terminate);
    if let Waited::Met(status) = within(child, GRACE, &AtomicBool::new(false))? {
        return Ok(status);
    }
    signal(Signal::Kill);
    child.wait()
}

/// Waits for its end so long at most.
fn within(child: &mut Child, limit: Duration, interrupt: &AtomicBool) -> std::io::Result<Waited<ExitStatus>> {
    wait_until(limit, BEAT, interrupt, || child.try_wait())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(line: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", line]);
        command
    }

    #[test]
    fn what_a_program_said_before_its_time_was_over_is_kept() {
        let limit = Duration::from_millis(500);
        let captured =
            capture(sh("echo said; echo so >&2; exec sleep 100"), None, "x", limit, &AtomicBool::new(false), 4);
        let Captured { end, stdout, stderr } = captured.unwrap();
        assert_eq!((end, stdout.as_str(), stderr.as_str()), (Waited::TimedOut, "said", "so\n"));
    }

    /// The end of the watcher's input is all that a `kill -9` of its owner leaves.
    #[test]
    fn a_program_and_what_it_started_end_with_their_owner() {
        let mut child = own_group(&mut sh("sleep 100 & wait")).spawn().unwrap();
        let mut watcher = Watcher::of(&child);
        assert!(child.try_wait().unwrap().is_none());
        drop(watcher.0.as_mut().unwrap().stdin.take());
        let ended = within(&mut child, Duration::from_secs(20), &AtomicBool::new(false)).unwrap();
        assert!(matches!(ended, Waited::Met(status) if !status.success()), "{ended:?}");
    }
}
