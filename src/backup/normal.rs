//! A dump's hash without the lines that differ between two dumps of equal databases.

use std::io::{self, ErrorKind, Read};

use memchr::memchr;
use sha2::{Digest as _, Sha256};

/// Bytes read at once.
const CHUNK: usize = 256 * 1024;

/// Lines that name versions and random keys. In rows, a backslash is never followed by `r` and `e`, and a row that looks
/// like a version is left out on both sides.
const OTHERWISE: [&[u8]; 4] =
    [b"\\restrict ", b"\\unrestrict ", b"-- Dumped from database version ", b"-- Dumped by pg_dump version "];

/// Longest beginning that must be seen to know whether a line is one of them.
const HEAD: usize = 32;

/// SHA-256 of everything in `source` that a dump of the same database would hold again.
///
/// # Errors
/// If it cannot be read.
pub(super) fn hash(mut source: impl Read) -> io::Result<[u8; 32]> {
    let mut hash = Sha256::new();
    let mut rest: Vec<u8> = Vec::with_capacity(2 * CHUNK);
    loop {
        let before = rest.len();
        rest.resize(before + CHUNK, 0);
        let count = match source.read(&mut rest[before..]) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                rest.truncate(before);
                continue;
            }
            result => result?,
        };
        rest.truncate(before + count);
        // a line that is not all there waits for the rest of it
        let whole =
            if count == 0 { rest.len() } else { rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1) };
        lines(&rest[..whole], |kept| hash.update(kept));
        rest.drain(..whole);
        if count == 0 {
            return Ok(hash.finalize().into());
        }
    }
}

/// Gives the longest stretches between lines that are left out.
fn lines(text: &[u8], mut keep: impl FnMut(&[u8])) {
    let (mut kept, mut start) = (0, 0);
    while start < text.len() {
        let end = memchr(b'\n', &text[start..]).map_or(text.len(), |end| start + end + 1);
        let head = &text[start..end.min(start + HEAD)];
        if OTHERWISE.iter().any(|line| head.starts_with(line)) {
            keep(&text[kept..start]);
            kept = end;
        }
        start = end;
    }
    keep(&text[kept..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "--\n\\restrict a\n-- Dumped from database version 15.18\n-- Dumped by pg_dump version 15.18\nCREATE;\n1\t2\n\\unrestrict a\n";
    const OTHER: &str = "--\n-- Dumped from database version 15.19\n-- Dumped by pg_dump version 17.1\nCREATE;\n1\t2\n";

    /// Gives a few bytes at a time.
    struct Drops<'a>(&'a [u8]);

    impl Read for Drops<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            (&mut self.0).take(3).read(buffer)
        }
    }

    #[test]
    fn versions_and_keys_make_no_difference_and_everything_else_does() {
        let whole = hash(ONE.as_bytes()).unwrap();
        assert_eq!(whole, hash(OTHER.as_bytes()).unwrap());
        assert_eq!(whole, hash(Drops(ONE.as_bytes())).unwrap());
        assert_ne!(whole, hash(ONE.replace("1\t2", "1\t3").as_bytes()).unwrap());
        assert_ne!(whole, hash(ONE.replace("CREATE;\n", "").as_bytes()).unwrap());
    }
}
