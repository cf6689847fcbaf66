//! The deployment as a page, at its end.

use std::path::PathBuf;

use super::Deploying;
use crate::deploy::Journal;
use crate::deploy::journal::Record;
use crate::error::Result;
use crate::project::Migration;
use crate::report;

impl Deploying<'_> {
    /// The deployment as a page beside its journal. `report` makes it again: one that cannot be written stops nothing.
    pub(super) fn write_page(&self, journal: &Journal, migrations: &[Migration]) {
        let shell = &self.context.shell;
        let write = || -> Result<PathBuf> {
            let record = Record::of(journal.path().to_owned(), Journal::entries(journal.path())?);
            let backups = &self.config.backup.directory;
            let page = report::Page { record: &record, migrations, root: self.project.root(), backups };
            let place = page.place();
            page.write(&place)?;
            Ok(place)
        };
        match write() {
            Ok(place) => shell.fine_detail(format_args!("report: {}", place.display())),
            Err(error) => shell.warn(format_args!("the deployment's page was not written: {}", error.with_causes())),
        }
    }
}
