//! Whether what was put back is what was kept: asked of the database, before the commit.

use postgres::Client;

use super::super::capture::{Capture, Kind, became, joined};
use super::super::facts::Facts;
use super::{Converted, PutBack, Section};
use crate::database::Failure;
use crate::sql::quote_identifier;

/// Counts the rows of a capture that came back with the change of their column's type.
pub(super) fn converted(
    client: &mut Client,
    capture: &Capture,
    facts: &Facts,
    converted: &Converted,
    report: PutBack,
) -> Result<PutBack, Failure> {
    let storage = capture.place();
    let same = capture.columns.iter().map(|column| same(column)).collect::<Vec<_>>().join(" AND ");
    if capture.key.is_empty() {
        // whether the others were changed or deleted cannot be told without a key
        let restored = ask(
            client,
            &format!(
                "SELECT count(*) FROM {storage} AS k WHERE EXISTS (SELECT FROM {} AS t WHERE {same})",
                facts.place
            ),
        )?;
        return Ok(PutBack { restored, deleted: report.kept.saturating_sub(restored), ..report });
    }
    let key = joined(facts, &capture.key, "t", "k");
    let from = format!("FROM {storage} AS k JOIN {} AS t ON {key}", facts.place);
    let restored = ask(client, &format!("SELECT count(*) {from} WHERE {same}"))?;
    let found = ask(client, &format!("SELECT count(*) {from}"))?;
    let deleted = report.kept.saturating_sub(found);
    // a difference beyond those changed since is left for the comparison at the end
    let newer = found.saturating_sub(restored).min(converted.newer);
    Ok(PutBack { restored, newer, deleted, ..report })
}

/// How many kept rows are there as they were kept, and how many are not although nothing was written to them since.
pub(in crate::undo) fn compare(
    client: &mut Client,
    capture: &Capture,
    section: &Section,
    report: &PutBack,
) -> Result<(u64, u64), Failure> {
    // put back into a table that is gone again: all of it differs
    let Some(facts) = Facts::read(client, &capture.table())? else { return Ok((0, report.restored)) };
    let columns: Vec<(usize, &String)> = capture
        .columns
        .iter()
        .enumerate()
        .filter(|(_, own)| facts.column(own).is_some_and(|column| !column.generated))
        .collect();
    let storage = capture.place();
    let differing = match capture.kind {
        Kind::Table | Kind::Deleted => {
            let texts = |of: &str| {
                let text = |(_, own): &(usize, &String)| format!("{of}.{}::text", quote_identifier(own));
                columns.iter().map(text).collect::<Vec<_>>().join(", ")
            };
            ask(
                client,
                &format!(
                    "SELECT count(*) FROM (SELECT {} FROM {storage} AS k EXCEPT ALL SELECT {} FROM {} AS t) AS missing",
                    texts("k"),
                    texts("t"),
                    facts.place
                ),
            )?
        }
        // counted when it was converted
        Kind::Casts if capture.key.is_empty() => return Ok((report.restored, 0)),
        Kind::Columns | Kind::Casts | Kind::Updated => {
            let differs = |(at, own): &(usize, &String)| {
                let column = quote_identifier(own);
                let concerned = match capture.kind {
                    Kind::Columns if section.is_fresh(&capture.table, own) => "true".to_owned(),
                    Kind::Columns => format!("k.{column} IS NOT NULL"),
                    _ => format!("k.{column}::text IS DISTINCT FROM k.{}::text", became(*at)),
                };
                format!("({concerned} AND NOT ({}))", same(own))
            };
            let differs = columns.iter().map(differs).collect::<Vec<_>>().join(" OR ");
            let key = joined(&facts, &capture.key, "t", "k");
            ask(
                client,
                &format!("SELECT count(*) FROM {storage} AS k JOIN {} AS t ON {key} WHERE {differs}", facts.place),
            )?
        }
    };
    let known = report.newer + report.orphaned;
    let gone = if matches!(capture.kind, Kind::Table | Kind::Deleted) { 0 } else { report.deleted };
    Ok((report.kept.saturating_sub(differing + gone), differing.saturating_sub(known)))
}

fn same(column: &str) -> String {
    let column = quote_identifier(column);
    format!("t.{column}::text IS NOT DISTINCT FROM k.{column}::text")
}

fn ask(client: &mut Client, query: &str) -> Result<u64, Failure> {
    Ok(client.query_typed_one(query, &[])?.try_get::<_, i64>(0)?.unsigned_abs())
}
