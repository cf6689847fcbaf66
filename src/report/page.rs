//! A deployment's page as a file.

use std::path::{Path, PathBuf};

use super::Deployment;
use crate::atomic;
use crate::backup::Manifest;
use crate::deploy::Journal;
use crate::deploy::journal::Record;
use crate::error::{Explain as _, Result};
use crate::project::Migration;

/// What the page is made from.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    pub record: &'a Record,
    /// The folder's migrations, for their text.
    pub migrations: &'a [Migration],
    /// The project's root.
    pub root: &'a Path,
    /// Where backups are now, from there.
    pub backups: &'a Path,
}

impl Page<'_> {
    /// Beside the journal.
    pub fn place(&self) -> PathBuf {
        self.record.path.with_extension("html")
    }

    /// Writes it.
    ///
    /// # Errors
    /// Exit status 1 if the journal cannot be read or the file not written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let entries = Journal::entries(&self.record.path)?;
        let manifest = self.manifest();
        let Self { record, migrations, .. } = *self;
        let page = Deployment { record, entries: &entries, migrations, manifest: manifest.as_ref() }.html();
        atomic::write(path, page).explain(|| format!("could not write {}", path.display()))
    }

    /// Where it was written, or where backups are now; one that is broken is as good as none for a page.
    fn manifest(&self) -> Option<Manifest> {
        let file = self.record.backup.as_ref()?;
        let moved = self.root.join(self.backups).join(file.file_name()?);
        [self.root.join(file), moved].iter().find_map(|file| Manifest::read(file).ok().flatten())
    }
}
