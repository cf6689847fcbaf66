//! The definitions around a migration that destroys nothing, in the project's own `.prisma-safe/`: such a migration leaves
//! none of our own objects in the database.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::Capsule;
use crate::atomic;
use crate::catalog::live::Live;
use crate::deploy::journal;
use crate::error::{Explain as _, Result};
use crate::system::files;

const DIRECTORY: &str = "definitions";

fn directory(root: &Path) -> PathBuf {
    journal::place(root).join(DIRECTORY)
}

/// By the id of the migration's row in the history, which is a UUID.
fn path(root: &Path, id: &str) -> Option<PathBuf> {
    let plain = id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    plain.then(|| directory(root).join(format!("{id}.json")))
}

/// The definitions before and after, and what [`Capsule::measured`](super::Capsule::measured) is; earlier versions did not write
/// that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Around(Live, Live, #[serde(default)] Option<Vec<String>>);

/// Keeps the definitions before and after a migration, and lets those go that are older than `keep`.
///
/// # Errors
/// Exit status 1 if they cannot be written.
pub fn write(
    root: &Path,
    id: &str,
    (before, after): (Live, Live),
    measured: Option<Vec<String>>,
    keep: Duration,
) -> Result<()> {
    let Some(path) = path(root, id) else { return Ok(()) };
    let directory = directory(root);
    let unwritable = || format!("could not write {}", path.display());
    files::private_directory(&directory).explain(unwritable)?;
    let text = serde_json::to_vec(&Around(before, after, measured)).explain(unwritable)?;
    atomic::write(&path, text).explain(unwritable)?;
    files::set_mode(&path, 0o600).explain(unwritable)?;
    // what cannot be removed is no reason to fail
    let _ = forget(&directory, keep);
    Ok(())
}

fn forget(directory: &Path, keep: Duration) -> io::Result<()> {
    for file in std::fs::read_dir(directory)? {
        let file = file?;
        let age = SystemTime::now().duration_since(file.metadata()?.modified()?).unwrap_or_default();
        if age > keep {
            std::fs::remove_file(file.path())?;
        }
    }
    Ok(())
}

/// What is known of a migration that has destroyed nothing; `None` where this folder has nothing that can be read.
pub fn read(root: &Path, id: &str) -> Option<Capsule> {
    let Around(before, after, measured) = serde_json::from_slice(&std::fs::read(path(root, id)?).ok()?).ok()?;
    Some(Capsule { measured, ..Capsule::empty(id, (before, after)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_read_as_written_and_go_in_time() {
        let root = tempfile::tempdir().unwrap();
        let write = |id: &str, measured| {
            write(root.path(), id, (Live::default(), Live::default()), measured, Duration::from_secs(60)).unwrap();
        };
        let measured = |id: &str| read(root.path(), id).map(|capsule| capsule.measured);
        write("a-1", Some(vec!["1 row".to_owned()]));
        assert_eq!(measured("a-1"), Some(Some(vec!["1 row".to_owned()])));
        assert_eq!((measured("b-2"), measured("../a-1")), (None, None));
        // by an earlier version
        let both = serde_json::to_vec(&(Live::default(), Live::default())).unwrap();
        std::fs::write(directory(root.path()).join("a-1.json"), both).unwrap();
        assert_eq!(measured("a-1"), Some(None));
        write("../c", None);
        assert_eq!(std::fs::read_dir(directory(root.path())).unwrap().count(), 1);
        std::thread::sleep(Duration::from_millis(5));
        forget(&directory(root.path()), Duration::ZERO).unwrap();
        assert_eq!(measured("a-1"), None);
    }
}
