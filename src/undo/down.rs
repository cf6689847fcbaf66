//! `down.sql` beside `migration.sql`: the reverse of a migration as a file that people may read and edit. Prisma ignores it.
//!
//! Its marks are comments: `prisma-safe:down` with a hash of what follows, so that an edited file can be told apart from a generated one;
//! `prisma-safe:reverse N` before what takes statement N back, and `reverse 0` before what runs once all of them are rolled back;
//! `prisma-safe:put-back N` where the values that statement N has destroyed come back; `prisma-safe:as-before` names what comes
//! back by the definitions that the deploy has read.

use std::path::{Path, PathBuf};

use super::reverse::{Step, reverse};
use crate::atomic;
use crate::catalog::Catalog;
use crate::error::{Error, Explain as _, Result};
use crate::project::Migration;
use crate::project::migrations::checksum;
use crate::sql::Script;

/// The file in a migration's directory.
pub const FILE: &str = "down.sql";

const MARK: &str = "-- prisma-safe:down 1 ";
const REVERSE: &str = "-- prisma-safe:reverse ";
const PUT_BACK: &str = "-- prisma-safe:put-back ";
const IMPOSSIBLE: &str = "-- cannot be reversed: ";
const DEFINED: &str = "-- prisma-safe:as-before ";

const HEAD: &str = "\
-- The reverse of migration.sql beside it, for `prisma-safe rollback`. Prisma does not read this file.
-- Without prisma-safe it brings back the structure only: values come back at the lines `put-back`.
-- Edit it if you know better: an edited file is kept as it is, and runs.
";

/// What a rollback runs, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A statement, with its line in the file from 1.
    Sql { sql: String, line: usize },
    /// From here on statement N of the migration is undone.
    Reverse(usize),
    /// What statement N has destroyed comes back.
    PutBack(usize),
}

/// The reverse of a migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Down {
    /// The file's text.
    pub text: String,
    /// What is run.
    pub items: Vec<Item>,
    /// What comes back by the definitions read before the deploy: `view v_songs`.
    pub defined: Vec<String>,
    /// What stays as it is, a sentence each.
    pub impossible: Vec<String>,
    /// Where it comes from; none if it was worked out just now.
    pub path: Option<PathBuf>,
}

/// Whether the way back of a migration is known in full from the files: nothing of it comes back by definitions that a deploy has
/// read, and nothing stays.
pub fn needs_no_definitions(migration: &Migration, before: &Catalog) -> bool {
    Down::find(migration, before).is_ok_and(|down| down.defined.is_empty() && down.impossible.is_empty())
}

/// What stands in a migration's directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Missing,
    /// As we wrote it, for the migration as it is.
    Current,
    /// As we wrote it, for another text of the migration.
    Stale,
    /// Somebody's own.
    Edited,
}

/// What became of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewed {
    /// It is new.
    Written,
    /// It is as it was: it fits the migration.
    Current,
    /// It was ours, and follows the migration again.
    Renewed,
    /// Somebody has edited it, and the migration may have changed since.
    Kept,
}

impl Down {
    /// Works the reverse out, from the world just before the migration.
    pub fn of(migration: &Migration, before: &Catalog) -> Self {
        let script = migration.script();
        let steps = reverse(before, script);
        let unproved = unproved(before, script, &steps);
        let body = body(&steps, &unproved);
        let text = format!("{HEAD}{MARK}{} {}\n{body}", checksum(&body), migration.checksum());
        // what we have written ourselves can be read
        Self::parse(text.clone(), None).unwrap_or(Self {
            text,
            items: Vec::new(),
            defined: Vec::new(),
            impossible: unproved,
            path: None,
        })
    }

