//! Exit statuses, as documented in `docs/commands.md`.

use std::process::ExitCode;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Done,
    /// 1: an operation failed (Prisma, the database, `pg_dump`).
    Failed,
    /// 2: wrong usage or configuration.
    Usage,
    /// 3: refused by the review or a guard.
    Refused,
    /// 4: a decision is needed.
    Decision,
    /// 130: cancelled.
    Cancelled,
    /// A child's own status, handed on.
    Child(u8),
}

impl Exit {
    /// The number the process exits with.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Decision => 4,
            Self::Cancelled => 130,
            Self::Child(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
