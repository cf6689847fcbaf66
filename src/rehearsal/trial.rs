//! Any SQL on a copy: what each statement took and wrote, and what became of every value. `prisma-safe test`.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Value, json};

use super::budget::seconds;
use super::contained::reaching;
use super::report::{fate, in_a_table, line, sizes, statement_words};
use super::trace::{self, Hold, Sized, Statement, Stops};
use super::tracing::Tracing;
use super::{APPLICATION, CLONE, Compared, Data, Original, compared, onlooker, uncompared};
use crate::backup::demand_untouched;
use crate::catalog::Catalog;
use crate::catalog::live::{Live, Without};
use crate::conservation::Loss;
use crate::database::{Cancelling, DatabaseUrl, Failure, History, connect, history};
use crate::deploy::{self, ApplyError, NoHook, Route, Runner, Settings};
use crate::error::{Error, Explain as _, Result};
use crate::project::Migration;
use crate::ui::interrupt::Guard;
use crate::values::{TableFate, Touched};

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trial {
    pub file: String,
    /// The backup that it ran on.
    pub backup: String,
    pub server_version: String,
    pub data: Data,
    /// Whether it ran in one transaction.
    pub atomic: bool,
    #[serde(rename = "milliseconds", serialize_with = "trace::milliseconds")]
    pub took: Duration,
    pub statements: Vec<Told>,
    /// The locks it held on tables that were there before, the worst first.
    pub locks: Vec<Hold>,
    pub rewrites: Vec<Sized>,
    pub indexes: Vec<Sized>,
    /// The tables that were touched.
    pub tables: Vec<TableFate>,
    /// What was there before and is not there after.
    pub losses: Vec<Loss>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub uncompared: Vec<String>,
    /// How the copy is unlike production.
    pub unlike: Vec<String>,
    /// Where and why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Refusal>,
}

/// A statement with the rows that it wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    #[serde(flatten)]
    pub statement: Statement,
    /// Of tables that were there before; none where that cannot be seen, outside of a transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<Vec<Rows>>,
}

/// Rows of a table that a statement wrote, also by triggers, foreign keys and functions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rows {
    pub table: String,
    pub inserted: u64,
    pub updated: u64,
    pub deleted: u64,
}

/// The server's words, and the place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// In the file, from 1; none where no statement is to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The SQLSTATE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    pub message: String,
}

impl Told {
    /// Seen from inside its transaction.
    fn traced(statement: Statement) -> Self {
        let of = |write: &trace::Write| Rows {
            table: write.table.clone(),
            inserted: write.inserted,
            updated: write.updated,
            deleted: write.deleted,
        };
        let wrote = |rows: &Rows| rows.inserted + rows.updated + rows.deleted > 0;
        let rows = statement.writes.iter().map(of).filter(wrote).collect();
        Self { statement, rows: Some(rows) }
    }

    /// Only timed.
    fn timed(line: usize, sql: &str, took: Duration) -> Self {
        let statement = Statement {
            line,
            sql: trace::beginning(sql),
            took,
            wal_bytes: 0,
            locks: Vec::new(),
            rewrites: Vec::new(),
            indexes: Vec::new(),
            writes: Vec::new(),
            range: 0..0,
        };
        Self { statement, rows: None }
    }
}

impl Refusal {
    fn new(line: Option<usize>, failure: &Failure) -> Self {
        Self { line, code: failure.code.as_ref().map(|code| code.code().to_owned()), message: failure.to_string() }
    }
}

impl Trial {
    /// Whether all of it ran.
    ///
    /// # Errors
    /// Exit status 1 with the line and the server's words.
    pub fn check(&self) -> Result<()> {
        let Some(Refusal { line, message, .. }) = &self.error else { return Ok(()) };
        let at = line.map_or_else(String::new, |line| format!(" at line {line}"));
        let left =
            if self.atomic { "on the copy it was rolled back" } else { "what ran before it stood on the copy only" };
        Err(Error::failed(format!("{} fails{at}", self.file))
            .because(message.clone())
            .help(format!("correct the file and test it again: {left}, and nothing else was touched")))
    }

