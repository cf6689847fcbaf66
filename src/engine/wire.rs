//! What travels between the seat and the process that runs the journey: one hello, then Prisma's bytes one way and
//! frames the other way. It runs over a socket that only this user can open, so it may hold secrets.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::env::Env;

/// The name under which Prisma starts us; it tells the seat from the command line.
pub(super) const SEAT: &str = if cfg!(windows) { "schema-engine.exe" } else { "schema-engine" };
/// The socket beside it.
pub(super) const SOCKET: &str = "seat.sock";

/// How Prisma started its engine: what it takes to start the real one in the same way.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hello {
    /// The arguments after the program's name. They may hold the database URL.
    pub(super) args: Vec<OsString>,
    /// The directory: the schema's in Prisma 5 and 6, the configuration's in 7.
    pub(super) directory: OsString,
    /// The whole environment: Prisma 5 and 6 have put their .env file in it.
    pub(super) env: Vec<(OsString, OsString)>,
    /// The process id of Prisma, where the system tells it.
    pub(super) prisma: Option<u32>,
}

impl Hello {
    /// A variable as Prisma left it to its engine.
    pub(super) fn var(&self, name: &str) -> Option<&OsStr> {
        self.env.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_os_str())
    }

    /// All of them, but those that are not UTF-8.
    pub(super) fn variables(&self) -> Env {
        let text = |text: &OsStr| text.to_str().map(str::to_owned);
        self.env.iter().filter_map(|(key, value)| Some((text(key)?, text(value)?))).collect()
    }

    /// The engine's directory; relative paths in the arguments start there.
    pub(super) fn directory(&self) -> &Path {
        Path::new(&self.directory)
    }
}

impl fmt::Debug for Hello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prisma = self.prisma.map_or("a process without a number".to_owned(), |id| id.to_string());
        write!(f, "Hello({} arguments in {}, from {})", self.args.len(), self.directory().display(), prisma)
    }
}

/// The seat's instructions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame {
    /// Write to stdout.
    Out(Vec<u8>),
    /// Write to stderr.
    Err(Vec<u8>),
    /// Exit with this status.
    Exit(u8),
}

impl Frame {
    /// One byte for the kind, four for the length (big-endian), then the bytes themselves.
    pub(super) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let (kind, bytes): (u8, &[u8]) = match self {
            Self::Out(bytes) => (b'o', bytes),
            Self::Err(bytes) => (b'e', bytes),
            Self::Exit(status) => (b'x', std::slice::from_ref(status)),
        };
        let length = u32::try_from(bytes.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        to.write_all(&[kind])?;
        to.write_all(&length.to_be_bytes())?;
        to.write_all(bytes)?;
        to.flush()
    }

    /// The next frame; none when the other side is gone.
    pub(super) fn read(from: &mut impl Read) -> io::Result<Option<Self>> {
        let mut head = [0; 5];
        match from.read_exact(&mut head) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        let [kind, length @ ..] = head;
        let length = u64::from(u32::from_be_bytes(length));
        // not allocated up front: the length is the other side's word
        let mut bytes = Vec::new();
        if from.take(length).read_to_end(&mut bytes)? as u64 != length {
            return Ok(None);
        }
        match (kind, bytes.as_slice()) {
            (b'o', _) => Ok(Some(Self::Out(bytes))),
            (b'e', _) => Ok(Some(Self::Err(bytes))),
            (b'x', &[status]) => Ok(Some(Self::Exit(status))),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn frame() -> impl Strategy<Value = Frame> {
        let bytes = || proptest::collection::vec(any::<u8>(), 0..200);
        prop_oneof![bytes().prop_map(Frame::Out), bytes().prop_map(Frame::Err), any::<u8>().prop_map(Frame::Exit)]
    }

    proptest! {
        #[test]
        fn frames_survive_the_wire(frames in proptest::collection::vec(frame(), 0..8)) {
            let mut wire = Vec::new();
            for frame in &frames {
                frame.write(&mut wire).unwrap();
            }
            let mut from = Cursor::new(wire);
            for frame in frames {
                prop_assert_eq!(Frame::read(&mut from).unwrap(), Some(frame));
            }
            prop_assert_eq!(Frame::read(&mut from).unwrap(), None);
        }

        #[test]
        fn a_torn_wire_ends_quietly(frame in frame(), keep in 0_usize..5) {
            let mut wire = Vec::new();
            frame.write(&mut wire).unwrap();
            wire.truncate(keep);
            prop_assert_eq!(Frame::read(&mut Cursor::new(wire)).unwrap(), None);
        }
    }

    #[test]
    fn a_hello_keeps_what_is_no_unicode_and_shows_no_secret() {
        use std::os::unix::ffi::OsStringExt as _;
        let hello = Hello {
            args: vec!["--datasource".into(), "postgresql://u:secret@h/d".into()],
            directory: OsString::from_vec(vec![b'/', 0xff]),
            env: vec![("URL".into(), "postgresql://u:secret@h/d".into())],
            prisma: Some(7),
        };
        let line = serde_json::to_string(&hello).unwrap();
        assert!(!line.contains('\n'));
        assert_eq!(serde_json::from_str::<Hello>(&line).unwrap(), hello);
        assert!(!format!("{hello:?}").contains("secret"));
    }
}
