//! What neither Prisma nor prisma-safe can send, whatever the server is: another encoding, commands of psql, rows that a client
//! would have to feed.

use std::ops::Range;

use super::ast::StatementKind;
use super::script::Script;

/// Something that cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsendable {
    /// Its bytes.
    pub range: Range<usize>,
    /// What is the case, as a sentence's middle.
    pub what: &'static str,
    /// What to do about it.
    pub help: &'static str,
    /// The whole file as it has to be, where that can be told.
    pub corrected: Option<String>,
}

const MARK: char = '\u{feff}';
/// What bytes are read as that are no UTF-8.
const REPLACED: &str = "\u{fffd}\u{fffd}";

impl Script {
    /// The first of these.
    pub fn unsendable(&self) -> Option<Unsendable> {
        let text = self.text();
        let found = |range, what, help| Some(Unsendable { range, what, help, corrected: None });
        if is_utf16(text) {
            let corrected = decoded(text);
            let help = "save it as UTF-8 (`iconv -f UTF-16 -t UTF-8`); PowerShell's `>` writes UTF-16";
            return Some(Unsendable {
                range: 0..text.len(),
                what: "the file is UTF-16, which Prisma reads as UTF-8",
                help,
                corrected,
            });
        }
        if let Some(rest) = text.strip_prefix(MARK) {
            return Some(Unsendable {
                range: 0..MARK.len_utf8(),
                what: "the file begins with a byte order mark, which PostgreSQL refuses",
                help: "save it as UTF-8 without BOM",
                corrected: Some(rest.to_owned()),
            });
        }
        if let Some(offset) = text.find('\0') {
            return found(offset..offset + 1, "the file holds a NUL byte", "save it as UTF-8");
        }
        for statement in self.statements() {
            let from_stdin =
                |sql: &str| sql.to_ascii_uppercase().split_ascii_whitespace().any(|word| word.starts_with("STDIN"));
            if matches!(&statement.kind, StatementKind::Other { words } if words.starts_with("COPY"))
                && from_stdin(&text[statement.range.clone()])
            {
                let help = "write the rows as INSERT, or load them outside of migrations";
                let what = "COPY … FROM STDIN needs a client that sends the rows; Prisma does not";
                return found(statement.range.clone(), what, help);
            }
        }
        for error in self.errors() {
            let start =
                text[..text.floor_char_boundary(error.range.start)].rfind('\n').map_or(0, |newline| newline + 1);
            if text[start..].trim_start().starts_with('\\') {
                let end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
                return found(
                    start..end,
                    "a line that begins with \\ is a command of psql, not SQL",
                    "replace it by SQL",
                );
            }
        }
        None
    }
}

/// UTF-16 as it looks when it is read as UTF-8.
fn is_utf16(text: &str) -> bool {
    let rest = text.strip_prefix(REPLACED).unwrap_or(text);
    let nul = rest.chars().filter(|c| *c == '\0').count();
    nul > 0 && nul * 3 >= rest.chars().count()
}

/// The text of a file in UTF-16 that was read as UTF-8, where no character of it was lost by that.
fn decoded(text: &str) -> Option<String> {
    let rest = text.strip_prefix(REPLACED).unwrap_or(text);
    let kept = rest.is_ascii() && rest.chars().filter(|c| *c == '\0').count() * 2 == rest.len();
    kept.then(|| rest.replace('\0', ""))
}

/// The text as it has to be, where only its encoding is wrong.
pub fn in_utf8(text: &str) -> Option<String> {
    if is_utf16(text) { decoded(text) } else { text.strip_prefix(MARK).map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_encoding_is_told_and_put_right() {
        let utf16: Vec<u8> = "\u{feff}SELECT 1;\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let read = String::from_utf8_lossy(&utf16).into_owned();
        let found = Script::parse(read.as_str()).unsendable().unwrap();
        assert!(found.what.contains("UTF-16"));
        assert_eq!(found.corrected.as_deref(), Some("SELECT 1;\r\n"));
        // without a mark, and with a letter that cannot be told any more
        let bare: Vec<u8> = "SELECT 1;".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(in_utf8(&String::from_utf8_lossy(&bare)).as_deref(), Some("SELECT 1;"));
        let umlaut: Vec<u8> = "\u{feff}SELECT 'ä';".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let read = String::from_utf8_lossy(&umlaut).into_owned();
        assert_eq!(Script::parse(read.as_str()).unsendable().unwrap().corrected, None);
        assert_eq!(in_utf8("\u{feff}SELECT 1;").as_deref(), Some("SELECT 1;"));
        assert_eq!(in_utf8("SELECT 'ä';"), None);
    }
}