    /// The file of a migration; the reverse worked out anew where there is none, or where the file is ours and `before` knows more
    /// than the migrations did when it was written.
    ///
    /// # Errors
    /// Exit status 2 for a file that is no SQL, 1 for one that cannot be read.
    pub fn find(migration: &Migration, before: &Catalog) -> Result<Self> {
        let path = path(migration);
        let text = read(&path)?;
        match (state(text.as_deref(), migration), text) {
            (State::Edited, Some(text)) => Self::parse(text, Some(path)),
            (_, text) => {
                let down = Self::of(migration, before);
                let same = text.is_some_and(|text| text == down.text);
                Ok(Self { path: same.then_some(path), ..down })
            }
        }
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// Exit status 2 if it is no SQL.
    pub fn parse(text: String, path: Option<PathBuf>) -> Result<Self> {
        let script = Script::parse(text.as_str());
        if let Some(error) = script.errors().first() {
            let place = path.as_deref().map_or_else(|| FILE.to_owned(), |path| path.display().to_string());
            let line = script.position(error.range.start).line;
            return Err(Error::usage(format!("{place} line {line}: {}", error.message))
                .help("correct it, or delete it: prisma-safe then works the reverse out again"));
        }
        let outside = |at: usize| !script.statements().iter().any(|statement| statement.range.contains(&at));
        let mut items: Vec<(usize, Item)> = Vec::new();
        let (mut defined, mut impossible) = (Vec::new(), Vec::new());
        for comment in script.comments().iter().filter(|comment| outside(comment.range.start)) {
            let line = text[comment.range.clone()].trim_end();
            let number = |rest: &str| rest.split(|c: char| !c.is_ascii_digit()).next().and_then(|own| own.parse().ok());
            let mark = |prefix: &str, item: fn(usize) -> Item| line.strip_prefix(prefix).and_then(number).map(item);
            if let Some(item) = mark(REVERSE, Item::Reverse).or_else(|| mark(PUT_BACK, Item::PutBack)) {
                items.push((comment.range.start, item));
            } else if let Some(what) = line.strip_prefix(IMPOSSIBLE) {
                // earlier versions did not use the definitions for it
                let code = ["view ", "function "].iter().any(|kind| what.starts_with(kind));
                if code && what.ends_with(" is not known") { &mut defined } else { &mut impossible }
                    .push(what.to_owned());
            } else if let Some(what) = line.strip_prefix(DEFINED) {
                defined.push(what.to_owned());
            }
        }
        for statement in script.statements() {
            let line = script.position(statement.range.start).line;
            items.push((statement.range.start, Item::Sql { sql: text[statement.range.clone()].to_owned(), line }));
        }
        items.sort_by_key(|(at, _)| *at);
        let items = items.into_iter().map(|(_, item)| item).collect();
        Ok(Self { text, items, defined, impossible, path })
    }

    /// The same with another step behind it.
    ///
    /// # Errors
    /// As [`Down::parse`].
    pub(super) fn with(self, step: Step) -> Result<Self> {
        Self::parse([self.text, body(&[step], &[])].concat(), self.path)
    }

    /// The statements, in order.
    pub fn statements(&self) -> impl Iterator<Item = &str> {
        self.items.iter().filter_map(|item| match item {
            Item::Sql { sql, .. } => Some(sql.as_str()),
            _ => None,
        })
    }
}

/// The reverse that a person has written or edited; none where the file is ours, missing, or no SQL.
pub fn edited(migration: &Migration) -> Option<Down> {
    let text = read(&path(migration)).ok()?;
    match state(text.as_deref(), migration) {
        State::Edited => Down::parse(text?, Some(path(migration))).ok(),
        State::Missing | State::Current | State::Stale => None,
    }
}

/// Where the file of a migration is.
fn path(migration: &Migration) -> PathBuf {
    migration.path.with_file_name(FILE)
}

fn read(path: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).explain(|| format!("could not read {}", path.display())),
    }
}

/// Writes the file of a migration that is not applied yet, unless it was edited.
///
/// # Errors
/// Exit status 1 if it cannot be read or written; it is as before then.
pub fn renew(migration: &Migration, earlier: &[Migration], default_schema: &str) -> Result<Renewed> {
    let path = path(migration);
    let state = state(read(&path)?.as_deref(), migration);
    match state {
        State::Current => return Ok(Renewed::Current),
        State::Edited => return Ok(Renewed::Kept),
        State::Missing | State::Stale => {}
    }
    let before = Catalog::of(default_schema, earlier);
    let down = Down::of(migration, &before);
    atomic::write(&path, &down.text).explain(|| format!("could not write {}", path.display()))?;
    Ok(if state == State::Missing { Renewed::Written } else { Renewed::Renewed })
}

fn state(text: Option<&str>, migration: &Migration) -> State {
    let Some(text) = text else { return State::Missing };
    let marked =
        text.strip_prefix(HEAD).and_then(|rest| rest.strip_prefix(MARK)).and_then(|rest| rest.split_once('\n'));
    let Some((hashes, body)) = marked else { return State::Edited };
    match hashes.split_once(' ') {
        Some((own, of)) if own == checksum(body) => {
            if of == migration.checksum() {
                State::Current
            } else {
                State::Stale
            }
        }
        _ => State::Edited,
    }
}

