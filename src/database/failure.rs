//! What the server says when it refuses: its own words, in full.

use std::fmt;
use std::ops::Deref;

use postgres::error::{ErrorPosition, SqlState};

/// An error of a query: the server's, or the connection's. Small, so that results stay small.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure(Box<Words>);

/// What was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// The SQLSTATE; `None` where the connection failed, not the server.
    pub code: Option<SqlState>,
    /// One line.
    pub message: String,
    /// More about it.
    pub detail: Option<String>,
    /// What the server advises.
    pub hint: Option<String>,
    /// The call stack of functions, innermost first.
    pub context: Option<String>,
    /// The character in the query's text that it is about, from 1.
    pub position: Option<u32>,
}

impl Failure {
    /// Whether the connection broke, so that the outcome of what was sent is not known.
    pub fn is_disconnect(&self) -> bool {
        match &self.code {
            None => true,
            // the server says good-bye: admin_shutdown, crash_shutdown, cannot_connect_now, idle in transaction too long
            Some(code) => {
                matches!(code.code(), "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "25P04")
                    || code.code().starts_with("08")
            }
        }
    }

    /// Whether a lock was not free in time, or two sessions waited for each other: a later try may succeed.
    pub fn is_lock(&self) -> bool {
        matches!(self.code, Some(SqlState::LOCK_NOT_AVAILABLE | SqlState::T_R_DEADLOCK_DETECTED))
    }

    /// Whether a value does not fit what is made of it (class 22, data exception), or a constraint refuses it.
    pub fn is_unfit_data(&self) -> bool {
        self.code.as_ref().is_some_and(|code| code.code().starts_with("22") || code.code().starts_with("23"))
    }

    /// Whether the server has refused the statement for what it is. A lock that was not free, a lost connection, Ctrl-C and a
    /// timeout say nothing about the statement.
    pub fn is_refusal(&self) -> bool {
        !self.is_lock() && !self.is_disconnect() && self.code != Some(SqlState::QUERY_CANCELED)
    }

    /// Whether something was dropped while it was read: what prints a definition looks at the catalog as it is now, whatever the
    /// transaction's snapshot is.
    pub fn fell_meanwhile(&self) -> bool {
        let told = |begin: &str| self.message.starts_with(begin);
        self.code == Some(SqlState::INTERNAL_ERROR)
            && (told("cache lookup failed for") || told("could not open relation with OID"))
    }
}

impl Failure {
    /// A connection that broke while bytes went through it.
    pub fn broken(error: &std::io::Error) -> Self {
        let message = error.to_string();
        Self(Box::new(Words { code: None, message, detail: None, hint: None, context: None, position: None }))
    }
}

impl Deref for Failure {
    type Target = Words;

    fn deref(&self) -> &Words {
        &self.0
    }
}

impl From<&postgres::Error> for Failure {
    fn from(error: &postgres::Error) -> Self {
        let Some(server) = error.as_db_error() else {
            return Self(Box::new(Words {
                code: None,
                message: std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string),
                detail: None,
                hint: None,
                context: None,
                position: None,
            }));
        };
        Self(Box::new(Words {
            code: Some(server.code().clone()),
            message: server.message().to_owned(),
            detail: server.detail().map(Into::into),
            hint: server.hint().map(Into::into),
            context: server.where_().map(Into::into),
            position: match server.position() {
                Some(ErrorPosition::Original(position)) => Some(*position),
                _ => None,
            },
        }))
    }
}

impl From<postgres::Error> for Failure {
    fn from(error: postgres::Error) -> Self {
        Self::from(&error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(code) = &self.code {
            write!(f, " (SQLSTATE {})", code.code())?;
        }
        for (name, text) in [("detail", &self.detail), ("hint", &self.hint), ("context", &self.context)] {
            if let Some(text) = text {
                write!(f, "\n{name}: {text}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}