    /// The document of `test --format json`.
    pub fn document(&self) -> Value {
        let mut document = json!({ "schemaVersion": 1, "verdict": if self.error.is_none() { "pass" } else { "fail" } });
        if let (Some(into), Ok(Value::Object(fields))) = (document.as_object_mut(), serde_json::to_value(self)) {
            into.extend(fields);
        }
        document
    }

    /// The report, for people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let way = if self.atomic { "in one transaction" } else { "not in one transaction" };
        let took = seconds(self.took);
        line(&mut text, 0, &format!("{}: {took} {way}, on a copy of {}", self.file, self.backup));
        for Told { statement, rows } in &self.statements {
            let mut words = statement_words(statement);
            for Rows { table, inserted, updated, deleted } in rows.iter().flatten() {
                let done = [("inserted", inserted), ("updated", updated), ("deleted", deleted)];
                for (verb, rows) in done.into_iter().filter(|(_, rows)| **rows > 0) {
                    // writing to a String does not fail
                    let _ = write!(words, ", {} rows {verb} in {table}", indicatif::HumanCount(*rows));
                }
            }
            line(&mut text, 1, &words);
        }
        if !self.atomic {
            for (verb, list) in [("writes anew", &self.rewrites), ("builds", &self.indexes)] {
                if !list.is_empty() {
                    line(&mut text, 1, &format!("{verb} {}", sizes(list)));
                }
            }
        }
        for hold in self.locks.iter().filter(|hold| hold.stops != Stops::Nobody) {
            let whom = if hold.stops == Stops::Everybody { "all access" } else { "writes" };
            line(&mut text, 1, &format!("blocks {whom} to {} for {} ({})", hold.table, seconds(hold.held), hold.mode));
        }
        self.tables.iter().for_each(|table| fate(&mut text, table));
        for loss in self.losses.iter().filter(|loss| !in_a_table(loss.kind)) {
            line(&mut text, 0, &format!("{} {}", loss.object, loss.what));
        }
        for uncompared in &self.uncompared {
            line(&mut text, 0, &format!("not compared: {uncompared}"));
        }
        for unlike in &self.unlike {
            line(&mut text, 0, &format!("unlike production: {unlike}"));
        }
        text
    }
}

/// How it ran on the copy.
struct Ran {
    atomic: bool,
    statements: Vec<Told>,
    holds: Vec<Hold>,
    rewrites: Vec<Sized>,
    indexes: Vec<Sized>,
    touched: Touched,
    error: Option<Refusal>,
}

/// Runs a file on a copy of the original, and compares. The original is left as it is.
///
/// # Errors
/// Exit status 3 for what reaches beyond the database, 2 for what no server takes; the scratch server's own; Ctrl-C. What the
/// server refuses of the file is in the trial.
pub fn attempt(original: &mut Original, file: &Migration, schema: &str, settings: Settings) -> Result<Trial> {
    let guard = Guard::new()?;
    demand_within(file)?;
    original.make_ready()?;
    if !original.lacking().is_empty() {
        demand_untouched(std::slice::from_ref(file), original.lacking(), false, original.server_major()?)?;
    }
    let live = Live::read(&mut original.connect()?, &Without::default());
    let world = Catalog::of_target(schema, &live.explain(|| "could not read the definitions of the copy".into())?);
    let routes = deploy::routes(std::slice::from_ref(file), world, &History::default())?;
    original.copy(CLONE)?;
    let url = original.url(CLONE, schema)?;
    forget_failures(&url)?;
    let start = Instant::now();
    let ran = match routes.first() {
        Some(Route::Atomic(prepared)) => {
            let mut nothing = NoHook;
            let mut tracing = Tracing::new(schema, &mut nothing);
            let applied = Runner::open(url.clone(), settings, guard.flag())?.apply(prepared, &mut tracing);
            let traced = tracing.finish();
            Ran {
                atomic: true,
                rewrites: traced.statements.iter().flat_map(|statement| statement.rewrites.clone()).collect(),
                indexes: traced.statements.iter().flat_map(|statement| statement.indexes.clone()).collect(),
                statements: traced.statements.into_iter().map(Told::traced).collect(),
                holds: traced.holds,
                touched: Touched::These(traced.touched),
                error: applied.err().map(refusal).transpose()?,
            }
        }
        _ => outside(&url, file, &guard.flag())?,
    };
    finish(original, ran, (file, schema, start.elapsed()), &guard.flag())
}

