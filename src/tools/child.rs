//! A program that we wait for, and that ends with us: asked first, then made to.

use std::process::{Child, ExitStatus};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use rustix::process::Signal;

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

/// Ends a program: asks it first, and a second Ctrl-C does not make its cleaning up shorter.
pub(super) fn end(child: &mut Child, signal: impl Fn(Signal)) -> std::io::Result<ExitStatus> {
    signal(Signal::TERM);
    if let Waited::Met(status) = within(child, GRACE, &AtomicBool::new(false))? {
        return Ok(status);
    }
    signal(Signal::KILL);
    child.wait()
}

/// Waits for its end so long at most.
pub(super) fn within(
    child: &mut Child,
    limit: Duration,
    interrupt: &AtomicBool,
) -> std::io::Result<Waited<ExitStatus>> {
    wait_until(limit, BEAT, interrupt, || child.try_wait())
}
