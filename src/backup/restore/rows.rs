//! The rows of the restored tables as the server gives them back: as many as were dumped, and the same ones.

use std::collections::BTreeMap;
use std::io::Read as _;

use postgres::{Client, GenericClient};

use super::super::archive::Archive;
use super::super::pieces::{Piece, Pieces};
use super::super::rows::{Digest, Summing};
use super::super::scan::TableName;
use super::Work;
use crate::database::Failure;
use crate::error::{Error, Explain as _, Result};
use crate::sql::quote_literal;

/// Bytes read at once.
const CHUNK: usize = 256 * 1024;
/// Types whose text depends on nothing but the value, as far as the settings below go.
const PLAIN: &[&str] = &[
    "bool",
    "bpchar",
    "char",
    "cidr",
    "date",
    "float4",
    "float8",
    "inet",
    "int2",
    "int4",
    "int8",
    "interval",
    "json",
    "jsonb",
    "name",
    "numeric",
    "oid",
    "text",
    "time",
    "timestamp",
    "uuid",
    "varchar",
];
/// Those that also depend on the time zone.
const ZONED: &[&str] = &["timestamptz", "timetz"];

const OTHER_TYPES: &str = "
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
    WHERE a.attrelid = $1::text::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
      AND coalesce(e.typtype, t.typtype) <> 'e' AND coalesce(e.typname, t.typname)::text <> ALL ($2))";

/// Whether a table belongs to an extension: then it also holds the extension's own rows.
const OF_EXTENSION: &str = "SELECT EXISTS (SELECT FROM pg_catalog.pg_depend WHERE deptype = 'e' \
    AND classid = 'pg_catalog.pg_class'::regclass AND objid = $1::text::regclass)";

/// Compares every table with the backup, and lets the planner know them: statistics are in no dump.
///
/// # Errors
/// Names the first table that differs.
pub(super) fn compare(client: &mut Client, work: &Work<'_>) -> Result<()> {
    compare_in(client, work)?;
    client.batch_execute("ANALYZE").map_err(Failure::from).explain(|| "could not analyse the restored tables".into())
}

/// [`compare`] within a transaction, without the planner.
pub(super) fn compare_in(client: &mut impl GenericClient, work: &Work<'_>) -> Result<()> {
    work.shell.step("Comparing", "the rows of every table with those of the backup");
    let failed = || "could not read the restored tables".to_owned();
    let mut inner = client.transaction().map_err(Failure::from).explain(failed)?;
    let source = &work.archive.manifest().source;
    // pg_dump writes values so; the rest is as the server has it
    let mut settings = format!(
        "SET LOCAL DateStyle = ISO; SET LOCAL IntervalStyle = postgres; SET LOCAL extra_float_digits = 3; \
         SET LOCAL bytea_output = hex; SET LOCAL client_encoding = {}",
        quote_literal(&source.encoding)
    );
    settings.extend(source.time_zone.as_ref().map(|zone| format!("; SET LOCAL TimeZone = {}", quote_literal(zone))));
    inner.batch_execute(&settings).map_err(Failure::from).explain(failed)?;
    let statements = statements(work.archive)?;
    let mut sums: BTreeMap<&TableName, Option<Digest>> = BTreeMap::new();
    for table in &work.archive.manifest().tables {
        let digest = table.digest.as_deref().and_then(Digest::parse);
        let sum = sums.entry(&table.name).or_insert(Some(Digest::default()));
        match (sum.as_mut(), digest) {
            (Some(sum), Some(digest)) => sum.add(digest),
            _ => *sum = None,
        }
    }
    for (table, rows) in work.archive.manifest().rows_by_table() {
        work.guard.check()?;
        let quoted = table.quoted();
        let row = inner.query_one(OF_EXTENSION, &[&quoted]).map_err(Failure::from).explain(failed)?;
        if row.get(0) {
            continue;
        }
        let row = inner.query_one(&format!("SELECT count(*) FROM ONLY {quoted}"), &[]).map_err(Failure::from);
        let counted: i64 = row.explain(|| format!("could not count the rows of {table}"))?.get(0);
        if u64::try_from(counted) != Ok(rows) {
            return Err(differs(&format!("table {table} holds {counted} instead of {rows} rows")));
        }
        let (Some(Some(sum)), Some(statement)) = (sums.get(table), statements.get(table)) else { continue };
        if read_back(&mut inner, statement, work).explain(|| format!("could not read the rows of {table}"))? == *sum {
            continue;
        }
        let plain: Vec<&str> =
            PLAIN.iter().chain(ZONED.iter().filter(|_| source.time_zone.is_some())).copied().collect();
        let row = inner.query_one(OTHER_TYPES, &[&quoted, &plain]).map_err(Failure::from).explain(failed)?;
        if !row.get::<_, bool>(0) {
            return Err(differs(&format!("table {table} holds other rows than those that were dumped")));
        }
        work.shell.note(format_args!(
            "the rows of {table} are as many, but could not be compared one by one: the text of one of its types depends on settings"
        ));
    }
    inner.rollback().map_err(Failure::from).explain(failed)
}

/// The statement that reads each table as the dump wrote it.
fn statements(archive: &Archive) -> Result<BTreeMap<TableName, String>> {
    let mut found = BTreeMap::new();
    let mut pieces = Pieces::new(archive.read_script()?);
    while let Some(piece) = pieces.next().explain(|| "could not read the dump".into())? {
        if let Piece::Copy { statement, table } = piece
            && let Ok(text) = String::from_utf8(statement)
            && let Some(head) = text.trim().strip_suffix(" FROM stdin;")
        {
            found.insert(table, format!("{head} TO STDOUT"));
        }
    }
    Ok(found)
}

fn read_back(client: &mut impl GenericClient, statement: &str, work: &Work<'_>) -> Result<Digest> {
    let mut rows = client.copy_out(statement).map_err(Failure::from).explain(|| "the server refused".into())?;
    let (mut summing, mut chunk) = (Summing::default(), vec![0; CHUNK]);
    loop {
        work.guard.check()?;
        match rows.read(&mut chunk).explain(|| "the connection broke".into())? {
            0 => return Ok(summing.finish()),
            count => summing.feed(&chunk[..count]),
        }
    }
}

fn differs(how: &str) -> Error {
    Error::failed("the backup is not restored as it was dumped; nothing was changed").because(how.to_owned())
}
