//! Writing a file so that no crash leaves half of it: aside, flushed, renamed. And reading one that may not be there.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use crate::system::files;

/// What a new file may be, before the umask.
const EVERYONE: u32 = 0o666;
const OWNER: u32 = 0o600;

/// Replaces or creates `path`. An existing file keeps its permissions, and a link stays one: what it leads to is replaced.
///
/// # Errors
/// Whatever the file system says; the file is as before then.
pub fn write(path: &Path, contents: impl AsRef<[u8]>) -> io::Result<()> {
    write_as(EVERYONE, path, contents.as_ref())
}

/// The same for this user alone, where the file is new: it may hold a secret.
///
/// # Errors
/// Those of [`write`].
pub fn write_private(path: &Path, contents: impl AsRef<[u8]>) -> io::Result<()> {
    write_as(OWNER, path, contents.as_ref())
}

fn write_as(mode: u32, path: &Path, contents: &[u8]) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let existing = fs::metadata(&path).ok();
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    let mut aside = files::with_mode(builder.prefix(".prisma-safe-"), mode).tempfile_in(directory)?;
    if let Some(existing) = existing {
        aside.as_file().set_permissions(existing.permissions())?;
    }
    aside.write_all(contents)?;
    aside.as_file().sync_all()?;
    aside.persist(&path)?;
    // the new name itself must survive a power cut too
    files::sync_names(directory)
}

/// The text of a file; none where there is no such file.
///
/// # Errors
/// Whatever else the file system says.
pub fn read(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn keeps_permissions_and_links_and_leaves_nothing_aside() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        write(&file, "one").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        symlink("file", &link).unwrap();
        write(&link, "two").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "two");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_may_be_secret_is_its_owners() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        write_private(&file, "one").unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_directory_that_is_not_there_is_an_error() {
        assert!(write(Path::new("/nonexistent/file"), "").is_err());
    }
}
