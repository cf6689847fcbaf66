//! What else runs in a migration's own transaction: what it will destroy is captured there, and nowhere else, because only
//! there no session can write between the capture and the loss.

use std::ops::Range;

use postgres::Client;

use super::Prepared;
use crate::database::Failure;

/// Work that is committed with a migration, or not at all. Each try begins anew. Names must be qualified in `after`: the
/// script may have set a search path of its own.
pub trait Hook {
    /// Before the script; the migration's row stands in the history already.
    ///
    /// # Errors
    /// The server's own; a missing lock lets the whole migration be tried again, everything else ends it.
    fn before(&mut self, client: &mut Client, migration: &Prepared) -> Result<(), Failure> {
        let _ = (client, migration);
        Ok(())
    }

    /// Before a later section of a migration that is applied in sections; may be the first thing that is called, where an earlier
    /// deploy has applied those before it.
    ///
    /// # Errors
    /// As [`Hook::before`].
    fn again(&mut self, client: &mut Client, migration: &Prepared) -> Result<(), Failure> {
        let _ = (client, migration);
        Ok(())
    }

    /// What was done since [`Hook::before`] or [`Hook::again`] is committed.
    fn committed(&mut self) {}

    /// In the place of a statement, named by its bytes in the file: `true` if it was done another way.
    ///
    /// # Errors
    /// As [`Hook::before`].
    fn instead(&mut self, client: &mut Client, statement: &Range<usize>) -> Result<bool, Failure> {
        let _ = (client, statement);
        Ok(false)
    }

    /// After a statement of the script, or what was done instead.
    ///
    /// # Errors
    /// As [`Hook::before`].
    fn sent(&mut self, client: &mut Client, statement: &Range<usize>) -> Result<(), Failure> {
        let _ = (client, statement);
        Ok(())
    }

    /// After the script, or a section of it, before its row is finished.
    ///
    /// # Errors
    /// As [`Hook::before`].
    fn after(&mut self, client: &mut Client) -> Result<(), Failure> {
        let _ = client;
        Ok(())
    }
}

/// Nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NoHook;

impl Hook for NoHook {}
