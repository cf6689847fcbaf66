//! Where a scratch server lives: a directory of its own with room for the data, and none of those that dead runs left.
//!
//! Whoever needs the directory holds the lock of the file in it: the run and its watcher. The system frees a lock however
//! its holder ends, so a free lock means a dead server, also after a power loss and in another container.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use super::{account, memory};
use crate::env::Env;
use crate::error::{Error, Explain as _, Result};
use crate::system::process::{self, Signal};
use crate::system::{files, user};

/// What the names of all such directories begin with.
const PREFIX: &str = "prisma-safe-scratch-";
/// The file whose lock says that a process needs the directory.
pub(super) const LOCK: &str = "lock";
/// A directory without such a file is younger than this, or its maker is dead.
const BIRTH: Duration = Duration::from_mins(1);

/// A directory that can hold `bytes`, and its lock; leftovers of dead runs are removed first. What is small against the
/// memory that is left stands in memory: a new server is a thousand files, which a disk may take seconds to make.
///
/// # Errors
/// If nowhere is room.
pub(crate) fn make(bytes: u64, env: &Env) -> Result<PathBuf> {
    let chosen = env.get("TMPDIR").map(PathBuf::from);
    let in_memory = (chosen.is_none() && memory::takes(bytes)).then(|| PathBuf::from(memory::DIRECTORY));
    // an earlier run may have been put into memory
    sweep(Path::new(memory::DIRECTORY));
    let on_disk: Vec<PathBuf> = chosen.into_iter().chain(["/tmp", "/var/tmp"].map(PathBuf::from)).collect();
    on_disk.iter().for_each(|parent| sweep(parent));
    let mut candidates = in_memory.into_iter().chain(on_disk);
    let fits = |parent: &PathBuf| account::enterable(parent) && free(parent) >= bytes;
    let parent = candidates.find(fits).ok_or_else(|| {
        Error::failed(format!(
            "neither TMPDIR nor /tmp nor /var/tmp has room for a scratch database of {}",
            indicatif::DecimalBytes(bytes)
        ))
        .help("set TMPDIR to a directory with more room, which every user may enter")
    })?;
    Ok(parent.join(format!("{PREFIX}{}", super::server::random_hex(8)?)))
}

/// Makes the directory and its lock file, locked as long as the file is open.
pub(super) fn claim(directory: &Path) -> Result<File> {
    let failed = || format!("could not create {}", directory.display());
    files::new_private_directory(directory).explain(failed)?;
    let lock = files::private().write(true).create_new(true).open(directory.join(LOCK)).explain(failed)?;
    match lock.try_lock() {
        // without file locks no process is ever taken for dead
        Ok(()) | Err(TryLockError::Error(_)) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Error::failed(failed())),
    }
}

/// Removes what our dead runs left in `parent`: their servers, then their directories.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        if ours && dead(&entry.path()) {
            stop(&entry.path());
            // another process may be doing the same
            let _ = remove(&entry.path());
        }
    }
}

/// Removes a server's directory, its databases at once: removing a large file takes its time.
///
/// # Errors
/// The system's own.
pub(super) fn remove(directory: &Path) -> io::Result<()> {
    let databases: Vec<PathBuf> =
        fs::read_dir(directory.join("data/base")).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    thread::scope(|scope| {
        for database in &databases {
            // what is left of it is removed, or refused, with the rest
            scope.spawn(move || fs::remove_dir_all(database));
        }
    });
    fs::remove_dir_all(directory)
}

/// Whether no process needs the directory any more, and it is this user's.
fn dead(directory: &Path) -> bool {
    let Ok(found) = fs::symlink_metadata(directory) else { return false };
    let Some(owner) = user::owner(&found) else { return false };
    let owners = [user::id(), account::unprivileged().ok().flatten().map(|(uid, _)| uid)];
    if !found.is_dir() || !owners.contains(&Some(owner)) {
        return false;
    }
    match File::open(directory.join(LOCK)) {
        Ok(lock) => lock.try_lock().is_ok(),
        Err(_) => {
            let age = found.modified().ok().and_then(|made| SystemTime::now().duration_since(made).ok());
            age.is_some_and(|age| age > BIRTH)
        }
    }
}

/// Stops a server that outlived its run. After a restart of the machine another process may have its id.
fn stop(directory: &Path) {
    let Some(id) = server(directory) else { return };
    if command_line(id).is_some_and(|line| line.contains(&*directory.to_string_lossy())) {
        // it may have ended by itself
        let _ = process::signal(id, Signal::Quit);
    }
}

/// The process that the data directory says is its server. PostgreSQL writes the id of one that serves nobody, as initdb
/// runs it, with a minus sign.
fn server(directory: &Path) -> Option<u32> {
    let text = fs::read_to_string(directory.join("data/postmaster.pid")).ok()?;
    let id = text.lines().next()?.trim().parse::<i32>().ok()?.unsigned_abs();
    (1..=i32::MAX.unsigned_abs()).contains(&id).then_some(id)
}

/// How a process was started.
fn command_line(id: u32) -> Option<String> {
    if let Ok(line) = fs::read(format!("/proc/{id}/cmdline")) {
        return Some(String::from_utf8_lossy(&line).into_owned());
    }
    let output = crate::tools::command("ps").args(["-o", "command=", "-p", &id.to_string()]).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Free bytes.
fn free(path: &Path) -> u64 {
    files::space(path).map_or(0, |disk| disk.free)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_dead_left_goes_and_what_others_need_stays() {
        let parent = tempfile::tempdir().unwrap();
        let path = |name: &str| parent.path().join(name);
        let living = path("prisma-safe-scratch-living");
        let held = claim(&living).unwrap();
        drop(claim(&path("prisma-safe-scratch-dead")).unwrap());
        fs::create_dir_all(path("prisma-safe-scratch-dead/data/base")).unwrap();
        fs::create_dir(path("prisma-safe-scratch-being-born")).unwrap();
        fs::create_dir(path("prisma-safe-other")).unwrap();
        std::os::unix::fs::symlink(path("prisma-safe-other"), path("prisma-safe-scratch-link")).unwrap();
        sweep(parent.path());
        let left = |name: &str| path(name).exists();
        assert!(!left("prisma-safe-scratch-dead"));
        assert!(
            left("prisma-safe-scratch-being-born") && left("prisma-safe-other") && left("prisma-safe-scratch-link")
        );
        assert!(living.exists());
        drop(held);
        sweep(parent.path());
        assert!(!living.exists());
    }

    #[test]
    fn a_process_that_is_no_server_of_the_directory_is_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("prisma-safe-scratch-dead");
        fs::create_dir_all(directory.join("data")).unwrap();
        fs::write(directory.join("data/postmaster.pid"), format!("{}\n/elsewhere\n", std::process::id())).unwrap();
        stop(&directory);
        assert_eq!(server(&directory), Some(std::process::id()));
    }

    /// A machine that goes down while initdb runs leaves `-PID`. Once no run could start beside such a directory.
    #[test]
    fn a_directory_whose_initdb_was_cut_off_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        for (name, text) in [("unborn", "-10993\n"), ("empty", ""), ("odd", "-2147483648\n"), ("none", "0\n")] {
            let directory = parent.path().join(format!("{PREFIX}{name}"));
            drop(claim(&directory).unwrap());
            fs::create_dir(directory.join("data")).unwrap();
            fs::write(directory.join("data/postmaster.pid"), text).unwrap();
            sweep(parent.path());
            assert!(!directory.exists(), "{name}");
        }
    }
}
