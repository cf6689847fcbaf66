//! A migration made ready to be sent: its statements by byte range, its checksum, and whether it can run in one transaction.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::project::Migration;
use crate::project::migrations::checksum;
use crate::sql::{Atomicity, Script, StatementKind};

/// So many `INSERT`s in a row are sent together: a seed of thousands does not wait for the network after each.
const BATCH: usize = 500;

/// How a migration reaches the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// In one transaction of ours, with its row of the history.
    Atomic(Prepared),
    /// Through Prisma's engine, alone.
    Alone {
        /// Why, as a sentence's end.
        why: String,
        /// The line that is to blame, from 1.
        line: usize,
    },
}

/// A migration that can run in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The directory's name.
    pub name: String,
    /// Of the whole text, as Prisma computes it.
    pub checksum: String,
    text: String,
    pieces: Vec<Range<usize>>,
}

impl Prepared {
    /// Finds the way for a migration.
    ///
    /// # Errors
    /// Exit status 2 if the file holds what no server takes: psql's commands, `COPY … FROM STDIN`, a byte order mark.
    pub fn route(migration: &Migration) -> Result<Route> {
        let script = migration.script();
        refuse_unsendable(migration, script)?;
        let control = match script.atomicity() {
            Atomicity::Alone { why, range } => {
                return Ok(Route::Alone { why, line: script.position(range.start).line });
            }
            Atomicity::Transaction => Vec::new(),
            Atomicity::OwnTransaction { control } => control,
        };
        if let Some(left_out) = left_out(script) {
            let line = script.position(left_out).line;
            return Ok(Route::Alone { why: "it could not be read in full".into(), line });
        }
        Ok(Route::Atomic(Self {
            name: migration.name.clone(),
            checksum: checksum(script.text()),
            text: script.text().to_owned(),
            pieces: pieces(script, &control),
        }))
    }

    /// The file's text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What is sent, in order, as byte ranges of the text: each a statement, or a run of `INSERT`s.
    pub fn pieces(&self) -> &[Range<usize>] {
        &self.pieces
    }

    /// The text of a piece.
    pub fn sql(&self, piece: &Range<usize>) -> &str {
        &self.text[piece.clone()]
    }

    /// The line of the file, from 1, that a server's position in a piece means; the piece's first line without one.
    pub fn line(&self, piece: &Range<usize>, position: Option<u32>) -> usize {
        let inside = position.and_then(|position| {
            // the server counts characters from 1
            self.sql(piece).char_indices().nth(usize::try_from(position).ok()?.checked_sub(1)?)
        });
        let offset = piece.start + inside.map_or(0, |(offset, _)| offset);
        self.text[..offset].matches('\n').count() + 1
    }
}

/// The statements without those that control transactions.
fn pieces(script: &Script, control: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut pieces: Vec<Range<usize>> = Vec::new();
    // how many statements the last piece holds, if it is a run of inserts
    let mut run = 0;
    for statement in script.statements() {
        if control.contains(&statement.range) {
            run = 0;
            continue;
        }
        let insert = matches!(statement.kind, StatementKind::Insert { .. });
        match pieces.last_mut() {
            Some(last) if insert && (1..BATCH).contains(&run) => {
                last.end = statement.range.end;
                run += 1;
            }
            _ => {
                pieces.push(statement.range.clone());
                run = usize::from(insert);
            }
        }
    }
    pieces
}

/// The first byte that is in no statement and no comment although it is more than space: nothing may be left unsent.
fn left_out(script: &Script) -> Option<usize> {
    let mut covered: Vec<Range<usize>> = script.statements().iter().map(|statement| statement.range.clone()).collect();
    covered.extend(script.comments().iter().map(|comment| comment.range.clone()));
    covered.sort_by_key(|range| range.start);
    let end = script.text().len();
    let mut at = 0;
    for range in covered.into_iter().chain(std::iter::once(end..end)) {
        if at < range.start {
            let gap = &script.text()[at..range.start];
            if let Some(offset) = gap.find(|c: char| !c.is_ascii_whitespace() && c != ';') {
                return Some(at + offset);
            }
        }
        at = at.max(range.end);
    }
    None
}

