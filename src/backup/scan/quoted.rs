//! Stretches in which no character means what it means in SQL: strings, names, dollar quotes, comments, commands.

use memchr::{memchr, memchr2};

use super::{Event, LINE, Mark, Scanner, State};

impl Scanner {
    pub(super) fn string(&mut self, escapes: bool, rest: &[u8]) -> (State, usize) {
        let end = if escapes { memchr2(b'\'', b'\\', rest) } else { memchr(b'\'', rest) };
        let used = end.map_or(rest.len(), |end| end + 1);
        self.keep(&rest[..used]);
        let next = match end.map(|end| rest[end]) {
            Some(b'\'') => State::Quote { escapes },
            Some(_) => State::Escaped,
            None => State::String { escapes },
        };
        (next, used)
    }

    pub(super) fn identifier(&mut self, rest: &[u8]) -> (State, usize) {
        let end = memchr(b'"', rest);
        let used = end.map_or(rest.len(), |end| end + 1);
        self.keep(&rest[..used]);
        (if end.is_some() { State::Sql } else { State::Identifier }, used)
    }

    pub(super) fn until_line_end(&mut self, rest: &[u8], state: State, marks: &mut Vec<Mark>) -> (State, usize) {
        let end = memchr(b'\n', rest);
        let text = &rest[..end.unwrap_or(rest.len())];
        let room = LINE.saturating_sub(self.line.len()).min(text.len());
        self.line.extend_from_slice(&text[..room]);
        let Some(end) = end else { return (state, rest.len()) };
        let line = String::from_utf8_lossy(self.line.trim_ascii()).into_owned();
        let at = self.at + end as u64 + 1;
        match state {
            State::Command => marks.push(Mark { at, event: Event::Command(line) }),
            _ if self.head.is_empty() => marks.push(Mark { at, event: Event::Comment(line) }),
            _ => {}
        }
        (State::Sql, end + 1)
    }

    pub(super) fn dollar_tag(&mut self, mut tag: Vec<u8>, byte: u8) -> (State, usize) {
        if byte == b'$' {
            self.keep(b"$");
            let tag = [b"$", tag.as_slice(), b"$"].concat();
            return (State::Dollar { tag, matched: 0 }, 1);
        }
        let letter = byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80;
        if letter || (byte.is_ascii_digit() && !tag.is_empty()) {
            self.keep(&[byte]);
            tag.push(byte);
            return (State::DollarTag(tag), 1);
        }
        (State::Sql, 0) // `$1` and the like
    }

    pub(super) fn dollar(&mut self, tag: Vec<u8>, matched: usize, rest: &[u8]) -> (State, usize) {
        if matched == 0 {
            let Some(start) = memchr(b'$', rest) else {
                self.keep(rest);
                return (State::Dollar { tag, matched }, rest.len());
            };
            self.keep(&rest[..=start]);
            return (State::Dollar { tag, matched: 1 }, start + 1);
        }
        if rest[0] != tag[matched] {
            return (State::Dollar { tag, matched: 0 }, 0); // a `$` here may begin the tag anew
        }
        self.keep(&rest[..1]);
        let matched = matched + 1;
        (if matched == tag.len() { State::Sql } else { State::Dollar { tag, matched } }, 1)
    }
}

pub(super) fn block_comment(depth: u32, previous: u8, byte: u8) -> State {
    match (previous, byte) {
        (b'/', b'*') => State::BlockComment { depth: depth + 1, previous: 0 },
        (b'*', b'/') if depth == 1 => State::Sql,
        (b'*', b'/') => State::BlockComment { depth: depth - 1, previous: 0 },
        _ => State::BlockComment { depth, previous: byte },
    }
}
