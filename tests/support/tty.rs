//! A person at a terminal: reads what is on it, presses keys.

use std::process::Command;

use rexpect::process::{Signal, WaitStatus};
use rexpect::reader::Options;
use rexpect::session::{PtySession, spawn_with_options};

/// How long a person waits for an answer, in milliseconds; Prisma's own start takes seconds on a busy machine.
const PATIENCE: u64 = 120_000;

/// A key that is no letter.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Key {
    Up,
    Down,
    Enter,
    Escape,
    CtrlC,
}

impl Key {
    fn bytes(self) -> &'static str {
        match self {
            Self::Up => "\x1b[A",
            Self::Down => "\x1b[B",
            Self::Enter => "\r",
            Self::Escape => "\x1b",
            Self::CtrlC => "\x03",
        }
    }
}

/// A program at a pseudo-terminal; killed on drop.
pub(crate) struct Terminal {
    session: PtySession,
    seen: String,
}

impl Terminal {
    /// Starts a program, from [`super::Project::command`].
    pub(crate) fn start(command: Command) -> Self {
        let options = Options::new().timeout_ms(Some(PATIENCE)).strip_ansi_escape_codes(true);
        let session = spawn_with_options(command, options).expect("a program at a terminal");
        Self { session, seen: String::new() }
    }

    /// The same, with everything that moves the cursor left in what is seen, on a terminal that becomes narrower after some
    /// seconds.
    pub(crate) fn resized(command: &Command, columns: usize, later: usize) -> Self {
        Self::set(command, &format!("stty rows 60 cols {columns}; (sleep 6; stty cols {later} </dev/tty) &"))
    }

    /// The same on a terminal of this size.
    pub(crate) fn sized(command: &Command, rows: usize, columns: usize) -> Self {
        Self::set(command, &format!("stty rows {rows} cols {columns};"))
    }

    fn set(command: &Command, size: &str) -> Self {
        let script = format!("{size} exec \"$0\" \"$@\"");
        let mut wrapped = Command::new("sh");
        wrapped.args(["-c", &script]).arg(command.get_program()).args(command.get_args());
        wrapped.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.get_current_dir().map(|directory| wrapped.current_dir(directory));
        let options = Options::new().timeout_ms(Some(PATIENCE));
        Self { session: spawn_with_options(wrapped, options).expect("a program at a terminal"), seen: String::new() }
    }

    /// What was seen so far.
    pub(crate) fn seen(&self) -> &str {
        &self.seen
    }

    /// Waits until this stands on the terminal, after what was seen before.
    #[track_caller]
    pub(crate) fn sees(&mut self, text: &str) -> &mut Self {
        match self.session.exp_string(text) {
            Ok(before) => self.seen.extend([before.as_str(), text]),
            Err(error) => panic!("never saw {text:?}\n{}\n--- then: {error}", self.seen),
        }
        self
    }

    /// Presses a key.
    pub(crate) fn press(&mut self, key: Key) -> &mut Self {
        self.session.send(key.bytes()).expect("a terminal");
        self.session.flush().expect("a terminal");
        self
    }

    /// Types a line and Enter.
    pub(crate) fn types(&mut self, line: &str) -> &mut Self {
        self.session.send(line).expect("a terminal");
        self.press(Key::Enter)
    }

    /// Ends it as `kill -9` does; gives the exit status.
    pub(crate) fn killed(mut self) -> i32 {
        self.session.process_mut().signal(Signal::SIGKILL).expect("a kill");
        let _ = self.session.exp_eof();
        self.status()
    }

    fn status(&self) -> i32 {
        match self.session.process().wait().expect("an end") {
            WaitStatus::Exited(_, status) => status,
            WaitStatus::Signaled(_, signal, _) => 128 + signal as i32,
            other => panic!("neither ended nor killed: {other:?}"),
        }
    }

    /// Waits for the end. Gives the exit status (128 and the signal's number if killed) and everything that was seen.
    #[track_caller]
    pub(crate) fn ends(mut self) -> (i32, String) {
        match self.session.exp_eof() {
            Ok(rest) => self.seen.push_str(&rest),
            Err(error) => panic!("did not end\n{}\n--- then: {error}", self.seen),
        }
        (self.status(), self.seen)
    }
}
