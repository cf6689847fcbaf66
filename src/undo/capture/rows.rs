//! Rows that a statement may change or delete: they wait aside until it has run, and those that it left alone are let go.

use postgres::Client;

use super::super::facts::Facts;
use super::super::losses::Which;
use super::{Capture, Kind, Open, Rest, became, copy, joined, kept, lock, place, run};
use crate::database::Failure;
use crate::sql::quote_identifier;

/// Rows that a statement may change, aside until it has run. Other writers wait, readers do not. `None` if no other capture
/// holds what they refer to.
pub(super) fn rows(
    client: &mut Client,
    facts: &Facts,
    capture: &mut Capture,
    which: &Which,
    others: &[Open],
) -> Result<Option<Rest>, Failure> {
    lock(client, facts, if *which == Which::Emptied { "ACCESS EXCLUSIVE" } else { "SHARE ROW EXCLUSIVE" })?;
    if capture.columns.is_empty() {
        capture.columns = facts.stored();
        capture.columns.retain(|column| capture.kind == Kind::Deleted || !capture.key.contains(column));
    }
    let mut of = quote_identifier(&capture.table);
    let condition = match which {
        Which::All | Which::Emptied | Which::Following { .. } => String::new(),
        Which::Where { alias, condition } => {
            if let Some(alias) = alias {
                of = quote_identifier(alias);
            }
            format!("WHERE {condition}")
        }
        Which::Referring { to, columns, referenced } => {
            let Some(parent) = others.iter().find(|other| other.capture.table() == *to) else { return Ok(None) };
            let pairs = columns
                .iter()
                .zip(referenced)
                .map(|(own, other)| format!("{} = p.{}", facts.kept(&of, own), quote_identifier(other)));
            let pairs = pairs.collect::<Vec<_>>().join(" AND ");
            format!("WHERE EXISTS (SELECT FROM {} AS p WHERE {pairs})", place(&aside(&parent.capture)))
        }
    };
    wait(client, facts, capture, &of, &condition).map(Some)
}

/// Every row of a table that is locked already, aside until its statement has run.
pub(super) fn all(client: &mut Client, facts: &Facts, capture: &mut Capture) -> Result<Rest, Failure> {
    let of = quote_identifier(&capture.table);
    wait(client, facts, capture, &of, "")
}

fn wait(client: &mut Client, facts: &Facts, capture: &mut Capture, of: &str, condition: &str) -> Result<Rest, Failure> {
    let mut wanted = capture.key.clone();
    wanted.extend(capture.columns.iter().filter(|column| !capture.key.contains(column)).cloned());
    let select = kept(facts, of, &wanted);
    capture.rows = copy(client, facts, &place(&aside(capture)), of, &select, condition)?;
    capture.reached = capture.rows;
    Ok(Rest::Compare)
}

/// Where rows wait for their statement.
fn aside(capture: &Capture) -> String {
    let mut name = capture.storage.clone();
    name.truncate(name.floor_char_boundary(56));
    format!("{name}_before")
}

/// Of rows that nothing tells apart, as many are gone as there are fewer of them.
fn gone_without_key(facts: &Facts, capture: &Capture, before: &str) -> String {
    let own = capture.columns.iter().map(|column| format!("b.{}", quote_identifier(column))).collect::<Vec<_>>();
    format!(
        "CREATE TABLE {} AS SELECT {} FROM (SELECT a.*, a::text AS prisma_safe_row, \
         row_number() OVER (PARTITION BY a::text) AS prisma_safe_number FROM {before} AS a) AS b \
         LEFT JOIN (SELECT l::text AS line, count(*) AS number FROM (SELECT {} FROM {} AS t) AS l GROUP BY 1) AS n \
         ON n.line = b.prisma_safe_row WHERE b.prisma_safe_number > coalesce(n.number, 0)",
        capture.place(),
        own.join(", "),
        kept(facts, "t", &capture.columns),
        facts.place
    )
}

impl Open {
    /// Finishes the capture after its statement has run.
    pub(in crate::undo) fn finish(self, client: &mut Client) -> Result<Capture, Failure> {
        let Self { mut capture, rest, facts } = self;
        if matches!(rest, Rest::Nothing) {
            return Ok(capture);
        }
        let (before, storage) = (place(&aside(&capture)), capture.place());
        if capture.key.is_empty() && capture.kind == Kind::Deleted {
            capture.rows = run(client, &gone_without_key(&facts, &capture, &before))?;
            client.batch_execute(&format!("DROP TABLE {before}; REVOKE ALL ON {storage} FROM PUBLIC"))?;
            return Ok(capture);
        }
        if capture.key.is_empty() {
            // nothing to compare by: all of it is kept
            client.batch_execute(&format!("ALTER TABLE {before} RENAME TO {}", quote_identifier(&capture.storage)))?;
            return Ok(capture);
        }
        let key = joined(&facts, &capture.key, "t", "b");
        let sql = if capture.kind == Kind::Deleted {
            format!(
                "CREATE TABLE {storage} AS SELECT b.* FROM {before} AS b WHERE NOT EXISTS (SELECT FROM {} AS t WHERE {key})",
                facts.place
            )
        } else {
            // a change of type has made the columns other ones
            let facts = Facts::read(client, &capture.table())?.unwrap_or(facts);
            let values = capture.columns.iter().enumerate();
            let values = values.map(|(at, column)| format!("{} AS {}", facts.kept("t", column), became(at)));
            let changed = capture.columns.iter().map(|column| {
                let column = quote_identifier(column);
                format!("t.{column}::text IS DISTINCT FROM b.{column}::text")
            });
            format!(
                "CREATE TABLE {storage} AS SELECT b.*, {} FROM {before} AS b JOIN {} AS t ON {key} WHERE {}",
                values.collect::<Vec<_>>().join(", "),
                facts.place,
                changed.collect::<Vec<_>>().join(" OR ")
            )
        };
        capture.rows = run(client, &sql)?;
        client.batch_execute(&format!("DROP TABLE {before}; REVOKE ALL ON {storage} FROM PUBLIC"))?;
        Ok(capture)
    }
}
