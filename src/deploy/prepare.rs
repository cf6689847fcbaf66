//! A migration made ready to be sent: its statements by byte range, its checksum, and whether it can run in one transaction.

use std::ops::Range;

use super::sections::Sectioned;
use crate::catalog::Catalog;
use crate::database::History;
use crate::database::history::Progress;
use crate::error::{Error, Result};
use crate::project::Migration;
use crate::project::migrations::checksum;
use crate::review::rest::cut;
use crate::sql::{Script, Section, StatementKind, Way, Whole, line_at};

/// So many `INSERT`s in a row are sent together: a seed of thousands does not wait for the network after each.
const BATCH: usize = 500;

/// How a migration reaches the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// In one of our transactions, with its row of the history.
    Atomic(Prepared),
    /// In sections, each in one of our transactions or alone.
    Sections(Sectioned),
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
    /// Finds the way for a migration; `catalog` is what it finds, `progress` how far it came before.
    ///
    /// # Errors
    /// Exit status 2 if the file holds what no server takes: psql's commands, `COPY … FROM STDIN`, a byte order mark.
    pub fn route(migration: &Migration, catalog: &Catalog, progress: Option<Progress>) -> Result<Route> {
        let script = migration.script();
        refuse_unsendable(migration)?;
        let sections = match cut(script, catalog, progress) {
            Ok(sections) => sections,
            Err(Whole { why, range }) => {
                return Ok(Route::Alone { why, line: script.position(range.start).line });
            }
        };
        if let Some(left_out) = left_out(script) {
            let line = script.position(left_out).line;
            return Ok(Route::Alone { why: "it could not be read in full".into(), line });
        }
        Ok(match sections.as_slice() {
            [] | [Section { way: Way::Transaction, .. }] => {
                let all = sections.first().map(|section| section.statements.clone()).unwrap_or_default();
                Route::Atomic(Self::of(migration, script, &all))
            }
            _ => Route::Sections(Sectioned::new(migration, script, &sections)),
        })
    }

    /// These statements of a migration.
    pub(super) fn of(migration: &Migration, script: &Script, statements: &[usize]) -> Self {
        Self {
            name: migration.name.clone(),
            checksum: checksum(script.text()),
            text: script.text().to_owned(),
            pieces: pieces(script, statements),
        }
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
        line_at(&self.text, piece, position)
    }
}

/// The way of each migration, one behind the other. `world` is what the first one finds.
///
/// # Errors
/// Those of [`Prepared::route`].
pub fn routes(migrations: &[Migration], mut world: Catalog, history: &History) -> Result<Vec<Route>> {
    let route = |migration: &Migration| {
        let progress = history.going_on(migration).map(|(_, progress)| progress);
        let route = Prepared::route(migration, &world, progress);
        world.apply(migration.script(), &migration.name);
        route
    };
    migrations.iter().map(route).collect()
}

/// What is sent of these statements.
fn pieces(script: &Script, statements: &[usize]) -> Vec<Range<usize>> {
    let mut pieces: Vec<Range<usize>> = Vec::new();
    // how many statements the last piece holds, if it is a run of inserts
    let mut run = 0;
    let mut last = None;
    for (at, statement) in statements.iter().filter_map(|at| Some((*at, script.statements().get(*at)?))) {
        // something was left out between them
        if last.replace(at).is_some_and(|last: usize| last + 1 != at) {
            run = 0;
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
///
/// # Errors
/// Exit status 2 if the file holds what no server takes.
pub fn refuse_unsendable(migration: &Migration) -> Result<()> {
    let script = migration.script();
    let Some(found) = script.unsendable() else { return Ok(()) };
    let line = script.position(found.range.start).line;
    Err(Error::usage(format!("{} line {line}: {}", migration.path.display(), found.what)).help(found.help))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(sql: &str) -> Result<Route> {
        let migration = Migration { name: "1_x".into(), path: "migrations/1_x/migration.sql".into(), sql: sql.into() };
        Prepared::route(&migration, &Catalog::new("public"), None)
    }

    fn sent(sql: &str) -> Vec<String> {
        match route(sql).unwrap() {
            Route::Atomic(prepared) => prepared.pieces().iter().map(|piece| prepared.sql(piece).to_owned()).collect(),
            Route::Alone { why, .. } => panic!("{why}"),
            Route::Sections(sections) => panic!("{sections:?}"),
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
    fn what_cannot_be_cut_goes_through_prisma_with_its_line() {
        let Route::Alone { why, line } = route("SELECT 1;\nROLLBACK;").unwrap() else { panic!() };
        assert!(why.contains("rolls back"), "{why}");
        assert_eq!(line, 2);
        assert!(matches!(route("CREATE INDEX CONCURRENTLY i ON a (b);").unwrap(), Route::Sections(_)));
    }
}
