//! Rows that foreign keys refer to: what comes back needs them there.

use postgres::Client;
use postgres::types::Type;

use super::super::capture::{Capture, Kind, joined, run};
use super::super::facts::Facts;
use crate::catalog::ObjectName;
use crate::database::Failure;
use crate::sql::{ActionKind, ConstraintKind, Script, StatementKind, quote_identifier};

/// For each foreign key of the table: that a kept row `k` has its partner. Partners within the table come with the rows.
pub(super) fn partners(client: &mut Client, facts: &Facts) -> Result<Vec<String>, Failure> {
    const QUERY: &str = "
        SELECT confrelid::regclass::text,
          ARRAY(SELECT a.attname::text FROM unnest(conkey) WITH ORDINALITY AS n(number, place)
            JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = n.number ORDER BY n.place),
          ARRAY(SELECT a.attname::text FROM unnest(confkey) WITH ORDINALITY AS n(number, place)
            JOIN pg_attribute a ON a.attrelid = confrelid AND a.attnum = n.number ORDER BY n.place)
        FROM pg_constraint WHERE conrelid = $1 AND contype = 'f' AND confrelid <> conrelid AND conparentid = 0";
    let mut conditions = Vec::new();
    for row in client.query_typed(QUERY, &[(&facts.id, Type::OID)])? {
        let (parent, own, other): (String, Vec<String>, Vec<String>) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let typed = |column: &String| {
            let data_type = facts.column(column).map(|column| format!("::{}", column.data_type)).unwrap_or_default();
            format!("k.{}{data_type}", quote_identifier(column))
        };
        let free = own.iter().map(|column| format!("k.{} IS NULL", quote_identifier(column)));
        let pairs =
            own.iter().zip(&other).map(|(own, other)| format!("p.{} = {}", quote_identifier(other), typed(own)));
        let (free, pairs) = (free.collect::<Vec<_>>().join(" OR "), pairs.collect::<Vec<_>>().join(" AND "));
        conditions.push(format!("{free} OR EXISTS (SELECT FROM {parent} AS p WHERE {pairs})"));
    }
    Ok(conditions)
}

/// After a foreign key was refused: removes the values just put back whose partner is gone. Gives how many rows of which
/// captures, by their place among `captures`.
pub(in crate::undo) fn release_orphans(
    client: &mut Client,
    sql: &str,
    schema: &str,
    captures: &[&Capture],
) -> Result<Vec<(usize, u64)>, Failure> {
    let script = Script::parse(sql);
    let mut released = Vec::new();
    for statement in script.statements() {
        let StatementKind::AlterTable { table, actions, .. } = &statement.kind else { continue };
        let of = |name: &crate::sql::Name| ObjectName {
            schema: name.schema.clone().unwrap_or_else(|| schema.to_owned()),
            name: name.name.clone(),
        };
        let child = of(table);
        for action in actions {
            let ActionKind::AddConstraint(constraint) = &action.kind else { continue };
            let ConstraintKind::ForeignKey { columns, table: parent, referenced, .. } = &constraint.kind else {
                continue;
            };
            // nothing was put into a table that is not there
            let Some(facts) = Facts::read(client, &child)? else { continue };
            let pairs = columns.iter().zip(referenced);
            let pairs =
                pairs.map(|(own, other)| format!("p.{} = t.{}", quote_identifier(other), quote_identifier(own)));
            let set = columns.iter().map(|own| format!("t.{} IS NOT NULL", quote_identifier(own)));
            let orphan = format!(
                "{} AND NOT EXISTS (SELECT FROM {} AS p WHERE {})",
                set.collect::<Vec<_>>().join(" AND "),
                of(parent).quoted(),
                pairs.collect::<Vec<_>>().join(" AND ")
            );
            for (at, capture) in captures.iter().enumerate().filter(|(_, capture)| capture.table() == child) {
                if let Some(sql) = release(capture, &facts, columns, &orphan) {
                    released.push((at, run(client, &sql)?));
                }
            }
        }
    }
    released.retain(|(_, rows)| *rows > 0);
    Ok(released)
}

fn release(capture: &Capture, facts: &Facts, columns: &[String], orphan: &str) -> Option<String> {
    if capture.key.is_empty() {
        return None;
    }
    let (name, storage) = (&facts.place, capture.place());
    let ours = format!("EXISTS (SELECT FROM {storage} AS k WHERE {})", joined(facts, &capture.key, "t", "k"));
    if matches!(capture.kind, Kind::Table | Kind::Deleted) {
        return Some(format!("DELETE FROM {name} AS t WHERE {orphan} AND {ours}"));
    }
    let own: Vec<&String> = columns.iter().filter(|column| capture.columns.contains(column)).collect();
    let nullable = |column: &&String| facts.column(column).is_some_and(|column| !column.not_null);
    let first = own.into_iter().find(nullable)?;
    Some(format!("UPDATE {name} AS t SET {} = NULL WHERE {orphan} AND {ours}", quote_identifier(first)))
}
