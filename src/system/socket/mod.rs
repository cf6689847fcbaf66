//! The way between two processes of one user: a socket with a name in a directory that only this user can open.
//!
//! On Unix that is a Unix socket. Rust's standard library has none on Windows, where it is a port of 127.0.0.1 that asks for the
//! secrets in the file of that name ([`loopback`]).

#[cfg(any(windows, test))]
mod loopback;

use std::io;
use std::path::Path;

#[cfg(unix)]
use std::os::unix::net::UnixListener;
#[cfg(unix)]
pub use std::os::unix::net::UnixStream as Stream;

#[cfg(windows)]
pub use std::net::TcpStream as Stream;

#[cfg(windows)]
use self::loopback::Loopback as UnixListener;

/// The longest name that a socket may have on every Unix: macOS has 104 bytes with the final zero.
const LONGEST: usize = 103;

/// Whether a socket can have this name.
pub fn fits(path: &Path) -> bool {
    cfg!(windows) || path.as_os_str().len() <= LONGEST
}

/// Where connections arrive.
pub struct Listener(UnixListener);

impl Listener {
    /// Listens at this name, which must not be there. On Unix the name appears only when connections are accepted: another process
    /// takes the owner of a socket that refuses them for dead, and removes it.
    ///
    /// # Errors
    /// Whatever the operating system says.
    pub fn bind(path: &Path) -> io::Result<Self> {
        if cfg!(windows) {
            return UnixListener::bind(path).map(Self);
        }
        let aside = path.with_extension("new");
        let listener = UnixListener::bind(&aside)?;
        std::fs::rename(&aside, path)?;
        Ok(Self(listener))
    }

    /// Waits for the next connection.
    ///
    /// # Errors
    /// Whatever the operating system says; the next one may be fine.
    pub fn accept(&self) -> io::Result<Stream> {
        self.0.accept().map(|(stream, _)| stream)
    }
}

/// Connects to who listens at this name.
///
/// # Errors
/// `ConnectionRefused` where nobody listens any more, else whatever the operating system says.
pub fn connect(path: &Path) -> io::Result<Stream> {
    #[cfg(unix)]
    return Stream::connect(path);
    #[cfg(windows)]
    loopback::connect(path)
}
