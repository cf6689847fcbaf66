//! Values come back where nothing newer was written: a row that is gone stays gone, a value that was changed since stays
//! changed.

mod partners;
pub(super) mod quiet;
pub(super) mod verify;

pub(super) use self::partners::release_orphans;

use std::collections::BTreeSet;
use std::fmt;

use indicatif::HumanCount;
use postgres::Client;
use postgres::types::Type;
use serde::Serialize;

use self::quiet::Quiet;
use super::capture::{Capture, Kind, became, joined, run};
use super::facts::Facts;
use crate::database::Failure;
use crate::sql::{ActionKind, Script, StatementKind, quote_identifier};
use crate::ui::counted;

/// What became of one capture.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PutBack {
    /// `column Song.artist`
    pub what: String,
    /// Rows that were kept.
    pub kept: u64,
    /// Rows with at least one value put back; for whole rows, rows inserted.
    pub restored: u64,
    /// Rows with at least one value that was changed since, and stays as it is.
    pub newer: u64,
    /// Rows that are gone since, and stay gone.
    pub deleted: u64,
    /// Rows whose partner by a foreign key is gone.
    pub orphaned: u64,
    /// Rows that were compared with the kept ones afterwards, and are the same.
    pub verified: u64,
    /// Why nothing could be put back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub impossible: Option<String>,
}

impl fmt::Display for PutBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, kept, restored, newer, deleted, orphaned, impossible, .. } = self;
        if let Some(why) = impossible {
            return write!(f, "nothing of {what}: {why}");
        }
        write!(f, "{what}: {} of {}", HumanCount(*restored), counted(*kept, "row"))?;
        let parts = [
            (newer, "changed since and left as they are"),
            (deleted, "deleted since"),
            (orphaned, "without what they refer to"),
        ];
        for (rows, what) in parts.into_iter().filter(|(rows, _)| **rows > 0) {
            write!(f, ", {} {what}", HumanCount(*rows))?;
        }
        Ok(())
    }
}

/// What the rollback has run since it began to take the statement back.
#[derive(Debug, Default)]
pub(super) struct Section {
    scripts: Vec<Script>,
}

impl Section {
    /// Remembers a statement that was run.
    pub(super) fn push(&mut self, sql: &str) {
        self.scripts.push(Script::parse(sql));
    }

    fn kinds(&self) -> impl Iterator<Item = &StatementKind> {
        self.scripts.iter().flat_map(|script| script.statements()).map(|statement| &statement.kind)
    }

    fn actions(&self, table: &str) -> impl Iterator<Item = &ActionKind> {
        self.kinds()
            .flat_map(move |kind| match kind {
                StatementKind::AlterTable { table: own, actions, .. } if own.name == table => actions.as_slice(),
                _ => &[],
            })
            .map(|action| &action.kind)
    }

    /// Whether a column was added just now, and not written to.
    fn is_fresh(&self, table: &str, column: &str) -> bool {
        let written =
            self.kinds().any(|kind| matches!(kind, StatementKind::Update { table: own, .. } if own.name == table));
        !written
            && self.actions(table).any(|action| match action {
                ActionKind::AddColumn { column: own, if_not_exists: false } => own.name == column,
                _ => false,
            })
    }

    /// What the change of a column's type back makes of a value called as the column is.
    fn conversion(&self, table: &str, column: &str) -> Option<&str> {
        self.actions(table).find_map(|action| match action {
            ActionKind::SetType { column: own, using: Some(using), .. } if own == column => Some(using.text.as_str()),
            _ => None,
        })
    }
}

/// Columns that came back with the change of their type, row by row.
#[derive(Debug, Default)]
pub(super) struct Converted {
    pub(super) columns: BTreeSet<String>,
    /// Rows whose value was changed since.
    pub(super) newer: u64,
}

