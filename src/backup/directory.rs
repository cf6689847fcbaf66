//! The directory of backups: private, ignored by git, with room on its disk, free of what killed runs left.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::aside::{Aside, Held, hold};
use super::manifest::Format;
use super::names::{self, Name};
use crate::error::{Error, Explain as _, Result};
use crate::system::{self, files};

/// How many names are tried when the second's name is taken.
const NAME_TRIES: u32 = 60;
/// Never filled below this: the disk may be the server's own.
const RESERVE: u64 = 64 * 1024 * 1024;
/// What a system has to be able to do. A lock of Windows keeps even us from reading a dump that is being written, and a dump that
/// was not read is not proved.
const BACKUP: &str = "a backup";

/// What is missing is made below the nearest directory that is there.
fn nearest(path: &Path) -> &Path {
    path.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(path)
}

/// A directory that backups can be written to.
#[derive(Debug, Clone)]
pub struct Directory {
    path: PathBuf,
}

impl Directory {
    /// Creates it where it is missing (0700), has git ignore it, and removes what killed runs left.
    ///
    /// # Errors
    /// If it cannot be created or read.
    pub fn prepare(path: &Path) -> Result<Self> {
        system::demand(BACKUP)?;
        files::private_directory(path).explain(|| format!("could not create {}", path.display()))?;
        let directory = Self { path: path.to_owned() };
        directory.ignore();
        directory.remove_leftovers()?;
        Ok(directory)
    }

    /// Refuses a place that this user cannot write, before anything is done. Makes nothing.
    ///
    /// # Errors
    /// With the setting that names another place.
    pub(super) fn demand_writable(path: &Path) -> Result<()> {
        system::demand(BACKUP)?;
        let there = nearest(path);
        match files::demand_writable(there) {
            Ok(()) => Ok(()),
            Err(error) => Err(Error::failed(format!("backups cannot be written to {}", path.display()))
                .because(format!("{}: {}", there.display(), error))
                .help("name a directory that can be: `directory` below [backup] in prisma-safe.toml")),
        }
    }

