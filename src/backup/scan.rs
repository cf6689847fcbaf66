//! Reads a plain dump while it streams by: where statements end and which rows stand in each `COPY` block.
//!
//! It follows psql's own rules for strings, quoted names, dollar quotes, comments and bodies of SQL functions, so that a
//! line of data that looks like a statement, or a function that holds a `COPY`, is never taken for one. It works on bytes
//! and gives the same marks however the stream is cut into chunks.

mod mark;
mod quoted;
mod table;
mod words;

use memchr::memchr;

pub use self::mark::{Event, Mark, ScanError};
use self::quoted::block_comment;
pub use self::table::TableName;
use self::table::copied_table;
pub(super) use self::table::identifier;
use self::words::Words;

/// The beginning of a statement that is kept, in bytes; enough to know it by.
const HEAD: usize = 64;
/// A `COPY` statement is kept whole: 1,600 columns with names of 63 bytes, each doubled by quoting, need 210 kB.
const COPY_HEAD: usize = 1 << 20;
/// Longest comment or psql command that is kept, in bytes.
const LINE: usize = 512;
/// Longest word that matters to [`Words`], in bytes.
const WORD: usize = 16;

/// Where in the text the next byte stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Sql,
    /// One `-`, perhaps of a comment.
    Dash,
    /// One `/`, perhaps of a comment.
    Slash,
    LineComment,
    BlockComment {
        depth: u32,
        previous: u8,
    },
    String {
        escapes: bool,
    },
    /// After a backslash in an `E'…'` string.
    Escaped,
    /// After a quote in a string: the end, or one half of `''`.
    Quote {
        escapes: bool,
    },
    Identifier,
    DollarTag(Vec<u8>),
    Dollar {
        tag: Vec<u8>,
        matched: usize,
    },
    Command,
    /// Between `FROM stdin;` and the line's end.
    Copied(TableName),
    Data(Line),
}

/// How far a line of data agrees with `\.`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Start,
    Backslash,
    Dot,
    Return,
    Rest,
}

/// The state between two chunks.
#[derive(Debug)]
pub struct Scanner {
    state: State,
    at: u64,
    /// The statement so far, without comments before it.
    head: Vec<u8>,
    /// The comment or command so far.
    line: Vec<u8>,
    /// The word so far.
    word: Vec<u8>,
    words: Words,
    parentheses: u32,
    rows: u64,
    /// `standard_conforming_strings` is off: every string has backslash escapes.
    backslashes: bool,
}

impl Default for Scanner {
    fn default() -> Self {
        Self {
            state: State::Sql,
            at: 0,
            head: Vec::new(),
            line: Vec::new(),
            word: Vec::new(),
            words: Words::default(),
            parentheses: 0,
            rows: 0,
            backslashes: false,
        }
    }
}

impl Scanner {
    /// Reads the next bytes and appends what they complete to `marks`.
    ///
    /// # Errors
    /// If a `COPY` statement cannot be understood: everything after it would be guessed.
    pub fn feed(&mut self, chunk: &[u8], marks: &mut Vec<Mark>) -> Result<(), ScanError> {
        let mut rest = chunk;
        while !rest.is_empty() {
            let used = self.step(rest, marks)?;
            self.at += used as u64;
            rest = &rest[used..];
        }
        Ok(())
    }

    /// Bytes read so far.
    pub fn position(&self) -> u64 {
        self.at
    }

    /// Rows of the block that is being read.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Whether the text could end here: between statements, not in data.
    pub fn at_rest(&self) -> bool {
        self.head.is_empty() && matches!(self.state, State::Sql | State::LineComment)
    }

