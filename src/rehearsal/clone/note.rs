//! The note of a copy: written before the host is asked for it, so that what a killed run has left is found and removed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::APPLICATION;
use super::{NAME, Wanted};
use crate::atomic;
use crate::database::{DatabaseUrl, connect};
use crate::deploy::journal;
use crate::error::{Error, Explain as _, Result};
use crate::system::files;
use crate::tools::script::{self, Script};
use crate::ui::Shell;

/// Where copies are noted, below the state's directory.
const DIRECTORY: &str = "clones";

/// What is noted of a copy, in a file that only this user reads.
#[derive(Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) name: String,
    /// As the server shows it; only once it is proved to be a copy.
    pub(super) url: Option<String>,
}

/// A copy that was asked for, and its note.
pub(super) struct Noted {
    pub(super) note: Note,
    path: PathBuf,
    /// Locked as long as this run needs it.
    lock: Option<File>,
    remove: String,
    limit: Duration,
    root: PathBuf,
    shell: Shell,
    /// Whether there is anything to remove.
    open: bool,
}

impl Noted {
    pub(super) fn begin(wanted: &Wanted<'_>) -> Result<Self> {
        let directory = journal::place(wanted.root).join(DIRECTORY);
        let unwritable = || format!("could not note a copy in {}", directory.display());
        files::private_directory(&directory).explain(unwritable)?;
        let id = getrandom::u64().explain(|| "the system gives no random numbers".into())?;
        let name = format!("prisma_safe_{id:016x}");
        let path = directory.join(format!("{name}.json"));
        let mut noted = Self::of(Note { name, url: None }, path, wanted);
        let file = files::private().write(true).create_new(true).open(noted.lock_path()).explain(unwritable)?;
        // without file locks, the next run asks for nothing that this one needs: names are its own
        let _ = file.try_lock();
        noted.lock = Some(file);
        noted.write()?;
        Ok(noted)
    }

    fn of(note: Note, path: PathBuf, wanted: &Wanted<'_>) -> Self {
        Self {
            note,
            path,
            lock: None,
            remove: wanted.settings.remove.clone(),
            limit: wanted.settings.timeout,
            root: wanted.root.to_owned(),
            shell: wanted.shell.clone(),
            open: true,
        }
    }

    fn lock_path(&self) -> PathBuf {
        self.path.with_extension("lock")
    }

    /// Writes the note, for this user alone.
    pub(super) fn write(&self) -> Result<()> {
        let unwritable = || format!("could not write {}", self.path.display());
        let text = serde_json::to_vec(&self.note).explain(unwritable)?;
        atomic::write_private(&self.path, text).explain(unwritable)
    }

    /// There is nothing to remove; gives the name.
    pub(super) fn forget(&mut self) -> String {
        self.open = false;
        let _ = fs::remove_file(&self.path);
        let _ = fs::remove_file(self.lock_path());
        self.note.name.clone()
    }

    /// Removes the copy and what was made of it. What does not succeed is said, and tried again by the next run.
    pub(super) fn remove(&mut self) {
        if !self.open {
            return;
        }
        self.open = false;
        let url = self.note.url.as_deref().and_then(|url| DatabaseUrl::parse(url).ok());
        if let Some(Ok(mut client)) = url.as_ref().map(super::desk) {
            for made in super::super::MADE_OF_A_COPY {
                // a host that removes a whole branch takes them along
                let _ = super::drop_database(&mut client, &format!("{}_{made}", self.note.name));
            }
        }
        let script = Script {
            line: &self.remove,
            key: "rehearsal.clone.remove",
            directory: &self.root,
            set: &[(NAME, self.note.name.as_str())],
            limit: self.limit,
        };
        // a copy holds production's rows: Ctrl-C does not leave it behind
        let removed = script::run(&script, &AtomicBool::new(false), &self.shell);
        let error = match removed {
            Ok(_) if url.is_some_and(|url| connect(&url, APPLICATION).is_ok()) => {
                Error::failed("rehearsal.clone.remove reports success, and the copy still answers")
            }
            Ok(_) => {
                self.forget();
                return;
            }
            Err(error) => error,
        };
        let causes = error.causes().join(": ");
        self.shell.warn(format_args!(
            "the copy {} of the database was not removed: {error}{}{causes}; the next rehearsal tries again, unless {} is deleted",
            self.note.name,
            if causes.is_empty() { "" } else { ": " },
            self.path.display()
        ));
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Removes the copies of runs that were killed.
pub(super) fn sweep(wanted: &Wanted<'_>) {
    let directory = journal::place(wanted.root).join(DIRECTORY);
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let note = match read(&path) {
            Ok(Some(note)) => note,
            // another run has removed it in the meantime
            Ok(None) => continue,
            Err(why) => {
                wanted.shell.warn(format_args!(
                    "{} notes a copy of the database that a rehearsal had made, and cannot be read ({why}): see whether the host still has \
                     the copy {}, remove it there, then delete this file",
                    path.display(),
                    path.file_stem().unwrap_or_default().display()
                ));
                continue;
            }
        };
        let mut noted = Noted::of(note, path, wanted);
        let free = File::open(noted.lock_path()).is_ok_and(|lock| lock.try_lock().is_ok());
        noted.open = free;
        if free {
            wanted
                .shell
                .status("Removing", format_args!("the copy {}, which an earlier run has left", noted.note.name));
        }
    }
}

/// A note, unless it is not there.
fn read(path: &Path) -> Result<Option<Note>, String> {
    let text = atomic::read(path).map_err(|error| error.to_string())?;
    text.map(|text| serde_json::from_str(&text).map_err(|error| error.to_string())).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_that_cannot_be_read_is_not_taken_for_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("prisma_safe_0.json");
        assert!(matches!(read(&path), Ok(None)));
        for broken in ["", "{\"name\": \"prisma_sa"] {
            fs::write(&path, broken).unwrap();
            assert!(read(&path).is_err(), "{broken}");
        }
        fs::write(&path, "{\"name\": \"prisma_safe_0\", \"url\": null}").unwrap();
        assert!(matches!(read(&path), Ok(Some(note)) if note.name == "prisma_safe_0"));
    }
}
