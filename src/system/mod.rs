//! What operating systems do differently. Each idea has one room here, with a half for Unix and one for Windows; nobody else asks
//! which system it is.
//!
//! | module | what it is |
//! |---|---|
//! | `files` | who may read a file, links, names that survive a power cut, free space |
//! | `process` | signals to programs, process groups, how a program ended |
//! | `signals` | Ctrl-C and its like |
//! | `socket` | the way between two processes of one user |
//! | `user` | who runs this |
//!
//! The Windows half was run under Wine only, which has no Prisma: `docs/install.md` says so, and [`demand`] refuses what it cannot promise.

pub mod files;
pub mod process;
pub mod signals;
pub mod socket;
pub mod user;

use crate::error::{Error, Result};

/// Refuses `what` on a system that cannot keep the promises about it.
///
/// # Errors
/// On Windows, always.
pub fn demand(what: &str) -> Result<()> {
    if cfg!(unix) { Ok(()) } else { Err(unsupported(what)) }
}

fn unsupported(what: &str) -> Error {
    Error::failed(format!("{what} is not supported on Windows")).help(
        "run prisma-safe in the Windows Subsystem for Linux (WSL), with the project and PostgreSQL's programs there",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_what_and_the_way_out() {
        assert!(demand("a backup").is_ok());
        let error = unsupported("a backup");
        assert_eq!(error.to_string(), "a backup is not supported on Windows");
        assert!(error.help_text().is_some_and(|help| help.contains("WSL")));
    }
}
