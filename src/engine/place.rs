//! The private directory of a journey: the link that Prisma starts as its engine, and the socket beside it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;

use tempfile::TempDir;

use super::inbox::{self, Event};
use super::wire::{SEAT, SOCKET};
use crate::system::files;
use crate::system::socket::{self, Listener};

/// How the directory's name begins.
const PREFIX: &str = "prisma-safe-";

/// A place for the seat; gone when dropped.
pub(super) struct Place {
    directory: TempDir,
    stopped: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

impl Place {
    /// Makes the directory and posts every engine that is started there.
    pub(super) fn make(post: Sender<Event>) -> io::Result<Self> {
        let directory = private_directory()?;
        files::alias(&std::env::current_exe()?, &directory.path().join(SEAT))?;
        let listener = Listener::bind(&directory.path().join(SOCKET))?;
        let stopped = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopped);
        let listener = std::thread::spawn(move || inbox::listen(&listener, &stop, &post));
        Ok(Self { directory, stopped, listener: Some(listener) })
    }

    /// What Prisma is to start as its engine.
    pub(super) fn seat(&self) -> PathBuf {
        self.directory.path().join(SEAT)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // wakes the listener; where that fails it is left alone
        if socket::connect(&self.directory.path().join(SOCKET)).is_ok()
            && let Some(listener) = self.listener.take()
        {
            let _ = listener.join();
        }
    }
}

/// Removes what journeys left behind that were killed. Their sockets refuse connections; a live one takes ours for an
/// engine that went away.
fn tidy(parent: &Path) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let directory = entry.path();
        let place = directory.join(SOCKET);
        if entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes())
            && socket::connect(&place).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
        {
            for path in [place, directory.join(SEAT)] {
                let _ = std::fs::remove_file(path);
            }
            let _ = std::fs::remove_dir(directory);
        }
    }
}

/// 0700, in the system's temporary directory, or in /tmp where that one's name is too long for a socket.
fn private_directory() -> io::Result<TempDir> {
    let make = |parent: &Path| files::with_mode(tempfile::Builder::new().prefix(PREFIX), 0o700).tempdir_in(parent);
    let temporary = tempfile::env::temp_dir();
    tidy(&temporary);
    let directory = make(&temporary)?;
    if socket::fits(&directory.path().join(SOCKET)) { Ok(directory) } else { make(Path::new("/tmp")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_listens_at_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let directory = parent.path().join(name);
            std::fs::create_dir(&directory).unwrap();
            files::link("/bin/true", directory.join(SEAT)).unwrap();
            Listener::bind(&directory.join(SOCKET)).unwrap()
        };
        let _live = make("prisma-safe-live");
        drop(make("prisma-safe-dead"));
        drop(make("other-dead"));
        std::fs::create_dir(parent.path().join("prisma-safe-beginning")).unwrap();
        tidy(parent.path());
        let mut left: Vec<_> =
            std::fs::read_dir(parent.path()).unwrap().map(|each| each.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["other-dead", "prisma-safe-beginning", "prisma-safe-live"]);
    }
}
