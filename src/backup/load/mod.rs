//! Loading a dump into an empty database: our own loader, not psql, which would run whatever commands a dump holds.
//!
//! The dump's statements run in their order. Between two that must wait for each other, what is independent runs in
//! parallel: tables are copied, the largest first, and each table's indexes and keys are built as soon as its rows are in;
//! foreign keys follow when all of that is done.
//!
//! | module | what it is |
//! |---|---|
//! | `statement` | what a statement is, by its text |
//! | `schedule` | which task may run now |
//! | `crew`, `session` | sessions that work in parallel |
//! | `job`, `options` | their tasks, and how they carry them out |
//! | `copy` | the rows of one table |
//! | `table` | one table alone, into another schema |

mod copy;
mod crew;
mod job;
mod options;
mod schedule;
mod session;
mod statement;
mod table;

use std::collections::BTreeMap;
use std::sync::Arc;

use self::crew::Crew;
use self::job::Job;
pub use self::options::{MissingRole, Options};
use self::schedule::{Need, Schedule, Task};
pub(super) use self::statement::{Kind, kind};
pub use self::table::{Destination, table};
use super::archive::Archive;
use super::manifest::Table;
use super::pieces::{Piece, Pieces};
use crate::database::{DatabaseUrl, history};
use crate::error::{Error, Explain as _, Result};
use crate::guard::dump::is_own;
use crate::ui::progress::Position;

/// Statements are sent together up to this many bytes: one transaction for many is much faster than one for each.
const BATCH: usize = 32 * 1024;

/// What was loaded.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Statements that the options left out because of a role, each with the reason.
    pub left_out: Vec<String>,
    /// Statements about what the server has not, where the options let it have less than the dump.
    pub lacked: Vec<String>,
}

/// Loads all of a backup into an empty database that is ours alone.
///
/// `watch` is called ten times a second with the progress, and may stop it. After an error the database is neither empty nor
/// whole: drop it.
///
/// # Errors
/// The server's own, with the statement; a dump that does not hold what the manifest says; whatever `watch` says.
pub fn load(
    archive: &Archive,
    url: &DatabaseUrl,
    options: &Options,
    watch: &mut dyn FnMut(Position<'_>) -> Result<()>,
) -> Result<Loaded> {
    let crew = Crew::new(archive, url, options, watch);
    let mut loader =
        Loader { crew, options, tasks: Vec::new(), batch: Batch::default(), settings: Settings::default() };
    let mut pieces = Pieces::new(archive.read_script()?);
    let mut blocks = archive.manifest().tables.iter().enumerate();
    while let Some(piece) = pieces.next().explain(unreadable)? {
        match piece {
            Piece::Statement(text) => loader.statement(statement_text(text)?)?,
            Piece::Copy { statement, table } => {
                let (block, expected) =
                    blocks.next().filter(|(_, expected)| expected.name == table).ok_or_else(|| {
                        Error::failed("the backup is not restored as it was dumped")
                            .because(format!("it holds rows of table {table} where the manifest names others"))
                    })?;
                loader.copy(&statement_text(statement)?, block, expected)?;
            }
            Piece::RowsEnd { .. } => {}
            Piece::Rows(_) => return Err(Error::failed(unreadable())),
        }
    }
    if let Some((_, missing)) = blocks.next() {
        return Err(Error::failed("the backup is not restored as it was dumped")
            .because(format!("it holds no rows of table {}", missing.name)));
    }
    loader.finish()
}

/// Settings of the session at a place in the dump, by name.
#[derive(Debug, Clone, Default)]
struct Settings(BTreeMap<String, String>);

impl Settings {
    fn script(&self) -> String {
        self.0.values().map(|statement| format!("{statement}\n")).collect()
    }
}

/// Statements that wait to be sent together.
#[derive(Debug, Default)]
struct Batch {
    now: Vec<String>,
    bytes: usize,
    /// What can wait until the end: comments, and the values of sequences.
    later: Vec<String>,
    /// Within the dump's own `BEGIN … COMMIT`, around each large object.
    transaction: bool,
}

struct Loader<'a> {
    crew: Crew<'a>,
    options: &'a Options,
    /// What can run in parallel and has not begun.
    tasks: Vec<Task>,
    batch: Batch,
    settings: Settings,
}