    /// The bytes that a backup below `path` may take, though it may not be there yet. Makes nothing.
    ///
    /// # Errors
    /// If the disk cannot be asked.
    pub fn room(path: &Path) -> Result<u64> {
        let (free, reserve) = Self { path: nearest(path).to_owned() }.space()?;
        Ok(free.saturating_sub(reserve))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file for a dump that began at `time`: under the second's name, or the next one that is free.
    ///
    /// # Errors
    /// If none can be created.
    pub fn create(&self, prefix: &str, time: Timestamp, format: Format) -> Result<(Name, Aside)> {
        let mut name = Name::new(prefix, time, format);
        for _ in 0..NAME_TRIES {
            let target = self.path.join(name.as_str());
            if !self.taken(&name)
                && let Some(aside) = Aside::create(&self.path.join(name.partial()), &target)?
            {
                // another run may have finished under this name in between
                if !self.taken(&name) {
                    return Ok((name, aside));
                }
            }
            name = name.next(prefix).unwrap_or(name);
        }
        Err(Error::failed(format!("found no free name for a backup in {}", self.path.display()))
            .help("is the clock right?"))
    }

    /// Whether a dump or a manifest has this name, in whatever format.
    fn taken(&self, name: &Name) -> bool {
        let there = |path: &Path| fs::symlink_metadata(path).is_ok();
        names::FORMATS.into_iter().any(|format| {
            let target = self.path.join(name.in_format(format).as_str());
            there(&target) || there(&names::manifest_path(&target))
        })
    }

    /// Refuses when the disk has no room for `expected` bytes.
    ///
    /// # Errors
    /// Says how much is missing.
    pub fn demand(&self, expected: u64) -> Result<()> {
        let (free, reserve) = self.space()?;
        let demanded = expected.saturating_add(reserve);
        if free >= demanded {
            return Ok(());
        }
        Err(Error::failed(format!(
            "the disk of {} has {} free; the backup may need {}",
            self.path.display(),
            super::size(free),
            super::size(demanded),
        ))
        .help("free some space, or set backup.directory (or a smaller backup.space-factor) in prisma-safe.toml"))
    }

    /// Refuses to go on when the disk is about to be full.
    ///
    /// # Errors
    /// When less than a reserve is left.
    pub fn watch(&self) -> Result<()> {
        let (free, reserve) = self.space()?;
        if free >= reserve { Ok(()) } else { Err(full(&self.path)) }
    }

    /// Bytes that are free for us, and those that must stay free.
    fn space(&self) -> Result<(u64, u64)> {
        let disk = files::space(&self.path)
            .explain(|| format!("could not ask for the free space of {}", self.path.display()))?;
        Ok((disk.free, (disk.total / 100).min(RESERVE)))
    }

    /// A `.gitignore` of its own: a dump holds users' data.
    fn ignore(&self) {
        let created = files::private().write(true).create_new(true).open(self.path.join(".gitignore"));
        if let Ok(mut file) = created {
            // the project's own .gitignore most likely names the directory too
            let _ = file.write_all(b"*\n");
        }
    }

    /// Removes the unfinished files of runs that are no more; those of living runs are locked.
    fn remove_leftovers(&self) -> Result<()> {
        let entries = fs::read_dir(&self.path).explain(|| format!("could not read {}", self.path.display()))?;
        for entry in entries.flatten() {
            let path = entry.path();
            let ours = entry.file_name().to_str().is_some_and(names::is_partial);
            if ours
                && entry.file_type().is_ok_and(|kind| kind.is_file())
                && let Ok(file) = File::open(&path)
                && hold(&file) == Held::Now
            {
                fs::remove_file(&path)
                    .explain(|| format!("could not remove {}, left by a killed run", path.display()))?;
            }
        }
        Ok(())
    }
}

/// The disk is full, or nearly.
pub(super) fn full(directory: &Path) -> Error {
    Error::failed(format!("the disk of {} is full", directory.display()))
        .help("free some space, or set backup.directory in prisma-safe.toml; nothing of the backup is left")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn time() -> Timestamp {
        "2025-01-21T10:30:00Z".parse().unwrap()
    }

    #[test]
    fn is_private_and_ignored() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/backups");
        Directory::prepare(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::read_to_string(path.join(".gitignore")).unwrap(), "*\n");
    }

    #[test]
    fn a_taken_second_gives_the_next() {
        let parent = tempfile::tempdir().unwrap();
        let directory = Directory::prepare(parent.path()).unwrap();
        fs::write(parent.path().join("prod_backup_20250121_103000.sql"), "").unwrap();
        fs::write(parent.path().join("prod_backup_20250121_103001.sql.zst.json"), "").unwrap();
        let (first, _running) = directory.create("prod", time(), Format::Sql).unwrap();
        let (second, _) = directory.create("prod", time(), Format::Sql).unwrap();
        assert_eq!(first.as_str(), "prod_backup_20250121_103002.sql");
        assert_eq!(second.as_str(), "prod_backup_20250121_103003.sql");
    }

    #[test]
    fn leftovers_of_the_dead_go_and_files_of_the_living_stay() {
        let parent = tempfile::tempdir().unwrap();
        let directory = Directory::prepare(parent.path()).unwrap();
        let (_, _running) = directory.create("prod", time(), Format::Sql).unwrap();
        let dead = [".prod_backup_20240101_000000.sql.partial", ".prod_backup_20240101_000000.sql.json.partial"];
        for name in dead.iter().chain(&[".mine.partial"]) {
            fs::write(parent.path().join(name), "half").unwrap();
        }
        Directory::prepare(parent.path()).unwrap();
        let left = |name: &str| parent.path().join(name).exists();
        assert!(!left(dead[0]) && !left(dead[1]));
        assert!(left(".mine.partial") && left(".prod_backup_20250121_103000.sql.partial"));
    }

    #[test]
    fn more_than_the_disk_holds_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let directory = Directory::prepare(parent.path()).unwrap();
        assert!(directory.demand(0).is_ok());
        assert!(directory.demand(u64::MAX).unwrap_err().to_string().contains("free; the backup may need"));
    }
}
