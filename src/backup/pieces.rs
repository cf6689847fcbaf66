//! A dump as what must be done with it, one piece after the other: statements, and rows to copy.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read};

use super::scan::{Event, Mark, ScanError, Scanner, TableName};

/// Bytes read at once.
const CHUNK: usize = 256 * 1024;
/// Length of the longest end of rows, `\.` with its line end: held back until it is known whether it is one.
const END: usize = 4;

/// One step of a restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// A statement, with its semicolon.
    Statement(Vec<u8>),
    /// A `COPY` statement, which rows follow.
    Copy { statement: Vec<u8>, table: TableName },
    /// Rows, or a part of one.
    Rows(Vec<u8>),
    /// The end of the rows.
    RowsEnd { rows: u64 },
}

/// Reads pieces off a dump.
pub(super) struct Pieces<R> {
    source: R,
    scanner: Scanner,
    marks: VecDeque<Mark>,
    /// What was read and belongs to no piece yet.
    rest: Vec<u8>,
    /// Bytes of the dump before `rest`.
    taken: u64,
    in_rows: bool,
    ended: bool,
}

impl<R: Read> Pieces<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            scanner: Scanner::default(),
            marks: VecDeque::new(),
            rest: Vec::new(),
            taken: 0,
            in_rows: false,
            ended: false,
        }
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// If the dump cannot be read or understood.
    pub(super) fn next(&mut self) -> io::Result<Option<Piece>> {
        loop {
            if let Some(mark) = self.marks.pop_front() {
                if let Some(piece) = self.up_to(mark) {
                    return Ok(Some(piece));
                }
            } else if self.in_rows && self.rest.len() > END {
                let rows = self.rest.len() - END;
                return Ok(Some(Piece::Rows(self.take(rows))));
            } else if self.ended {
                return Ok(None);
            } else {
                self.read()?;
            }
        }
    }

    fn up_to(&mut self, mark: Mark) -> Option<Piece> {
        let length = usize::try_from(mark.at - self.taken).unwrap_or(usize::MAX).min(self.rest.len());
        match mark.event {
            Event::Comment(_) | Event::Command(_) => {
                self.take(length);
                None
            }
            Event::Statement => Some(Piece::Statement(self.take(length))),
            Event::Data(table) => {
                self.in_rows = true;
                Some(Piece::Copy { statement: self.take(length), table })
            }
            Event::DataEnd { rows } => {
                let text = &self.rest[..length];
                let end =
                    text.strip_suffix(b"\\.\n").or_else(|| text.strip_suffix(b"\\.\r\n")).map_or(length, <[u8]>::len);
                if end > 0 {
                    // what is left before the mark is its `\.` alone
                    self.marks.push_front(Mark { at: mark.at, event: Event::DataEnd { rows } });
                    return Some(Piece::Rows(self.take(end)));
                }
                self.take(length);
                self.in_rows = false;
                Some(Piece::RowsEnd { rows })
            }
        }
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        self.taken += length as u64;
        let rest = self.rest.split_off(length);
        std::mem::replace(&mut self.rest, rest)
    }

    fn read(&mut self) -> io::Result<()> {
        let before = self.rest.len();
        self.rest.resize(before + CHUNK, 0);
        let count = loop {
            match self.source.read(&mut self.rest[before..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        let count = count.inspect_err(|_| self.rest.truncate(before))?;
        self.rest.truncate(before + count);
        self.ended = count == 0;
        let mut marks = Vec::new();
        let scanned = self.scanner.feed(&self.rest[before..], &mut marks);
        self.marks.extend(marks);
        scanned.map_err(|error: ScanError| io::Error::new(ErrorKind::InvalidData, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time.
    struct Drops<'a>(&'a [u8]);

    impl Read for Drops<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            (&mut self.0).take(1).read(buffer)
        }
    }

    fn pieces(mut pieces: Pieces<impl Read>) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        while let Some(piece) = pieces.next().unwrap() {
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            match piece {
                Piece::Statement(statement) => found.push(text(statement).trim().to_owned()),
                Piece::Copy { table, .. } => found.push(format!("copy {table} ")),
                Piece::Rows(rows) => found.last_mut().unwrap().push_str(&text(rows)),
                Piece::RowsEnd { rows } => found.last_mut().unwrap().extend(["end ".to_owned(), rows.to_string()]),
            }
        }
        found
    }

    #[test]
    fn statements_and_rows_come_apart_however_they_are_read() {
        let dump = b"-- a comment; \n\\restrict k\n\nSET x = 'a;b';\nCOPY public.t (id) FROM stdin;\n1\\n\n\\.x\n\\\\.\n\\.\n\n-- b\nSELECT 1;\nCOPY public.e (id) FROM stdin;\n\\.\nSELECT 2;\n";
        let expected = ["SET x = 'a;b';", "copy t 1\\n\n\\.x\n\\\\.\nend 3", "SELECT 1;", "copy e end 0", "SELECT 2;"];
        assert_eq!(pieces(Pieces::new(dump.as_slice())), expected);
        assert_eq!(pieces(Pieces::new(Drops(dump))), expected);
    }
}
