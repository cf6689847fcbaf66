//! The seat itself: what runs when Prisma starts its schema engine and gets us. It decides nothing; it carries Prisma's
//! bytes to the process that runs the journey, and that process's answers back.

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::net::Shutdown;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

use super::wire::{Frame, Hello, SEAT, SOCKET};
use crate::system::process;
use crate::system::socket::{Stream, connect};

/// Whether Prisma started us as its engine: then the socket to the journey. `argv0` is the program's name as started.
pub fn taken(argv0: &OsStr) -> Option<PathBuf> {
    let path = Path::new(argv0);
    (path.file_name() == Some(OsStr::new(SEAT))).then(|| path.with_file_name(SOCKET))
}

/// Carries bytes until one side ends. Ends like an engine: with the status it receives, 1 if no one answers.
///
/// It needs no signal: Prisma stops its engine by SIGTERM, which ends this process, which the other side sees.
pub fn sit(socket: &Path) -> ExitCode {
    match carry(socket) {
        Ok(Some(status)) => ExitCode::from(status),
        Ok(None) => {
            // the journey was killed and could not tidy up
            for path in [socket.to_owned(), socket.with_file_name(SEAT)] {
                let _ = std::fs::remove_file(path);
            }
            let _ = socket.parent().map(std::fs::remove_dir);
            ExitCode::FAILURE
        }
        // one of the pipes is closed: Prisma is gone
        Err(_) => ExitCode::FAILURE,
    }
}

fn carry(socket: &Path) -> io::Result<Option<u8>> {
    let hello = Hello {
        args: std::env::args_os().skip(1).collect(),
        directory: std::env::current_dir()?.into_os_string(),
        env: std::env::vars_os().collect(),
        prisma: process::parent(),
    };
    pump(connect(socket)?, &hello, io::stdin(), &mut io::stdout(), &mut io::stderr())
}

/// The status to exit with; none if the other side went away without one.
pub(super) fn pump(
    mut stream: Stream,
    hello: &Hello,
    mut stdin: impl io::Read + Send + 'static,
    stdout: &mut impl io::Write,
    stderr: &mut impl io::Write,
) -> io::Result<Option<u8>> {
    let mut line = serde_json::to_vec(hello)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut up = stream.try_clone()?;
    // not joined: it may wait for Prisma's next line when there is none to come
    thread::spawn(move || {
        let _ = io::copy(&mut stdin, &mut up);
        let _ = up.shutdown(Shutdown::Write);
    });
    let mut down = io::BufReader::new(stream);
    while let Some(frame) = Frame::read(&mut down)? {
        match frame {
            Frame::Out(bytes) => stdout.write_all(&bytes).and_then(|()| stdout.flush())?,
            Frame::Err(bytes) => stderr.write_all(&bytes).and_then(|()| stderr.flush())?,
            Frame::Exit(status) => return Ok(Some(status)),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_engine_s_name_takes_the_seat() {
        assert_eq!(taken(OsStr::new("/tmp/x/schema-engine")), Some(PathBuf::from("/tmp/x/seat.sock")));
        assert_eq!(taken(OsStr::new("/usr/bin/prisma-safe")), None);
        assert_eq!(taken(OsStr::new("schema-engine-debian-openssl-3.0.x")), None);
        assert_eq!(taken(OsStr::new("")), None);
    }
}
