//! One table of a backup beside the live one, in our own schema, to look at it and to merge what is missed.

use std::fmt::Write as _;

use postgres::Client;

use super::super::load::{self, Destination};
use super::super::scan::TableName;
use super::target::{Target, texts};
use super::{Restored, Work};
use crate::database::Failure;
use crate::error::{Error, Explain as _, Result};
use crate::sql::{quote_identifier, quote_qualified};
use crate::ui::progress::Progress;

/// The schema of tables that were brought back to be looked at.
const SCHEMA: &str = "_prisma_safe_side";

const COLUMNS: &str = "
SELECT a.attname::text, a.attgenerated <> '', coalesce(i.indisprimary, false)
FROM pg_catalog.pg_attribute a
LEFT JOIN pg_catalog.pg_index i ON i.indrelid = a.attrelid AND i.indisprimary AND a.attnum = ANY (i.indkey::int2[])
WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

/// Whether the role may bring a table here.
pub(super) fn check(target: &mut Target) -> Result<()> {
    let client = target.client()?;
    let query = "SELECT has_database_privilege(current_database(), 'CREATE')";
    let row = client.query_one(query, &[]).map_err(Failure::from);
    if row.explain(|| "could not ask what this role may do".into())?.get(0) {
        return Ok(());
    }
    Err(Error::refused("this role may create no schema in the database, where the table would be put")
        .help("use the database's owner, or restore into another database: --into URL"))
}

/// Brings the table, and says how to merge it.
pub(super) fn bring(table: &TableName, target: &mut Target, work: &Work<'_>) -> Result<Restored> {
    work.shell.step("Restoring", format_args!("table {table} into the schema {SCHEMA}"));
    let mut progress = Progress::start(work.shell, "Restoring");
    let destination = Destination { url: work.url, schema: SCHEMA };
    let rows = load::table(work.archive, table, destination, &mut |position| {
        progress.show(position);
        work.guard.check()
    });
    drop(progress);
    let rows = rows.map_err(|error| match error.causes().iter().any(|cause| cause.contains("already exists")) {
        true => error.help(format!(
            "it was brought here before; look at it, or drop it: DROP TABLE {};",
            quote_qualified(SCHEMA, &table.name)
        )),
        false => error,
    })?;
    let sql = merge(table, target.client()?)?;
    let side = Some(quote_qualified(SCHEMA, &table.name));
    Ok(Restored { rows, tables: 1, side, sql, ..work.restored() })
}

/// The SQL that a person runs, or a part of it, after having looked.
fn merge(table: &TableName, client: &mut Client) -> Result<Vec<String>> {
    let (live, side) = (table.quoted(), quote_qualified(SCHEMA, &table.name));
    let failed = || format!("could not compare {side} with {live}");
    let columns = |client: &mut Client, of: &String| client.query(COLUMNS, &[of]).map_err(Failure::from);
    let brought = texts(client.query(COLUMNS, &[&side]))?;
    let standing = columns(client, &live).explain(failed)?;
    let both: Vec<String> = standing
        .iter()
        .filter(|row| !row.get::<_, bool>(1) && brought.contains(&row.get::<_, String>(0)))
        .map(|row| row.get(0))
        .collect();
    let key: Vec<String> = standing.iter().filter(|row| row.get::<_, bool>(2)).map(|row| row.get(0)).collect();
    let mut sql = Vec::new();
    if standing.is_empty() {
        sql.push(format!(
            "-- the table is gone: make it the live one\nALTER TABLE {side} SET SCHEMA {};",
            quote_identifier(&table.schema)
        ));
    } else if key.is_empty() || key.iter().any(|column| !both.contains(column)) {
        sql.push(format!("-- rows of the backup that the live table does not have; it has no primary key to tell them by\nSELECT * FROM {side};"));
    } else {
        let list =
            |columns: &[String]| columns.iter().map(|column| quote_identifier(column)).collect::<Vec<_>>().join(", ");
        let on = key
            .iter()
            .map(|column| format!("live.{0} = side.{0}", quote_identifier(column)))
            .collect::<Vec<_>>()
            .join(" AND ");
        sql.push(format!(
            "-- rows that were deleted since\nINSERT INTO {live} ({0}) OVERRIDING SYSTEM VALUE\nSELECT {0} FROM {side} side\nON CONFLICT ({1}) DO NOTHING;",
            list(&both),
            list(&key)
        ));
        let values: Vec<&String> = both.iter().filter(|column| !key.contains(column)).collect();
        if !values.is_empty() {
            let pairs = |prefix: &str| {
                values
                    .iter()
                    .map(|column| format!("{prefix}{}", quote_identifier(column)))
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            let mut update = String::from("-- values that were changed since: name the columns that you want back\n");
            let set = values
                .iter()
                .map(|column| format!("{0} = side.{0}", quote_identifier(column)))
                .collect::<Vec<_>>()
                .join(", ");
            // a string takes everything
            let _ = write!(
                update,
                "UPDATE {live} live SET {set}\nFROM {side} side\nWHERE {on} AND ({}) IS DISTINCT FROM ({});",
                pairs("live."),
                pairs("side.")
            );
            sql.push(update);
        }
    }
    sql.push(format!("-- afterwards\nDROP TABLE {side};"));
    Ok(sql)
}
