//! What every way of restoring is given.

use postgres::Client;

use super::super::archive::Archive;
use super::super::load::Options;
use super::Restored;
use crate::database::DatabaseUrl;
use crate::error::{Error, Result};
use crate::guard;
use crate::ui::Shell;
use crate::ui::interrupt::Guard;

/// The same for all of them.
pub(super) struct Work<'a> {
    /// The live database has a guard: with these settings, where this role may read them.
    pub(super) guarded: Option<Option<guard::Settings>>,
    pub(super) guard: &'a Guard,
    pub(super) shell: &'a Shell,
    pub(super) archive: &'a Archive,
    pub(super) url: &'a DatabaseUrl,
    pub(super) owners: bool,
}

impl Work<'_> {
    pub(super) fn options(&self) -> Options {
        Options { owners: self.owners, privileges: self.owners, ..Options::live() }
    }

    /// What takes the place of a guarded database is guarded as it was. Where this role may not do that, it is said.
    pub(super) fn guard_again(&self, client: &mut Client) {
        let why = match &self.guarded {
            None => return,
            Some(Some(settings)) => match guard::install::on(client, settings) {
                Ok(()) => return,
                Err(error) => error.causes().join(": "),
            },
            Some(None) => "this role may not read its settings".into(),
        };
        self.shell.warn(format_args!(
            "the restored database has no guard any more ({why}): an administrator switches it on with prisma-safe guard on"
        ));
    }

    /// A number that names this run: `3f9a01c27be4`.
    pub(super) fn run_id() -> Result<String> {
        let mut bytes = [0; 6];
        getrandom::fill(&mut bytes).map_err(|error| Error::failed(format!("no random bytes: {error}")))?;
        Ok(super::super::hex(&bytes))
    }

    pub(super) fn restored(&self) -> Restored {
        let manifest = self.archive.manifest();
        Restored {
            before: None,
            rows: manifest.rows(),
            tables: manifest.rows_by_table().len(),
            old: Vec::new(),
            sql: Vec::new(),
            side: None,
            left_out: Vec::new(),
        }
    }
}