impl Loader<'_> {
    fn statement(&mut self, text: String) -> Result<()> {
        if self.batch.transaction || text == "BEGIN;" {
            self.run_tasks()?;
            self.flush()?;
            self.batch.transaction = text != "COMMIT;";
            return self.crew.alone(Job::Statements(vec![text]));
        }
        if !self.options.guard && is_own(&text) {
            return Ok(());
        }
        match kind(&text) {
            Kind::Setting(name) if name == "default_tablespace" && !self.options.tablespaces => Ok(()),
            Kind::Setting(name) => {
                self.settings.0.insert(name, text.clone());
                self.push(text)
            }
            Kind::Owner if !self.options.owners => Ok(()),
            Kind::Privilege if !self.options.privileges => Ok(()),
            Kind::Later => {
                self.batch.later.push(text);
                Ok(())
            }
            Kind::Index { table } => self.task(text, Need::Share(table)),
            Kind::Constraint { table } => self.task(text, Need::Alone(vec![table])),
            Kind::ForeignKey { tables } => self.task(text, Need::Keys(tables)),
            Kind::Owner | Kind::Privilege | Kind::Other => {
                self.run_tasks()?;
                self.push(text)
            }
        }
    }

    fn copy(&mut self, statement: &str, block: usize, table: &Table) -> Result<()> {
        if !self.options.rows && table.name.name != history::TABLE {
            return Ok(());
        }
        let job = Job::Copy { statement: statement.to_owned(), block, session: Arc::new(self.settings.script()) };
        self.add(Task { job, need: Need::Rows(table.name.clone()), bytes: table.length, label: table.name.to_string() })
    }

    fn task(&mut self, text: String, need: Need) -> Result<()> {
        let label = need.tables().first().map(ToString::to_string).unwrap_or_default();
        let bytes = need.tables().iter().map(|table| self.crew.bytes_of(table)).sum();
        let job = Job::Task { statement: text, session: Arc::new(self.settings.script()) };
        self.add(Task { job, need, bytes, label })
    }

    fn add(&mut self, task: Task) -> Result<()> {
        // all keys that a foreign key could refer to must stand before the first one
        if task.need.is_keys() && self.tasks.first().is_some_and(|first| !first.need.is_keys())
            || !task.need.is_keys() && self.tasks.first().is_some_and(|first| first.need.is_keys())
        {
            self.run_tasks()?;
        }
        if self.tasks.is_empty() {
            self.flush()?;
        }
        self.tasks.push(task);
        Ok(())
    }

    fn push(&mut self, text: String) -> Result<()> {
        self.batch.bytes += text.len();
        self.batch.now.push(text);
        // while tasks wait, only settings are pushed: they come when their turn is
        if self.batch.bytes < BATCH || !self.tasks.is_empty() { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<()> {
        self.batch.bytes = 0;
        let statements = std::mem::take(&mut self.batch.now);
        if statements.is_empty() { Ok(()) } else { self.crew.alone(Job::Statements(statements)) }
    }

    fn run_tasks(&mut self) -> Result<()> {
        let tasks = std::mem::take(&mut self.tasks);
        if tasks.is_empty() { Ok(()) } else { self.crew.together(Schedule::new(tasks)) }
    }

    fn finish(mut self) -> Result<Loaded> {
        self.run_tasks()?;
        for text in std::mem::take(&mut self.batch.later) {
            self.push(text)?;
        }
        self.flush()?;
        let (left_out, lacked) = self.crew.finish();
        Ok(Loaded { left_out, lacked })
    }
}

fn statement_text(statement: Vec<u8>) -> Result<String> {
    let text = String::from_utf8(statement).explain(|| "a statement of the dump is not in UTF-8".into())?;
    Ok(text.trim().to_owned())
}

fn unreadable() -> String {
    "could not read the dump".into()
}
