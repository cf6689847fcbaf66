//! Files: who may read them, links, names that survive a power cut, free space.
//!
//! Windows has no modes: a new file has the access list of its directory, which below the user's profile lets in the user, SYSTEM
//! and administrators. Elsewhere it may let in more; `SECURITY.md` says so.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

#[cfg(unix)]
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};

/// Options for a file that is this user's alone where it is new.
pub fn private() -> OpenOptions {
    #[cfg_attr(windows, expect(unused_mut, reason = "no mode to set"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    options.mode(0o600);
    options
}

/// Makes a directory for this user alone, and those above it; one that is there stays as it is.
///
/// # Errors
/// Whatever the file system says.
pub fn private_directory(path: &Path) -> io::Result<()> {
    private_builder().recursive(true).create(path)
}

/// Makes a directory for this user alone, which must not be there.
///
/// # Errors
/// Whatever the file system says.
pub fn new_private_directory(path: &Path) -> io::Result<()> {
    private_builder().create(path)
}

fn private_builder() -> DirBuilder {
    #[cfg_attr(windows, expect(unused_mut, reason = "no mode to set"))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    builder.mode(0o700);
    builder
}

/// Gives new temporary files or directories this mode, before the umask.
pub fn with_mode<'a, 'b, 'c>(
    builder: &'a mut tempfile::Builder<'b, 'c>,
    mode: u32,
) -> &'a mut tempfile::Builder<'b, 'c> {
    #[cfg(unix)]
    return builder.permissions(fs::Permissions::from_mode(mode));
    #[cfg(windows)]
    {
        let _ = mode;
        builder
    }
}

/// Gives a file this mode. On Windows the name says what is a program, and the directory says who may read it.
///
/// # Errors
/// Whatever the file system says.
pub fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    #[cfg(unix)]
    return fs::set_permissions(path, fs::Permissions::from_mode(mode));
    #[cfg(windows)]
    {
        let _ = mode;
        fs::metadata(path).map(drop)
    }
}

/// A file's mode; on Windows that of a file with which everyone may do everything, as no mode says otherwise.
pub fn mode(found: &Metadata) -> u32 {
    #[cfg(unix)]
    return found.mode();
    #[cfg(windows)]
    {
        let _ = found;
        0o777
    }
}

/// Whether an open file has lost its name. On Windows a file that is open keeps it.
pub fn is_nameless(file: &File) -> bool {
    #[cfg(unix)]
    return file.metadata().is_ok_and(|found| found.nlink() == 0);
    #[cfg(windows)]
    {
        let _ = file;
        false
    }
}

/// Whether this user can make files in a directory.
///
/// # Errors
/// Why not.
pub fn demand_writable(directory: &Path) -> io::Result<()> {
    #[cfg(unix)]
    return Ok(rustix::fs::access(directory, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)?);
    // what an access list allows is only known by trying
    #[cfg(windows)]
    tempfile::tempfile_in(directory).map(drop)
}

/// Makes a link at `at` that leads to `to`.
///
/// # Errors
/// Whatever the file system says; Windows lets only developers and administrators make links.
pub fn link(to: impl AsRef<Path>, at: impl AsRef<Path>) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::symlink(to, at);
    #[cfg(windows)]
    {
        let (to, at) = (to.as_ref(), at.as_ref());
        let is_directory = at.parent().is_some_and(|parent| parent.join(to).is_dir());
        match is_directory {
            true => std::os::windows::fs::symlink_dir(to, at),
            false => std::os::windows::fs::symlink_file(to, at),
        }
    }
}

/// Gives a program a second name, by which it can tell how it was started.
///
/// # Errors
/// Whatever the file system says.
pub fn alias(program: &Path, at: &Path) -> io::Result<()> {
    #[cfg(unix)]
    return link(program, at);
    // everybody may make these, but not across drives
    #[cfg(windows)]
    fs::hard_link(program, at).or_else(|_| fs::copy(program, at).map(drop))
}

/// Brings the names in a directory to the disk: a file whose own bytes are there may be lost with its name. NTFS does that by
/// itself, and opens no directory for it.
///
/// # Errors
/// Whatever the file system says.
pub fn sync_names(directory: &Path) -> io::Result<()> {
    #[cfg(unix)]
    return File::open(directory)?.sync_all();
    #[cfg(windows)]
    fs::metadata(directory).map(drop)
}

/// Gives a file another name; nothing that has it already is replaced.
///
/// # Errors
/// If the name is taken, or whatever the file system says.
#[cfg(unix)]
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;

    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        // some file systems cannot refuse by themselves; none of our other runs takes a name whose partial file exists
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) if fs::symlink_metadata(to).is_err() => fs::rename(from, to),
        Err(error) => Err(error.into()),
    }
}

/// A rename would replace what is there; a second name is refused where it is taken.
#[cfg(windows)]
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to)?;
    fs::remove_file(from)
}

/// A disk's bytes.
#[derive(Debug, Clone, Copy)]
pub struct Space {
    /// Those that this user may still take.
    pub free: u64,
    /// All of them.
    pub total: u64,
}

/// The disk that a file or directory is on.
///
/// # Errors
/// Whatever the file system says; Windows is not asked: what needs room is refused there before.
pub fn space(path: &Path) -> io::Result<Space> {
    #[cfg(unix)]
    {
        let disk = rustix::fs::statvfs(path)?;
        let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
        Ok(Space { free: bytes(disk.f_bavail), total: bytes(disk.f_blocks) })
    }
    #[cfg(windows)]
    {
        let _ = path;
        Err(io::ErrorKind::Unsupported.into())
    }
}
