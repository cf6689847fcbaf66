//! A rehearsal as people and as programs read it.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::budget::seconds;
use super::locks::{Hold, Stops};
use super::trace::{Sized, Statement};
use super::{Rehearsal, Rehearsed, ReturnTrip, brief, original};
use crate::conservation::Kind;
use crate::ui::{Shell, count, counted, rows};
use crate::values::{ColumnFate, Fate, TableFate};

/// Statements that are quicker and write nothing anew are not worth a line.
const WORTH_A_LINE: Duration = Duration::from_millis(100);

/// A lock that is held this long is reported beside the summary, too.
const LONG: Duration = Duration::from_secs(1);

/// The document of `rehearse --format json`.
pub fn document(rehearsal: &Rehearsal) -> Value {
    let mut document =
        json!({ "schemaVersion": 1, "verdict": if rehearsal.check().is_ok() { "pass" } else { "fail" } });
    if let (Some(into), Ok(Value::Object(fields))) = (document.as_object_mut(), serde_json::to_value(rehearsal)) {
        into.extend(fields);
    }
    document
}

/// The report, for people.
pub fn say(rehearsal: &Rehearsal, shell: &Shell) {
    let depth = if shell.verbose() > 0 { Depth::All } else { Depth::Usual };
    for line in human(rehearsal, depth).lines() {
        shell.detail(line);
    }
}

/// The same in a deploy: one line, and below it what needs attention; everything with `-v`.
pub fn say_in_brief(rehearsal: &Rehearsal, shell: &Shell) {
    if shell.verbose() > 0 {
        return say(rehearsal, shell);
    }
    shell.status("Rehearsed", brief::summary(rehearsal));
    // a refusal shows all that it goes by
    let depth = if rehearsal.check().is_ok() { Depth::Notable } else { Depth::Usual };
    for line in human(rehearsal, depth).lines() {
        shell.detail(line);
    }
}

/// How much is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Depth {
    /// What needs attention.
    Notable,
    /// Also what went well.
    Usual,
    /// Also each statement.
    All,
}

/// For a terminal.
fn human(rehearsal: &Rehearsal, depth: Depth) -> String {
    let mut text = String::new();
    for migration in &rehearsal.migrations {
        told(&mut text, migration, depth);
    }
    for step in &rehearsal.steps {
        step.tell(&mut text);
    }
    for table in rehearsal.tables.iter().filter(|table| depth > Depth::Notable || brief::is_notable(table)) {
        fate(&mut text, table);
    }
    for loss in rehearsal.losses.iter().filter(|loss| !in_a_table(loss.kind)) {
        line(&mut text, 0, &format!("{} {}", loss.object, loss.what));
    }
    for unneeded in &rehearsal.unneeded {
        line(&mut text, 0, &format!("note: {unneeded}"));
    }
    for uncompared in &rehearsal.uncompared {
        line(&mut text, 0, &format!("not compared: {uncompared}"));
    }
    for stall in &rehearsal.stalls {
        let who = if stall.reader { "reader" } else { "writer" };
        line(&mut text, 0, &format!("{}: a {who} waited {} at most", stall.table, seconds(stall.longest)));
    }
    if let Some(trip) = &rehearsal.rollback {
        back(&mut text, trip);
    }
    for unlike in rehearsal.unlike.iter().filter(|unlike| depth > Depth::Notable || !original::is_usual(unlike)) {
        line(&mut text, 0, &format!("unlike production: {unlike}"));
    }
    text
}

/// What the lines about tables say already.
pub(super) fn in_a_table(kind: Kind) -> bool {
    matches!(kind, Kind::Rows | Kind::Values | Kind::Column | Kind::Table)
}

pub(super) fn line(text: &mut String, depth: usize, words: &str) {
    // writing to a String does not fail
    let _ = writeln!(text, "{:width$}{words}", "", width = 2 * depth);
}

fn told(whole: &mut String, migration: &Rehearsed, depth: Depth) {
    let text = &mut String::new();
    for statement in &migration.statements {
        if depth == Depth::All || statement.took >= WORTH_A_LINE || !statement.rewrites.is_empty() {
            line(text, 1, &statement_words(statement));
        }
    }
    if !migration.atomic {
        for (verb, list) in [("writes anew", &migration.rewrites), ("builds", &migration.indexes)] {
            if !list.is_empty() {
                line(text, 1, &format!("{verb} {}", sizes(list)));
            }
        }
    }
    let long = |hold: &Hold| depth > Depth::Notable || hold.held >= LONG;
    for hold in migration.locks.iter().filter(|hold| hold.stops != Stops::Nobody && long(hold)) {
        let whom = if hold.stops == Stops::Everybody { "all access" } else { "writes" };
        line(text, 1, &format!("blocks {whom} to {} for {} ({})", hold.table, seconds(hold.held), hold.mode));
    }
    if depth > Depth::Notable || !text.is_empty() {
        let way = if migration.atomic { "in one transaction" } else { "not in one transaction" };
        line(whole, 0, &format!("{}: {} {way}", migration.name, seconds(migration.took)));
        whole.push_str(text);
    }
}

