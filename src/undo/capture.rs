//! One capture: what a statement destroys, copied (or a whole table moved) into the capsule just before the statement runs.
//!
//! Copies of what is dropped or retyped are made under the lock that the statement itself takes, so no session writes in between,
//! and no reader waits to write while the statement waits for it: taking a weaker lock first would let readers go
//! on, and end in a deadlock with the first transaction that reads and then writes.

mod rows;
mod whole;

use postgres::types::Type;
use postgres::{Client, SimpleQueryMessage};
use serde::{Deserialize, Serialize};

use super::facts::Facts;
use super::losses::{Cast, Loss};
use crate::catalog::ObjectName;
use crate::catalog::live::OWN_SCHEMA;
use crate::database::Failure;
use crate::sql::{calls, quote_identifier, quote_qualified};

/// What kind of loss a capture is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Dropped columns: their values with the row's key.
    Columns,
    /// Retyped columns: the values that changed, as they were and as they became.
    Casts,
    /// A dropped table: its rows.
    Table,
    /// Deleted rows.
    Deleted,
    /// Overwritten values, as they were and as they became.
    Updated,
}

/// What is kept of one loss. Serialized, it stands in the capsule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Capture {
    /// Which statement of the migration, from 1.
    pub statement: usize,
    pub kind: Kind,
    /// The table's schema, just before the statement.
    pub schema: String,
    /// The table's name, just before the statement.
    pub table: String,
    /// The columns that tell its rows apart; without any, values cannot be put back by themselves.
    pub key: Vec<String>,
    /// The columns that are kept.
    pub columns: Vec<String>,
    /// The table in our schema that keeps them; what values became stands in `prisma_safe_new_1` and so on.
    pub storage: String,
    /// Whether that is the very table, moved there.
    pub moved: bool,
    pub rows: u64,
    /// Rows that the statement could reach, where they waited aside for it.
    #[serde(skip)]
    pub reached: u64,
    /// Positions of the sequences that went with the table: column, position.
    #[serde(default)]
    pub sequences: Vec<(String, i64)>,
    /// The session's time zone, by which times were converted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Written by versions that did not read all rights with the definitions: those on a dropped table, as statements.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rights: Vec<String>,
}

impl Capture {
    /// The table.
    pub fn table(&self) -> ObjectName {
        ObjectName { schema: self.schema.clone(), name: self.table.clone() }
    }

    /// What it is, for people: `column Song.artist`, `table Song`.
    pub fn what(&self) -> String {
        what(self.kind, &self.table, &self.columns)
    }

    /// The table that keeps it, qualified.
    pub(super) fn place(&self) -> String {
        place(&self.storage)
    }
}

/// See [`Capture::what`].
pub(super) fn what(kind: Kind, table: &str, columns: &[String]) -> String {
    let listed = columns.iter().map(|column| format!("{table}.{column}")).collect::<Vec<_>>().join(", ");
    match kind {
        Kind::Columns if columns.len() == 1 => format!("column {listed}"),
        Kind::Columns => format!("columns {listed}"),
        Kind::Casts => format!("values of {listed} that change with the type"),
        Kind::Table => format!("table {table}"),
        Kind::Deleted => format!("rows deleted from {table}"),
        Kind::Updated => format!("values of {table} that are overwritten"),
    }
}

/// The kind of a loss.
pub(super) fn kind(loss: &Loss) -> Kind {
    match loss {
        Loss::Columns { .. } => Kind::Columns,
        Loss::Casts { .. } => Kind::Casts,
        Loss::Table { .. } | Loss::Whole { .. } => Kind::Table,
        Loss::Deleted { .. } => Kind::Deleted,
        Loss::Updated { .. } => Kind::Updated,
    }
}

/// A table in our schema, qualified.
pub(super) fn place(storage: &str) -> String {
    quote_qualified(OWN_SCHEMA, storage)
}

/// The column that keeps what the value at this place became.
pub(super) fn became(at: usize) -> String {
    format!("prisma_safe_new_{}", at + 1)
}

/// A capture whose statement has not run yet.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) capture: Capture,
    /// What is still to be done once it has.
    rest: Rest,
    facts: Facts,
}

/// What remains to be done after the statement.
#[derive(Debug)]
enum Rest {
    Nothing,
    /// The rows that it could reach are kept aside; those that it did not change are let go.
    Compare,
}

/// Runs one statement; gives the rows it was about.
pub(super) fn run(client: &mut Client, sql: &str) -> Result<u64, Failure> {
    let messages = client.simple_query(sql)?;
    let rows = messages.iter().rev().find_map(|message| match message {
        SimpleQueryMessage::CommandComplete(rows) => Some(*rows),
        _ => None,
    });
    Ok(rows.unwrap_or_default())
}

