//! Any SQL on a copy: what each statement took and wrote, and what became of every value. `prisma-safe test`.

mod run;

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

pub use self::run::attempt;
use super::Data;
use super::budget::seconds;
use super::locks::{Hold, Stops};
use super::report::{fate, in_a_table, line, sizes, statement_words};
use super::trace::{self, Sized, Statement};
use crate::conservation::Loss;
use crate::database::Failure;
use crate::error::{Error, Result};
use crate::ui::counted;
use crate::values::TableFate;

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
    #[serde(rename = "milliseconds", serialize_with = "super::milliseconds")]
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
        Self { statement: Statement::timed(line, sql, took), rows: None }
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
                    let _ = write!(words, ", {} {verb} in {table}", counted(*rows, "row"));
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
