//! What a program said and how it ended, with assertions that show all of it when they fail.

use std::fmt;
use std::os::unix::process::ExitStatusExt as _;
use std::process;

use super::postgres::PASSWORDS;

/// The end of a program. Nothing it says may hold the database's password: that is checked for every run.
pub(crate) struct Output {
    /// The exit status; 128 and the signal's number for one that was killed.
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    command: String,
}

impl Output {
    #[track_caller]
    pub(crate) fn of(command: String, output: process::Output) -> Self {
        let status = output.status.code().or(output.status.signal().map(|signal| 128 + signal));
        let output = Self {
            status: status.expect("an ended process"),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            command,
        };
        for password in PASSWORDS {
            assert!(!output.everything().contains(password), "the password was printed:\n{output}");
        }
        output
    }

    /// It ended with this status.
    #[track_caller]
    pub(crate) fn exits(self, status: i32) -> Self {
        assert_eq!(self.status, status, "exit status\n{self}");
        self
    }

    /// It ended with status 0.
    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        self.exits(0)
    }

    /// It said this, on stdout or stderr.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.everything().contains(text), "did not say {text:?}\n{self}");
        self
    }

    /// It did not say this.
    #[track_caller]
    pub(crate) fn says_nothing_of(self, text: &str) -> Self {
        assert!(!self.everything().contains(text), "said {text:?}\n{self}");
        self
    }

    /// stdout as one JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("stdout is no JSON: {error}\n{self}"))
    }

    /// stdout and stderr.
    pub(crate) fn everything(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, stdout, stderr, command } = self;
        write!(f, "$ {command}\n[status {status}]\n--- stdout\n{stdout}\n--- stderr\n{stderr}\n---")
    }
}