/// Captures a loss before its statement runs. `None` if there is no such table. `others` are the captures of the same
/// statement, and `schema` is where the migration's bare names are looked for.
pub(super) fn begin(
    client: &mut Client,
    schema: &str,
    statement: usize,
    loss: &Loss,
    storage: String,
    others: &[Open],
) -> Result<Option<Open>, Failure> {
    // where it is not there, the statement fails or passes it over
    let Some(facts) = Facts::read(client, loss.table())? else { return Ok(None) };
    let mut capture = Capture {
        statement,
        kind: kind(loss),
        schema: loss.table().schema.clone(),
        table: loss.table().name.clone(),
        key: facts.key_without(&loss.columns()),
        columns: loss.columns(),
        storage,
        moved: false,
        rows: 0,
        reached: 0,
        sequences: Vec::new(),
        zone: None,
        rights: Vec::new(),
    };
    let rest = match loss {
        Loss::Columns { .. } => columns(client, &facts, &mut capture)?,
        Loss::Casts { casts, .. } => self::casts(client, &facts, &mut capture, casts)?,
        Loss::Table { table } => {
            let movable = facts.movable && (table.schema != schema || whole::is_meant(client, &facts, table)?);
            whole::table(client, &facts, &mut capture, movable)?
        }
        Loss::Whole { .. } => whole::table(client, &facts, &mut capture, false)?,
        Loss::Deleted { which, .. } | Loss::Updated { which, .. } => {
            // nothing refers to rows of a table that is not there
            let Some(rest) = rows::rows(client, &facts, &mut capture, which, others)? else { return Ok(None) };
            rest
        }
    };
    Ok(Some(Open { capture, rest, facts }))
}

fn lock(client: &mut Client, facts: &Facts, mode: &str) -> Result<(), Failure> {
    Ok(client.batch_execute(&format!("LOCK TABLE {} IN {mode} MODE", facts.name))?)
}

/// `"Song"."a" AS "a", "Song"."b"::text AS "b"`
fn kept(facts: &Facts, of: &str, columns: &[String]) -> String {
    let kept = columns.iter().map(|column| format!("{} AS {}", facts.kept(of, column), quote_identifier(column)));
    kept.collect::<Vec<_>>().join(", ")
}

/// Copies rows of a table, called `of`, into one of our tables.
fn copy(client: &mut Client, facts: &Facts, into: &str, of: &str, select: &str, rest: &str) -> Result<u64, Failure> {
    let rows = run(client, &format!("CREATE TABLE {into} AS SELECT {select} FROM {} AS {of} {rest}", facts.place))?;
    client.batch_execute(&format!("REVOKE ALL ON {into} FROM PUBLIC"))?;
    Ok(rows)
}

/// The key with the columns; without a key whole rows, so that a person can tell them apart.
fn telling(facts: &Facts, capture: &Capture) -> Vec<String> {
    match capture.key.is_empty() {
        true => facts.stored(),
        false => [capture.key.clone(), capture.columns.clone()].concat(),
    }
}

fn columns(client: &mut Client, facts: &Facts, capture: &mut Capture) -> Result<Rest, Failure> {
    lock(client, facts, "ACCESS EXCLUSIVE")?;
    // rows without any of the values need not be kept, unless a default would then fill them
    let sparse = |column: &String| facts.column(column).is_some_and(|column| !column.not_null && !column.default);
    let condition = if capture.columns.iter().all(sparse) {
        let null = capture.columns.iter().map(|column| format!("{} IS NULL", quote_identifier(column)));
        format!("WHERE NOT ({})", null.collect::<Vec<_>>().join(" AND "))
    } else {
        String::new()
    };
    let of = quote_identifier(&capture.table);
    let select = kept(facts, &of, &telling(facts, capture));
    capture.rows = copy(client, facts, &capture.place(), &of, &select, &condition)?;
    Ok(Rest::Nothing)
}

fn casts(client: &mut Client, facts: &Facts, capture: &mut Capture, casts: &[Cast]) -> Result<Rest, Failure> {
    lock(client, facts, "ACCESS EXCLUSIVE")?;
    capture.zone = client.query_typed_one("SELECT current_setting('TimeZone')", &[])?.try_get(0)?;
    if !capture.key.is_empty() && computes_anew(client, casts)? {
        return rows::all(client, facts, capture);
    }
    // the statement's expressions may call the table by its name
    let of = quote_identifier(&capture.table);
    let value =
        |cast: &Cast| if cast.built_in { format!("({})", cast.value) } else { format!("({})::text", cast.value) };
    let values = casts.iter().enumerate().map(|(at, cast)| format!("{} AS {}", value(cast), became(at)));
    let select = [kept(facts, &of, &telling(facts, capture))].into_iter().chain(values).collect::<Vec<_>>().join(", ");
    let changed = casts
        .iter()
        .map(|cast| format!("{}::text IS DISTINCT FROM ({})::text", quote_identifier(&cast.column), cast.value));
    let condition = format!("WHERE {}", changed.collect::<Vec<_>>().join(" OR "));
    capture.rows = copy(client, facts, &capture.place(), &of, &select, &condition)?;
    Ok(Rest::Nothing)
}

/// Whether an expression gives another value each time (`random()`, `nextval()`) or changes something: then it runs once, in its
/// statement, and what it made is read afterwards.
fn computes_anew(client: &mut Client, casts: &[Cast]) -> Result<bool, Failure> {
    const VOLATILE: &str = "SELECT EXISTS (SELECT FROM pg_proc WHERE provolatile = 'v' AND lower(proname) = ANY($1))";
    let called: Vec<String> = casts.iter().flat_map(|cast| calls::of_expression(&cast.value)).collect();
    if called.is_empty() {
        return Ok(false);
    }
    Ok(client.query_typed_one(VOLATILE, &[(&called, Type::TEXT_ARRAY)])?.try_get(0)?)
}

/// `t."a" = b."a" AND …`, in the form that the values are kept in.
pub(super) fn joined(facts: &Facts, key: &[String], live: &str, kept: &str) -> String {
    let pairs = key.iter().map(|column| format!("{} = {kept}.{}", facts.kept(live, column), quote_identifier(column)));
    pairs.collect::<Vec<_>>().join(" AND ")
}