/// What cannot run in one transaction: one statement after the other in one session, as psql sends a file.
fn outside(url: &DatabaseUrl, file: &Migration, interrupt: &Arc<AtomicBool>) -> Result<Ran> {
    let script = file.script();
    let mut pieces: Vec<Range<usize>> = script.statements().iter().map(|statement| statement.range.clone()).collect();
    if !script.errors().is_empty() {
        // where a statement ends is not known
        pieces = std::iter::once(0..file.sql.len()).collect();
    }
    let mut client = connect(url, APPLICATION)?;
    let tokens = vec![(url.clone(), client.cancel_token())];
    let _cancelling = Cancelling::start(tokens, Arc::clone(interrupt));
    let mut statements = Vec::new();
    let send = || -> Option<(Range<usize>, Failure)> {
        for range in pieces {
            let sql = &file.sql[range.clone()];
            let (start, sent) = (Instant::now(), client.batch_execute(sql));
            statements.push(Told::timed(script.position(range.start).line, sql, start.elapsed()));
            if let Err(error) = sent {
                return Some((range, Failure::from(error)));
            }
        }
        None
    };
    let (failed, seen) = onlooker::during(url, &file.sql, send)?;
    if interrupt.load(Ordering::Relaxed) {
        return Err(Error::cancelled());
    }
    let seen = seen.explain(|| format!("could not look on while {} ran", file.name))?;
    let error = failed.map(|(range, failure)| {
        // the server counts characters from 1
        let inside = |at: u32| file.sql[range.clone()].char_indices().nth(usize::try_from(at).ok()?.checked_sub(1)?);
        let offset = failure.position.and_then(inside).map_or(0, |(offset, _)| offset);
        Refusal::new(Some(script.position(range.start + offset).line), &failure)
    });
    Ok(Ran {
        atomic: false,
        statements,
        holds: seen.holds,
        rewrites: seen.rewrites,
        indexes: seen.indexes,
        touched: Touched::All,
        error,
    })
}

/// The server's refusal of the file; everything else is no word about it.
fn refusal(error: ApplyError) -> Result<Refusal> {
    match &error {
        ApplyError::Refused { place, failure, .. } => Ok(Refusal::new(place.as_ref().map(|place| place.line), failure)),
        _ => Err(error.into()),
    }
}

/// A failed migration that the copy has taken over stops nothing here.
fn forget_failures(url: &DatabaseUrl) -> Result<()> {
    let (mut client, schema) = (connect(url, APPLICATION)?, url.schema());
    let mut forget = || -> Result<(), Failure> {
        if history::exists(&mut client, &schema)? {
            let table = history::table(&schema);
            client.batch_execute(&format!("UPDATE {table} SET rolled_back_at = now() WHERE finished_at IS NULL"))?;
        }
        Ok(())
    };
    forget().explain(|| "could not prepare the copy".into())
}

fn demand_within(file: &Migration) -> Result<()> {
    match reaching(std::slice::from_ref(file)).as_slice() {
        [] => Ok(()),
        found => Err(Error::refused(format!("{} would reach beyond the copy: nothing was run", file.name))
            .because(found.join("\n"))
            .help(
                "what reaches other servers, files or programs does so from a copy too: take it out to test the rest",
            )),
    }
}

fn finish(
    original: &Original,
    ran: Ran,
    (file, schema, took): (&Migration, &str, Duration),
    interrupt: &Arc<AtomicBool>,
) -> Result<Trial> {
    let (mut before, mut after) = (original.connect()?, connect(&original.url(CLONE, schema)?, APPLICATION)?);
    let Compared { tables, losses, was, .. } =
        compared(original, (&mut before, &mut after), &ran.touched, schema, interrupt)?;
    drop((before, after));
    original.drop_copy(CLONE)?;
    Ok(Trial {
        file: file.name.clone(),
        backup: original.backup().to_owned(),
        server_version: original.server_version()?,
        data: original.data(),
        atomic: ran.atomic,
        took,
        statements: ran.statements,
        locks: trace::longest(ran.holds),
        rewrites: ran.rewrites,
        indexes: ran.indexes,
        tables,
        losses,
        uncompared: uncompared(&was, original.data(), schema),
        unlike: original.unlike().to_vec(),
        error: ran.error,
    })
}
