//! Programs that we started: signals to them, groups of them, how they ended.
//!
//! Windows has no signals between programs. There every one of ours ends the program and what it started, at once, which `taskkill`
//! does; nothing is asked to clean up before.
#![cfg_attr(
    windows,
    expect(clippy::disallowed_methods, reason = "`taskkill` is Windows' way to end a program by its number")
)]

use std::io;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus};

#[cfg(unix)]
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};

/// What is sent to a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// As Ctrl-C does. PostgreSQL ends its sessions in order.
    Interrupt,
    /// It should end.
    Terminate,
    /// PostgreSQL ends its sessions at once.
    Quit,
    /// It is ended.
    Kill,
}

/// Lets a program write so many bytes before we have read them: the two then wait for each other less often. Where that is not
/// to be had, it goes on as before.
#[cfg(target_os = "linux")]
pub fn widen(output: &ChildStdout, bytes: usize) {
    let _ = rustix::pipe::fcntl_setpipe_size(output, bytes);
}

/// Pipes have one size here.
#[cfg(not(target_os = "linux"))]
pub fn widen(_: &ChildStdout, _: usize) {}

/// Sends a signal to a process.
///
/// # Errors
/// If there is no such process, or it is another user's.
#[cfg(unix)]
pub fn signal(id: u32, signal: Signal) -> io::Result<()> {
    Ok(rustix::process::kill_process(pid(id)?, of(signal))?)
}

/// Sends a signal to every process of a group.
///
/// # Errors
/// If there is no such group, or it is another user's.
#[cfg(unix)]
pub fn signal_group(id: u32, signal: Signal) -> io::Result<()> {
    Ok(rustix::process::kill_process_group(pid(id)?, of(signal))?)
}

#[cfg(unix)]
fn pid(id: u32) -> io::Result<rustix::process::Pid> {
    let pid = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw);
    pid.ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

#[cfg(unix)]
fn of(signal: Signal) -> rustix::process::Signal {
    match signal {
        Signal::Interrupt => rustix::process::Signal::INT,
        Signal::Terminate => rustix::process::Signal::TERM,
        Signal::Quit => rustix::process::Signal::QUIT,
        Signal::Kill => rustix::process::Signal::KILL,
    }
}

#[cfg(windows)]
pub fn signal(id: u32, _: Signal) -> io::Result<()> {
    let output = Command::new("taskkill").args(["/F", "/T", "/PID", &id.to_string()]).output()?;
    match output.status.success() {
        true => Ok(()),
        false => Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
    }
}

/// What a program started ends with it there.
#[cfg(windows)]
pub fn signal_group(id: u32, sent: Signal) -> io::Result<()> {
    signal(id, sent)
}

/// Gives a program that will be started a process group of its own, where no Ctrl-C reaches it.
pub fn own_group(command: &mut Command) -> &mut Command {
    #[cfg(unix)]
    return command.process_group(0);
    #[cfg(windows)]
    {
        const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
        std::os::windows::process::CommandExt::creation_flags(command, CREATE_NEW_PROCESS_GROUP)
    }
}

/// The signal that ended a program.
pub fn killed_by(status: ExitStatus) -> Option<i32> {
    #[cfg(unix)]
    return status.signal();
    #[cfg(windows)]
    {
        let _ = status;
        None
    }
}

/// The status a shell would show: 128 and the signal for a process that a signal ended.
pub fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| Some(128 + killed_by(status)?)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

/// The process that started us. Windows does not tell it without more; to end it there, end the program that it has
/// started itself, and all that came of it.
pub fn parent() -> Option<u32> {
    #[cfg(unix)]
    return Some(std::os::unix::process::parent_id());
    #[cfg(windows)]
    None
}

/// Becomes a program, and returns only if that failed. Windows cannot: there it runs to its end, and its status is ours.
///
/// # Errors
/// If it could not be started.
pub fn replace(command: &mut Command) -> io::Result<ExitStatus> {
    #[cfg(unix)]
    return Err(command.exec());
    #[cfg(windows)]
    command.status()
}

/// A program whose end is reported while its number stays its own: it is not reaped before [`Watched::reap`].
pub struct Watched {
    #[cfg(unix)]
    child: Child,
    #[cfg(windows)]
    child: std::sync::Arc<std::sync::Mutex<Child>>,
    id: u32,
    /// Where it was asked for.
    pub stdout: Option<ChildStdout>,
    /// Where it was asked for.
    pub stderr: Option<ChildStderr>,
}

impl Watched {
    /// Starts it. `ended` is called on another thread once it has ended.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(command: &mut Command, ended: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let mut child = command.spawn()?;
        let (id, stdout, stderr) = (child.id(), child.stdout.take(), child.stderr.take());
        #[cfg(unix)]
        report(&child, ended);
        #[cfg(windows)]
        let child = report(child, ended);
        Ok(Self { child, id, stdout, stderr })
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// If the operating system does not say what became of it.
    pub fn reap(&mut self) -> io::Result<ExitStatus> {
        #[cfg(unix)]
        return self.child.wait();
        #[cfg(windows)]
        self.child.lock().unwrap_or_else(std::sync::PoisonError::into_inner).wait()
    }
}

#[cfg(unix)]
fn report(child: &Child, ended: impl FnOnce() + Send + 'static) {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

    let pid = Pid::from_child(child);
    std::thread::spawn(move || {
        let wait = || waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        while let Err(rustix::io::Errno::INTR) = wait() {}
        ended();
    });
}

/// Its number stays its own as long as the handle is open, and its end can be asked for any number of times.
#[cfg(windows)]
fn report(child: Child, ended: impl FnOnce() + Send + 'static) -> std::sync::Arc<std::sync::Mutex<Child>> {
    use std::sync::{Arc, Mutex, PoisonError};

    const BEAT: std::time::Duration = std::time::Duration::from_millis(10);
    let child = Arc::new(Mutex::new(child));
    let watched = Arc::clone(&child);
    std::thread::spawn(move || {
        // an error will not go away
        while let Ok(None) = watched.lock().unwrap_or_else(PoisonError::into_inner).try_wait() {
            std::thread::sleep(BEAT);
        }
        ended();
    });
    child
}
