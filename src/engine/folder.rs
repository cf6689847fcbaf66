//! For Prisma up to 6.5, whose engine reads the migrations folder and writes a draft into it itself: it is given a copy of
//! the folder, and what was decided goes into the real one, whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::error::{Error, Explain as _, Result};
use crate::project::migrations::{self, Migration};
use crate::system::files;

const LOCK: &str = "migration_lock.toml";
const SCRIPT: &str = "migration.sql";

/// A private copy of a migrations folder; gone when dropped.
pub(super) struct Folder {
    copy: TempDir,
    real: PathBuf,
    migrations: Vec<Migration>,
}

impl Folder {
    /// Copies what an engine reads.
    pub(super) fn copy(real: PathBuf) -> Result<Self> {
        let migrations = migrations::read(&real)?;
        Self::copy_of(real, migrations)
    }

    /// The same with what was read already.
    pub(super) fn copy_of(real: PathBuf, migrations: Vec<Migration>) -> Result<Self> {
        let explain = || "could not copy the migrations folder".to_owned();
        let copy = tempfile::Builder::new().prefix("prisma-safe-").tempdir().explain(explain)?;
        for Migration { name, sql, .. } in &migrations {
            let directory = copy.path().join(name);
            fs::create_dir(&directory).and_then(|()| fs::write(directory.join(SCRIPT), sql)).explain(explain)?;
        }
        match fs::copy(real.join(LOCK), copy.path().join(LOCK)) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).explain(explain),
        }
        Ok(Self { copy, real, migrations })
    }

    /// Puts a migration into the copy.
    pub(super) fn add(&self, name: &str, script: &str) -> Result<()> {
        let directory = self.copy.path().join(name);
        fs::create_dir_all(&directory)
            .and_then(|()| fs::write(directory.join(SCRIPT), script))
            .explain(|| "could not copy the migrations folder".into())
    }

    /// The folder to give to the engine.
    pub(super) fn path(&self) -> &Path {
        self.copy.path()
    }

    /// The real folder and the migrations that are in it.
    pub(super) fn real(&self) -> (PathBuf, Vec<Migration>) {
        (self.real.clone(), self.migrations.clone())
    }

    /// The script that the engine drafted.
    pub(super) fn draft(&self, name: &str) -> Result<String> {
        let path = self.copy.path().join(name).join(SCRIPT);
        fs::read_to_string(&path).map_err(|error| migrations::unreadable(&path, error))
    }

    /// Writes a migration into the real folder, as the engine would have: under its name it appears only when it is
    /// complete. The lock file comes along where there was none.
    pub(super) fn keep(self, name: &str, script: &str) -> Result<()> {
        if Path::new(name).components().count() != 1 || name.starts_with('.') {
            return Err(Error::failed(format!("the engine named its draft {name:?}, which is not a directory name")));
        }
        let target = self.real.join(name);
        let explain = || format!("could not write the migration {}", target.display());
        fs::create_dir_all(&self.real).explain(explain)?;
        if target.exists() {
            return Err(Error::failed(explain()).because("it exists already"));
        }
        // beside the folder: whatever is in it is a migration to Prisma
        let parent = self.real.parent().unwrap_or(&self.real);
        let aside = tempfile::Builder::new().prefix(".prisma-safe-").tempdir_in(parent).explain(explain)?;
        // as the engine makes it; a temporary one is for its owner only
        let made = aside.path().join(name);
        fs::create_dir(&made).explain(explain)?;
        write(&made.join(SCRIPT), script.as_bytes()).explain(explain)?;
        fs::rename(&made, &target).explain(explain)?;
        if !self.real.join(LOCK).exists()
            && let Ok(lock) = fs::read(self.copy.path().join(LOCK))
        {
            let made = aside.path().join(LOCK);
            write(&made, &lock).and_then(|()| fs::rename(&made, self.real.join(LOCK))).explain(explain)?;
        }
        files::sync_names(&self.real).explain(explain)
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    path.parent().map_or(Ok(()), files::sync_names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_lands_whole_with_its_lock_file_and_leaves_nothing_beside() {
        let project = tempfile::tempdir().unwrap();
        let real = project.path().join("migrations");
        let folder = Folder::copy(real.clone()).unwrap();
        fs::create_dir(folder.path().join("1_a")).unwrap();
        fs::write(folder.path().join("1_a").join(SCRIPT), "DRAFT").unwrap();
        fs::write(folder.path().join(LOCK), "provider = \"postgresql\"").unwrap();
        assert_eq!(folder.draft("1_a").unwrap(), "DRAFT");
        assert!(!real.exists());
        folder.keep("1_a", "DECIDED").unwrap();
        assert_eq!(fs::read_to_string(real.join("1_a").join(SCRIPT)).unwrap(), "DECIDED");
        assert!(real.join(LOCK).exists());
        assert_eq!(fs::read_dir(project.path()).unwrap().count(), 1);

        let again = Folder::copy(real.clone()).unwrap();
        assert_eq!(again.real().1[0].sql.as_str(), "DECIDED");
        assert!(again.path().join(LOCK).exists());
        assert!(again.keep("1_a", "OTHER").is_err());
        assert_eq!(fs::read_to_string(real.join("1_a").join(SCRIPT)).unwrap(), "DECIDED");
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_refused() {
        let project = tempfile::tempdir().unwrap();
        for name in ["../x", "a/b", "", ".x"] {
            assert!(Folder::copy(project.path().join("m")).unwrap().keep(name, "").is_err(), "{name}");
        }
    }
}
