//! One error type: what happened, why, what to do next, and the exit status it leads to.

use std::error::Error as StdError;
use std::fmt;

use crate::exit::Exit;

/// A result whose error is ready to be shown to a person.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A lower-case sentence of what happened, its causes, and what to do next.
pub struct Error {
    exit: Exit,
    message: String,
    help: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), help: None, source: None }
    }

    /// An operation failed: exit status 1.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// Wrong usage or configuration: exit status 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Refused by the review or a guard: exit status 3.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(Exit::Refused, message)
    }

    /// A decision is needed, and it cannot be asked for: exit status 4.
    pub fn decision(message: impl Into<String>) -> Self {
        Self::new(Exit::Decision, message)
    }

    /// The person cancelled: exit status 130.
    pub fn cancelled() -> Self {
        Self::new(Exit::Cancelled, "cancelled")
    }

    /// What failed by this error, which becomes the cause; its help and its exit status stay.
    #[must_use]
    pub fn within(self, what: impl Into<String>) -> Self {
        let (exit, help) = (self.exit, self.help.clone());
        Self { exit, message: what.into(), help, source: Some(Box::new(self)) }
    }

    /// What to do next, as a sentence or a command to run.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The exit status this error leads to.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// What to do next, if there is something to say.
    pub fn help_text(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// The message with its causes behind it, for a warning or a record of one line.
    pub fn with_causes(&self) -> String {
        std::iter::once(self.message.clone()).chain(self.causes()).collect::<Vec<_>>().join(": ")
    }

    /// The causes, nearest first, each as one line of text; repeated ones are left out.
    pub fn causes(&self) -> Vec<String> {
        let mut causes: Vec<String> = Vec::new();
        let mut next: Option<&(dyn StdError + 'static)> = self.source.as_deref().map(|source| source as _);
        while let Some(cause) = next {
            let text = cause.to_string();
            if causes.last().is_none_or(|last| !last.contains(&text)) {
                causes.push(text);
            }
            next = cause.source();
        }
        causes
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.exit, self.message)?;
        for cause in self.causes() {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Turns any error into ours, with a sentence about what was being done.
pub trait Explain<T> {
    /// Says what failed; the original error becomes the cause. Exit status 1.
    fn explain(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<Box<dyn StdError + Send + Sync>>> Explain<T> for std::result::Result<T, E> {
    fn explain(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Error::failed(what()).because(error))
    }
}