    /// Takes the first bytes of `rest` and says how many; 0 only when the state has changed.
    fn step(&mut self, rest: &[u8], marks: &mut Vec<Mark>) -> Result<usize, ScanError> {
        let byte = rest[0];
        let (next, used) = match std::mem::replace(&mut self.state, State::Sql) {
            State::Data(line) => self.data(line, rest, marks),
            State::Sql => return self.sql(byte, marks),
            State::Dash if byte == b'-' => {
                self.line.clear();
                (State::LineComment, 1)
            }
            State::Slash if byte == b'*' => (State::BlockComment { depth: 1, previous: 0 }, 1),
            State::Dash => {
                self.keep(b"-");
                (State::Sql, 0)
            }
            State::Slash => {
                self.keep(b"/");
                (State::Sql, 0)
            }
            State::LineComment => self.until_line_end(rest, State::LineComment, marks),
            State::Command => self.until_line_end(rest, State::Command, marks),
            State::BlockComment { depth, previous } => (block_comment(depth, previous, byte), 1),
            State::String { escapes } => self.string(escapes, rest),
            State::Escaped => {
                self.keep(&rest[..1]);
                (State::String { escapes: true }, 1)
            }
            State::Quote { escapes } if byte == b'\'' => {
                self.keep(b"'");
                (State::String { escapes }, 1)
            }
            State::Quote { .. } => (State::Sql, 0),
            State::Identifier => self.identifier(rest),
            State::DollarTag(tag) => self.dollar_tag(tag, byte),
            State::Dollar { tag, matched } => self.dollar(tag, matched, rest),
            State::Copied(table) => match byte {
                b'\n' => {
                    self.rows = 0;
                    marks.push(Mark { at: self.at + 1, event: Event::Data(table) });
                    (State::Data(Line::Start), 1)
                }
                b'\r' | b' ' => (State::Copied(table), 1),
                _ => return Err(ScanError::Copy { at: self.at }),
            },
        };
        self.state = next;
        Ok(used)
    }

    fn data(&mut self, line: Line, rest: &[u8], marks: &mut Vec<Mark>) -> (State, usize) {
        let next = match (line, rest[0]) {
            (Line::Dot | Line::Return, b'\n') => {
                marks.push(Mark { at: self.at + 1, event: Event::DataEnd { rows: self.rows } });
                return (State::Sql, 1);
            }
            (Line::Start, b'\\') => Line::Backslash,
            (Line::Backslash, b'.') => Line::Dot,
            (Line::Dot, b'\r') => Line::Return,
            _ => {
                // a whole row at a time: this is where nearly all bytes are
                let Some(end) = memchr(b'\n', rest) else { return (State::Data(Line::Rest), rest.len()) };
                self.rows += 1;
                return (State::Data(Line::Start), end + 1);
            }
        };
        (State::Data(next), 1)
    }

    fn sql(&mut self, byte: u8, marks: &mut Vec<Mark>) -> Result<usize, ScanError> {
        if byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80 || (byte == b'$' && !self.word.is_empty()) {
            if self.word.len() < WORD {
                self.word.push(byte);
            }
            self.keep(&[byte]);
            return Ok(1);
        }
        let word = std::mem::take(&mut self.word);
        if !word.is_empty() && self.parentheses == 0 {
            self.words.push(&word);
        }
        let next = match byte {
            b'-' => {
                self.state = State::Dash;
                return Ok(1);
            }
            b'/' => {
                self.state = State::Slash;
                return Ok(1);
            }
            b';' if self.parentheses == 0 && !self.words.in_body() => {
                self.state = self.end_statement(marks)?;
                return Ok(1);
            }
            b'\\' if self.head.is_empty() => {
                self.line.clear();
                self.state = State::Command;
                return Ok(1);
            }
            b'\'' => State::String { escapes: self.backslashes || word.eq_ignore_ascii_case(b"e") },
            b'"' => State::Identifier,
            b'$' => State::DollarTag(Vec::new()),
            b'(' => {
                self.parentheses += 1;
                State::Sql
            }
            b')' => {
                self.parentheses = self.parentheses.saturating_sub(1);
                State::Sql
            }
            _ => State::Sql,
        };
        self.keep(&[byte]);
        self.state = next;
        Ok(1)
    }

    /// What follows a `;`.
    fn end_statement(&mut self, marks: &mut Vec<Mark>) -> Result<State, ScanError> {
        let head = std::mem::take(&mut self.head);
        self.words = Words::default();
        if let Some(table) = head.strip_prefix(b"COPY ").and_then(|rest| rest.strip_suffix(b" FROM stdin")) {
            return copied_table(table).map(State::Copied).ok_or(ScanError::Copy { at: self.at });
        }
        match head.as_slice() {
            b"SET standard_conforming_strings = off" => self.backslashes = true,
            b"SET standard_conforming_strings = on" => self.backslashes = false,
            _ => {}
        }
        marks.push(Mark { at: self.at + 1, event: Event::Statement });
        Ok(State::Sql)
    }

    fn keep(&mut self, bytes: &[u8]) {
        let bytes = if self.head.is_empty() { bytes.trim_ascii_start() } else { bytes };
        let limit = if self.head.starts_with(b"COPY ") { COPY_HEAD } else { HEAD };
        let room = limit.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..room]);
    }
}

#[cfg(test)]
mod tests;