/// What the replayed catalogs still differ in after going there and back.
fn unproved(before: &Catalog, script: &Script, steps: &[Step]) -> Vec<String> {
    let sql: Vec<&str> =
        steps.iter().flat_map(|step| step.room.iter().chain(&step.rules)).map(String::as_str).collect();
    let mut catalog = before.clone();
    catalog.apply(script, "");
    // what could not be followed on the way there is said where it stands
    catalog.opaque.clone_from(&before.opaque);
    catalog.apply(&Script::parse(sql.join("\n")), "");
    before.differences(&catalog)
}

fn body(steps: &[Step], unproved: &[String]) -> String {
    let mut text = String::new();
    let mut line = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    for difference in unproved {
        line(format!("{IMPOSSIBLE}{}", one_line(difference)));
    }
    if steps.is_empty() {
        line("-- nothing to undo".into());
    }
    for step in steps {
        line(format!("\n{REVERSE}{}: {}", step.number, step.of));
        for what in &step.impossible {
            line(format!("{IMPOSSIBLE}{}", one_line(what)));
        }
        for what in &step.defined {
            line(format!("{DEFINED}{}", one_line(what)));
        }
        step.room.iter().cloned().for_each(&mut line);
        if step.values {
            line(format!("{PUT_BACK}{}", step.number));
        }
        step.rules.iter().cloned().for_each(&mut line);
    }
    text
}

/// No text breaks out of its comment.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn migration(directory: &Path, name: &str, sql: &str) -> Migration {
        let path = directory.join(name).join("migration.sql");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        Migration { name: name.into(), path, sql: sql.into() }
    }

    const INIT: &str = "CREATE TABLE \"Song\" (\"id\" INT PRIMARY KEY, \"artist\" TEXT NOT NULL);";

    #[test]
    fn the_file_reads_as_written() {
        let folder = tempfile::tempdir().unwrap();
        let init = migration(folder.path(), "1_init", INIT);
        let drop =
            migration(folder.path(), "2_drop", "-- x\nALTER TABLE \"Song\"\n  DROP COLUMN \"artist\"; SELECT 'do;';");
        let down = Down::of(&drop, &Catalog::replay("public", [("1", init.script())]));
        let sql = |sql: &str, line| Item::Sql { sql: sql.into(), line };
        assert_eq!(
            down.items,
            [
                Item::Reverse(1),
                sql("ALTER TABLE \"Song\" ADD COLUMN \"artist\" text;", 7),
                Item::PutBack(1),
                sql("ALTER TABLE \"Song\" ALTER COLUMN \"artist\" SET NOT NULL;", 9),
            ]
        );
        assert_eq!(down.impossible, [""; 0]);
        insta::assert_snapshot!(down.text);
    }

    #[test]
    fn ours_follows_the_migration_and_an_edited_one_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut own = migration(folder.path(), "1_init", INIT);
        assert_eq!(renew(&own, &[], "public").unwrap(), Renewed::Written);
        assert_eq!(renew(&own, &[], "public").unwrap(), Renewed::Current);
        own.sql = format!("{}\nCREATE TABLE \"More\" (\"x\" INT);", own.sql).into();
        assert_eq!(renew(&own, &[], "public").unwrap(), Renewed::Renewed);
        let file = path(&own);
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains("DROP TABLE \"More\";"), "{text}");
        std::fs::write(&file, format!("{text}SELECT 1;\n")).unwrap();
        own.sql = format!("{}\n", own.sql).into();
        assert_eq!(renew(&own, &[], "public").unwrap(), Renewed::Kept);
        let down = Down::find(&own, &Catalog::new("public")).unwrap();
        assert_eq!(down.statements().last(), Some("SELECT 1;"));
    }

    #[test]
    fn what_is_no_sql_is_refused() {
        let error = Down::parse("SELECT 1;\nnonsense here;".into(), None).unwrap_err();
        assert_eq!(error.exit(), crate::exit::Exit::Usage);
        assert!(error.to_string().contains("down.sql line 2"), "{error}");
    }

    #[test]
    fn no_text_breaks_out_of_its_comment() {
        let folder = tempfile::tempdir().unwrap();
        let evil = migration(folder.path(), "1", "DROP VIEW \"a\nDROP TABLE b;\";");
        let down = Down::of(&evil, &Catalog::new("public"));
        assert_eq!(down.statements().count(), 0, "{}", down.text);
    }
}
