//! Deleting and moving a backup: dump and manifest are two files, and a run may be killed between them.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::super::aside::{Held, hold};
use super::super::list::{self, ARCHIVE, Entry};
use super::super::names;
use super::super::retention::Month;
use crate::error::{Explain as _, Result};
use crate::system::files::{private_directory, rename_new, sync_names};
use crate::ui::Shell;

/// Takes the lock of a dump that no process is reading; says so where one is.
pub(super) fn hold_unused(entry: &Entry, shell: &Shell) -> Result<Option<File>> {
    let file = File::open(&entry.path).explain(|| format!("could not open {}", entry.path.display()))?;
    if hold(&file) == Held::Elsewhere {
        shell.note(format_args!("{} is in use and stays", entry.file()));
        return Ok(None);
    }
    Ok(Some(file))
}

/// Deletes a backup. Its manifest goes first, under a name that says what was meant: [`finish`] goes on after a crash.
pub(super) fn delete(path: &Path) -> Result<()> {
    let marked = names::doomed(path);
    let delete = || -> io::Result<()> {
        fs::rename(names::manifest_path(path), &marked)?;
        sync(path)?;
        delete_doomed(path, &marked)
    };
    delete().explain(|| format!("could not delete {}", path.display()))
}

fn delete_doomed(path: &Path, marked: &Path) -> io::Result<()> {
    for file in [path, &names::pin_path(path), marked] {
        match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    sync(path)
}

/// Moves a backup to the archive of its month; gives its new place.
pub(super) fn archive(directory: &Path, path: &Path, month: Month) -> Result<PathBuf> {
    let to = directory.join(ARCHIVE).join(month.to_string());
    private_directory(&to).explain(|| format!("could not create {}", to.display()))?;
    let target = to.join(path.file_name().unwrap_or_default());
    let moved = move_both(path, &target);
    moved.explain(|| format!("could not move {} to {}", path.display(), to.display()))?;
    Ok(target)
}

fn move_both(path: &Path, target: &Path) -> io::Result<()> {
    if path.exists() {
        rename_new(path, target)?;
        sync(target)?;
    }
    rename_new(&names::manifest_path(path), &names::manifest_path(target))?;
    if names::pin_path(path).exists() {
        rename_new(&names::pin_path(path), &names::pin_path(target))?;
    }
    sync(target)?;
    sync(path)
}

/// Goes on where a killed run was: a doomed manifest's dump is deleted, a dump that was moved gets its manifest back.
pub(super) fn finish(directory: &Path, shell: &Shell) -> Result<()> {
    let unreadable = || format!("could not read {}", directory.display());
    for place in list::places(directory)? {
        for file in fs::read_dir(&place).explain(unreadable)?.flatten() {
            let name = file.file_name();
            let Some(doomed) = name.to_str().and_then(names::of_doomed) else { continue };
            let path = place.join(doomed.as_str());
            delete_doomed(&path, &file.path()).explain(|| format!("could not delete {}", path.display()))?;
            shell.status("Deleted", format_args!("{}, as a run that was cut short had begun to", doomed.as_str()));
        }
    }
    for entry in list::list(directory)? {
        if entry.archived || entry.path.exists() {
            continue;
        }
        let month = Month::of(entry.time).to_string();
        let moved = directory.join(ARCHIVE).join(month).join(entry.name.as_str());
        if moved.exists() && !names::manifest_path(&moved).exists() {
            move_both(&entry.path, &moved).explain(|| format!("could not move {}", entry.path.display()))?;
        }
    }
    Ok(())
}

/// Brings the names in a file's directory to the disk.
fn sync(file: &Path) -> io::Result<()> {
    sync_names(file.parent().unwrap_or(Path::new(".")))
}

#[cfg(test)]
mod tests {
    use super::super::super::names::Name;
    use super::*;

    const NAME: &str = "prod_backup_20250121_103000.sql";

    fn place() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(NAME);
        for file in [path.clone(), names::manifest_path(&path), names::pin_path(&path)] {
            fs::write(file, "x").unwrap();
        }
        (directory, path)
    }

    fn files(directory: &Path) -> usize {
        fs::read_dir(directory).unwrap().count()
    }

    fn shell() -> Shell {
        Shell::new(true, 0, crate::ui::shell::ColorChoice::Never, true, &|_| None)
    }

    #[test]
    fn a_deletion_that_was_cut_short_is_finished() {
        let (directory, path) = place();
        fs::rename(names::manifest_path(&path), names::doomed(&path)).unwrap();
        let other = directory.path().join("prod_backup_20250121_103001.sql");
        fs::write(&other, "not doomed").unwrap();
        finish(directory.path(), &shell()).unwrap();
        assert!(other.exists());
        assert_eq!(files(directory.path()), 1);
    }

    #[test]
    fn a_backup_goes_with_all_its_files() {
        let (directory, path) = place();
        delete(&path).unwrap();
        assert_eq!(files(directory.path()), 0);
    }

    #[test]
    fn a_move_that_was_cut_short_is_finished() {
        let (directory, path) = place();
        let month = Month::of(Name::parse(NAME).unwrap().time().unwrap());
        let moved = archive(directory.path(), &path, month).unwrap();
        assert_eq!(moved, directory.path().join("archive/2025-01").join(NAME));
        assert!(!path.exists() && names::manifest_path(&moved).exists() && names::pin_path(&moved).exists());

        fs::rename(names::manifest_path(&moved), names::manifest_path(&path)).unwrap();
        finish(directory.path(), &shell()).unwrap();
        assert!(!names::manifest_path(&path).exists() && names::manifest_path(&moved).exists());
    }
}