/// Puts one capture back.
pub(super) fn put_back(
    client: &mut Client,
    capture: &Capture,
    section: &Section,
    converted: Option<&Converted>,
    quiet: &mut Quiet,
) -> Result<PutBack, Failure> {
    let count: i64 = client.query_typed_one(&format!("SELECT count(*) FROM {}", capture.place()), &[])?.try_get(0)?;
    let report = PutBack { what: capture.what(), kept: count.unsigned_abs(), ..PutBack::default() };
    let Some(facts) = Facts::read(client, &capture.table())? else {
        let why = format!("table {} does not exist, so its values cannot be put back", capture.table);
        return Ok(PutBack { impossible: Some(why), ..report });
    };
    client.batch_execute(&format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", facts.name))?;
    quiet.add(client, &facts)?;
    let column = |own: &String| converted.is_none_or(|converted| !converted.columns.contains(own));
    match (capture.kind, converted) {
        (_, Some(converted)) => {
            if capture.columns.iter().any(column) && !capture.key.is_empty() {
                values(client, capture, &facts, section, column, report.clone())?;
            }
            verify::converted(client, capture, &facts, converted, report)
        }
        (Kind::Table | Kind::Deleted, _) => rows(client, capture, &facts, report),
        _ if capture.key.is_empty() => {
            let why = format!(
                "{} has no key that tells its rows apart; the values are in {}",
                capture.table,
                capture.place()
            );
            Ok(PutBack { impossible: Some(why), ..report })
        }
        (Kind::Columns | Kind::Casts | Kind::Updated, _) => values(client, capture, &facts, section, column, report),
    }
}

/// One column's value: when it may come back, and what it is.
struct Value {
    column: String,
    /// As the column's type.
    old: String,
    /// Whether the statement has changed it.
    changed: String,
    /// Whether the live value is still what the statement made of it.
    untouched: String,
}

fn value(capture: &Capture, facts: &Facts, section: &Section, at: usize, column: &str) -> Option<Value> {
    let live = facts.column(column)?;
    let quoted = quote_identifier(column);
    let old = format!("k.{quoted}::{}", live.data_type);
    let new = became(at);
    let (changed, expected) = match capture.kind {
        Kind::Columns if section.is_fresh(&capture.table, column) => {
            return Some(Value { column: quoted, old, changed: "true".into(), untouched: "true".into() });
        }
        Kind::Columns => (format!("k.{quoted} IS NOT NULL"), "NULL".to_owned()),
        _ => {
            let changed = format!("k.{quoted}::text IS DISTINCT FROM k.{new}::text");
            let expected = match section.conversion(&capture.table, column) {
                // the same conversion that the live value has gone through
                Some(using) => format!("(SELECT ({using}) FROM (SELECT k.{new} AS {quoted}) AS made)"),
                None => format!("k.{new}::{}", live.data_type),
            };
            (changed, expected)
        }
    };
    let untouched = format!("t.{quoted}::text IS NOT DISTINCT FROM ({expected})::text");
    Some(Value { column: quoted, old, changed, untouched })
}

fn values(
    client: &mut Client,
    capture: &Capture,
    facts: &Facts,
    section: &Section,
    wanted: impl Fn(&String) -> bool,
    report: PutBack,
) -> Result<PutBack, Failure> {
    let columns = capture.columns.iter().enumerate().filter(|(_, column)| wanted(column));
    let values: Vec<Value> = columns.filter_map(|(at, column)| value(capture, facts, section, at, column)).collect();
    if values.is_empty() {
        let why = format!("there is no such column in {} to put it back into", capture.table);
        return Ok(PutBack { impossible: Some(why), ..report });
    }
    let (name, storage, key) = (&facts.place, capture.place(), joined(facts, &capture.key, "t", "k"));
    let any = |condition: fn(&Value) -> String| values.iter().map(condition).collect::<Vec<_>>().join(" OR ");
    let ask = |client: &mut Client, query: String| -> Result<u64, Failure> {
        Ok(client.query_typed_one(&query, &[])?.try_get::<_, i64>(0)?.unsigned_abs())
    };
    let newer = any(|value| format!("({} AND NOT ({}))", value.changed, value.untouched));
    let newer = ask(client, format!("SELECT count(*) FROM {name} AS t JOIN {storage} AS k ON {key} WHERE {newer}"))?;
    let deleted = ask(
        client,
        format!("SELECT count(*) FROM {storage} AS k WHERE NOT EXISTS (SELECT FROM {name} AS t WHERE {key})"),
    )?;
    let set = values.iter().map(|Value { column, old, changed, untouched }| {
        format!("{column} = CASE WHEN {changed} AND {untouched} THEN {old} ELSE t.{column} END")
    });
    let set = set.collect::<Vec<_>>().join(", ");
    let some = any(|value| format!("({} AND {})", value.changed, value.untouched));
    let restored = run(client, &format!("UPDATE {name} AS t SET {set} FROM {storage} AS k WHERE {key} AND ({some})"))?;
    positions(client, facts, capture)?;
    Ok(PutBack { restored, newer, deleted, ..report })
}

/// Whole rows: those whose key is free and whose partners are there.
fn rows(client: &mut Client, capture: &Capture, facts: &Facts, report: PutBack) -> Result<PutBack, Failure> {
    let columns: Vec<&String> =
        capture.columns.iter().filter(|column| facts.column(column).is_some_and(|column| !column.generated)).collect();
    if columns.is_empty() {
        let why = format!("{} has none of the columns that were kept", capture.table);
        return Ok(PutBack { impossible: Some(why), ..report });
    }
    let list = columns.iter().map(|column| quote_identifier(column)).collect::<Vec<_>>().join(", ");
    let values = columns.iter().filter_map(|column| {
        let live = facts.column(column)?;
        Some(format!("k.{}::{}", quote_identifier(column), live.data_type))
    });
    let values = values.collect::<Vec<_>>().join(", ");
    let (name, storage) = (&facts.name, capture.place());
    let partners = partners::partners(client, facts)?;
    let complete = partners.iter().map(|partner| format!("({partner})")).collect::<Vec<_>>().join(" AND ");
    let (condition, orphaned) = if partners.is_empty() {
        (String::new(), 0)
    } else {
        let count = format!("SELECT count(*) FROM {storage} AS k WHERE NOT ({complete})");
        let orphans: i64 = client.query_typed_one(&count, &[])?.try_get(0)?;
        (format!("WHERE {complete}"), orphans.unsigned_abs())
    };
    let insert = format!("INSERT INTO {name} ({list}) OVERRIDING SYSTEM VALUE SELECT {values} FROM {storage} AS k");
    let insert = if has_rules(client, facts)? {
        let taken = |key: &Vec<String>| {
            let pairs = key.iter().map(|own| {
                let (own, data_type) = (quote_identifier(own), facts.column(own).map_or("text", |own| &own.data_type));
                format!("t.{own} = k.{own}::{data_type}")
            });
            format!("NOT EXISTS (SELECT FROM {} AS t WHERE {})", facts.place, pairs.collect::<Vec<_>>().join(" AND "))
        };
        let kept = |key: &&Vec<String>| key.iter().all(|own| capture.columns.contains(own));
        let free = facts.keys.iter().filter(kept).map(taken);
        let complete = (!complete.is_empty()).then_some(complete);
        let conditions = complete.into_iter().chain(free).collect::<Vec<_>>();
        let of = if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
        format!("{insert} {of}")
    } else {
        format!("{insert} {condition} ON CONFLICT DO NOTHING")
    };
    let restored = run(client, &insert)?;
    positions(client, facts, capture)?;
    Ok(PutBack { restored, orphaned, newer: report.kept.saturating_sub(restored + orphaned), ..report })
}

/// PostgreSQL takes no `ON CONFLICT` for a table that has rules for what it writes, though they are off.
fn has_rules(client: &mut Client, facts: &Facts) -> Result<bool, Failure> {
    const RULES: &str = "SELECT EXISTS (SELECT FROM pg_rewrite WHERE ev_class = $1 AND ev_type IN ('2', '3'))";
    Ok(client.query_typed_one(RULES, &[(&facts.id, Type::OID)])?.try_get(0)?)
}

/// Sequences go on behind what is there now, and behind where they stood.
fn positions(client: &mut Client, facts: &Facts, capture: &Capture) -> Result<(), Failure> {
    for column in facts.columns.iter().filter(|column| capture.columns.contains(&column.name)) {
        let Some(sequence) = &column.sequence else { continue };
        let stood = capture.sequences.iter().find(|(own, _)| *own == column.name).map_or(0, |(_, position)| *position);
        let own = quote_identifier(&column.name);
        let set = format!(
            "SELECT setval($1::text::regclass, greatest(max({own})::int8, $2, (SELECT CASE WHEN is_called THEN last_value END FROM {sequence})))
             FROM {} HAVING greatest(max({own})::int8, $2) > 0",
            facts.place
        );
        client.query_typed(&set, &[(sequence, Type::TEXT), (&stood, Type::INT8)])?;
    }
    Ok(())
}