/// What Prisma could not send either, told before anything has happened.
fn refuse_unsendable(migration: &Migration, script: &Script) -> Result<()> {
    let refuse = |offset: usize, what: &str, help: &str| {
        let line = script.position(offset).line;
        Err(Error::usage(format!("{} line {line}: {what}", migration.path.display())).help(help))
    };
    let text = script.text();
    if text.starts_with('\u{feff}') {
        return refuse(
            0,
            "the file begins with a byte order mark, which PostgreSQL refuses",
            "save it as UTF-8 without BOM",
        );
    }
    if let Some(offset) = text.find('\0') {
        return refuse(offset, "the file holds a NUL byte", "save it as UTF-8");
    }
    for statement in script.statements() {
        let from_stdin =
            |sql: &str| sql.to_ascii_uppercase().split_ascii_whitespace().any(|word| word.starts_with("STDIN"));
        if matches!(&statement.kind, StatementKind::Other { words } if words.starts_with("COPY"))
            && from_stdin(&text[statement.range.clone()])
        {
            let help = "write the rows as INSERT, or load them outside of migrations";
            return refuse(
                statement.range.start,
                "COPY … FROM STDIN needs a client that sends the rows; Prisma does not",
                help,
            );
        }
    }
    for error in script.errors() {
        let start = text[..text.floor_char_boundary(error.range.start)].rfind('\n').map_or(0, |newline| newline + 1);
        if text[start..].trim_start().starts_with('\\') {
            return refuse(start, "a line that begins with \\ is a command of psql, not SQL", "replace it by SQL");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(sql: &str) -> Result<Route> {
        let migration = Migration { name: "1_x".into(), path: "migrations/1_x/migration.sql".into(), sql: sql.into() };
        Prepared::route(&migration)
    }

    fn sent(sql: &str) -> Vec<String> {
        match route(sql).unwrap() {
            Route::Atomic(prepared) => prepared.pieces().iter().map(|piece| prepared.sql(piece).to_owned()).collect(),
            Route::Alone { why, .. } => panic!("{why}"),
        }
    }

    #[test]
    fn own_transactions_are_taken_off() {
        let sql = "CREATE TABLE a (b INT);\n-- AlterEnum\nBEGIN;\nDROP TABLE a;\nCOMMIT;\n\nSELECT 1";
        assert_eq!(sent(sql), ["CREATE TABLE a (b INT);", "DROP TABLE a;", "SELECT 1"]);
        assert_eq!(sent("-- This is an empty migration."), [""; 0]);
        assert_eq!(sent(""), [""; 0]);
    }

    #[test]
    fn inserts_travel_together() {
        let sql = "INSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2); -- two\nSELECT 1; INSERT INTO a VALUES (3);";
        let pieces = sent(sql);
        assert_eq!(
            pieces,
            ["INSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2);", "SELECT 1;", "INSERT INTO a VALUES (3);"]
        );
        let many = "INSERT INTO a VALUES (1);".repeat(BATCH + 1);
        assert_eq!(sent(&many).len(), 2);
    }

    #[test]
    fn lines_are_the_files() {
        let sql = "SELECT 1;\r\n-- ä\r\nSELECT 'ä',\r\n  nope;";
        let Ok(Route::Atomic(prepared)) = route(sql) else { panic!() };
        let last = prepared.pieces().last().unwrap();
        assert_eq!(prepared.line(last, None), 3);
        // SELECT 'ä',␍␊␠␠nope: the 16th character
        assert_eq!(prepared.line(last, Some(16)), 4);
        assert_eq!(prepared.line(last, Some(0)), 3);
        assert_eq!(prepared.line(last, Some(99)), 3);
    }

    #[test]
    fn what_no_server_takes_is_refused() {
        for (sql, line, word) in [
            ("\u{feff}SELECT 1;", 1, "byte order mark"),
            ("SELECT 1;\n\\i other.sql\n", 2, "psql"),
            ("SELECT 1;\nCOPY a FROM STDIN;\n1\n\\.\n", 2, "COPY"),
            ("SELECT 1;\0", 1, "NUL"),
        ] {
            let error = route(sql).unwrap_err().to_string();
            assert!(error.contains(word) && error.contains(&format!("line {line}")), "{sql:?}: {error}");
        }
    }

    #[test]
    fn nothing_is_left_unsent() {
        assert_eq!(left_out(&Script::parse("-- a\n;; SELECT 1; /* b */\n")), None);
        let text = "SELECT 1;\n\\connect other\n";
        assert_eq!(left_out(&Script::parse(text)).map(|at| &text[at..=at]), Some("\\"));
    }

    #[test]
    fn alone_is_told_with_its_line() {
        let Route::Alone { why, line } = route("-- a\nCREATE INDEX CONCURRENTLY i ON a (b);").unwrap() else {
            panic!()
        };
        assert!(why.contains("CONCURRENTLY"), "{why}");
        assert_eq!(line, 2);
    }
}
