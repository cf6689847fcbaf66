//! A file that is written aside, and either appears under its name, whole and on the disk, or is gone.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::directory;
use crate::error::{Error, Explain as _, Result};
use crate::system::files;

/// Whose a file's lock is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// Ours, until the file is closed.
    Now,
    /// A living process's.
    Elsewhere,
    /// The file system knows no locks.
    Unknown,
}

/// Takes the lock that says that a writer is alive; the system frees it however the writer ends.
pub(super) fn hold(file: &File) -> Held {
    match file.try_lock() {
        Ok(()) => Held::Now,
        Err(TryLockError::WouldBlock) => Held::Elsewhere,
        Err(TryLockError::Error(_)) => Held::Unknown,
    }
}

/// Whether the writer of an unfinished file is no more.
pub(super) fn abandoned(partial: &Path) -> bool {
    File::open(partial).is_ok_and(|file| hold(&file) == Held::Now)
}

/// A file that is being written; removed on drop unless it was finished.
#[derive(Debug)]
pub struct Aside {
    file: File,
    partial: PathBuf,
    target: PathBuf,
    finished: bool,
}

impl Aside {
    /// Creates `partial` (0600), which will become `target`; `None` if another run is at it.
    ///
    /// # Errors
    /// If the file cannot be created.
    pub fn create(partial: &Path, target: &Path) -> Result<Option<Self>> {
        let file = match files::private().read(true).write(true).create_new(true).open(partial) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(None),
            Err(error) => return Err(could_not_write(partial, error)),
        };
        // a run that cleans up may have come between creating and locking
        let lost = hold(&file) == Held::Elsewhere || files::is_nameless(&file);
        let aside = Self { file, partial: partial.to_owned(), target: target.to_owned(), finished: lost };
        Ok((!lost).then_some(aside))
    }

    /// Appends.
    ///
    /// # Errors
    /// A full disk, above all.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|error| could_not_write(&self.partial, error))
    }

    /// Brings it to the disk.
    ///
    /// # Errors
    /// Some disks say only now that they are full.
    pub fn sync(&self) -> Result<()> {
        self.file.sync_all().map_err(|error| could_not_write(&self.partial, error))
    }

    /// Where it is until it is published.
    pub fn partial(&self) -> &Path {
        &self.partial
    }

    /// Gives it its name, for good; nothing that has the name already is replaced.
    ///
    /// # Errors
    /// If the name is taken or the directory cannot be written.
    pub fn finish(mut self) -> Result<PathBuf> {
        self.sync()?;
        let named = files::rename_new(&self.partial, &self.target);
        named.explain(|| format!("could not give {} its name", self.target.display()))?;
        self.finished = true;
        let directory = self.target.parent().unwrap_or(Path::new("."));
        files::sync_names(directory).explain(|| format!("could not bring {} to the disk", directory.display()))?;
        Ok(self.target.clone())
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if !self.finished {
            // the next run removes what cannot be removed now
            let _ = fs::remove_file(&self.partial);
        }
    }
}

fn could_not_write(path: &Path, error: io::Error) -> Error {
    if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
        return directory::full(path.parent().unwrap_or(path)).because(error);
    }
    Error::failed(format!("could not write {}", path.display())).because(error)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn an_unfinished_file_is_gone_and_a_finished_one_is_private() {
        let directory = tempfile::tempdir().unwrap();
        let (partial, target) = (directory.path().join(".x.partial"), directory.path().join("x"));
        let mut aside = Aside::create(&partial, &target).unwrap().unwrap();
        assert!(Aside::create(&partial, &target).unwrap().is_none());
        aside.write(b"half").unwrap();
        drop(aside);
        assert!(!partial.exists() && !target.exists());

        let mut aside = Aside::create(&partial, &target).unwrap().unwrap();
        aside.write(b"whole").unwrap();
        aside.finish().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"whole");
        assert_eq!(fs::metadata(&target).unwrap().mode() & 0o777, 0o600);
        assert!(!partial.exists());
    }

    #[test]
    fn nothing_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let (partial, target) = (directory.path().join(".x.partial"), directory.path().join("x"));
        let aside = Aside::create(&partial, &target).unwrap().unwrap();
        fs::write(&target, "precious").unwrap();
        assert!(aside.finish().is_err());
        assert_eq!(fs::read(&target).unwrap(), b"precious");
        assert!(!partial.exists());
    }
}
