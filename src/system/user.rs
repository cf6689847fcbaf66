//! Who runs this: root, or a user with a number. Windows has neither, so nothing is given away or run as another account there.

use std::fs::Metadata;
use std::io;
use std::path::Path;
use std::process::Command;

/// Whether we are root, whom PostgreSQL refuses and package managers need.
pub fn is_root() -> bool {
    id() == Some(0)
}

/// The number of our user.
pub fn id() -> Option<u32> {
    #[cfg(unix)]
    return Some(rustix::process::geteuid().as_raw());
    #[cfg(windows)]
    None
}

/// The number of a file's user.
pub fn owner(found: &Metadata) -> Option<u32> {
    #[cfg(unix)]
    return Some(std::os::unix::fs::MetadataExt::uid(found));
    #[cfg(windows)]
    {
        let _ = found;
        None
    }
}

/// Gives a file to another user and group.
///
/// # Errors
/// Whatever the file system says.
pub fn give_away(path: &Path, (user, group): (u32, u32)) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::chown(path, Some(user), Some(group));
    #[cfg(windows)]
    {
        let _ = (path, user, group);
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Lets a program run as another user and group.
///
/// # Errors
/// On Windows.
pub fn run_as(command: &mut Command, (user, group): (u32, u32)) -> io::Result<()> {
    #[cfg(unix)]
    {
        std::os::unix::process::CommandExt::uid(command, user);
        std::os::unix::process::CommandExt::gid(command, group);
        Ok(())
    }
    #[cfg(windows)]
    {
        let _ = (command, user, group);
        Err(io::ErrorKind::Unsupported.into())
    }
}