pub(super) fn statement_words(statement: &Statement) -> String {
    let mut words = format!("line {}: {} — {}", statement.line, statement.sql, seconds(statement.took));
    for (verb, list) in [("writes anew", &statement.rewrites), ("builds", &statement.indexes)] {
        if !list.is_empty() {
            let _ = write!(words, ", {verb} {}", sizes(list));
        }
    }
    if statement.wal_bytes > 0 {
        let _ = write!(words, ", {} of log", indicatif::DecimalBytes(statement.wal_bytes));
    }
    words
}

pub(super) fn sizes(list: &[Sized]) -> String {
    let one = |sized: &Sized| format!("{} ({})", sized.name, indicatif::DecimalBytes(sized.bytes));
    list.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn back(text: &mut String, trip: &ReturnTrip) {
    let names: Vec<&str> = trip.migrations.iter().map(|migration| migration.name.as_str()).collect();
    let outcome = match (trip.is_whole(), trip.stays.is_empty()) {
        (true, true) => "every definition and every value as before",
        (true, false) => "every definition and every value that was there as before",
        (false, _) => "not as before",
    };
    line(text, 0, &format!("rolled back in {}: {}; {outcome}", seconds(trip.took), names.join(", ")));
    for put_back in trip.migrations.iter().flat_map(|migration| &migration.put_back) {
        line(text, 1, &format!("put back {put_back}"));
    }
    for difference in &trip.differences {
        line(text, 1, difference);
    }
    for column in &trip.values {
        line(text, 1, &format!("{column} does not hold what it held"));
    }
    for table in &trip.rows {
        line(text, 1, &format!("{table} lacks rows that it had"));
    }
    for rows in &trip.stays {
        line(text, 1, &format!("stays: {rows}"));
    }
}

pub(super) fn fate(text: &mut String, table: &TableFate) {
    let name = match &table.renamed_to {
        Some(now) => format!("{}, now {now}", table.table),
        None => table.table.clone(),
    };
    let head = match (table.rows_before, table.rows_after) {
        (Some(before), Some(after)) if before == after => format!("{name}: {}, as before", rows(before)),
        (Some(before), Some(after)) => format!("{name}: {} before, {} after", rows(before), count(after)),
        (Some(before), None) => format!("{name}: gone, had {}", rows(before)),
        (None, after) => format!("{name}: new, {}", rows(after.unwrap_or_default())),
    };
    let moved = match (table.deleted, table.inserted) {
        (None | Some(0), None | Some(0)) => String::new(),
        (gone, come) => {
            format!("; {} went and {} came", count(gone.unwrap_or_default()), count(come.unwrap_or_default()))
        }
    };
    line(text, 0, &format!("{head}{moved}"));
    if table.rows_before.is_some() && table.rows_after.is_some() {
        for column in &table.columns {
            if let Some(words) = column_words(column) {
                line(text, 1, &words);
            }
        }
    } else if table.rows_after.is_none() {
        for column in table.columns.iter().filter(|column| matches!(column.fate, Fate::Moved { .. })) {
            line(text, 1, &column_words(column).unwrap_or_default());
        }
    }
}

/// None for what is as it was, and for what is new.
fn column_words(ColumnFate { column, fate }: &ColumnFate) -> Option<String> {
    Some(match fate {
        Fate::Preserved | Fate::New => return None,
        Fate::Renamed { to } => format!("{column} is now {to}, every value kept"),
        Fate::Converted { to, from_type, to_type } if to == column => {
            format!("{column} went from {from_type} to {to_type}, every value kept")
        }
        Fate::Converted { to, from_type, to_type } => {
            format!("{column} is now {to}, from {from_type} to {to_type}, every value kept")
        }
        Fate::Moved { to } => format!("{column} is gone, its values are in {to}"),
        Fate::Changed { rows: Some(rows), overwritten: Some(0) } => {
            format!("{column} holds a value in {}", counted(*rows, "more row"))
        }
        Fate::Changed { rows: Some(rows), .. } => format!("{column} holds other values in {}", counted(*rows, "row")),
        Fate::Changed { rows: None, .. } => format!("{column} holds other values (no key tells in how many rows)"),
        Fate::Lost { values: 0 } => format!("{column} is gone; it held nothing"),
        Fate::Lost { values } => format!("{column} is lost with {}", counted(*values, "value")),
    })
}
