//! Where sums differ: which rows went, came or changed, counted by their keys.

use std::io;

use postgres::Client;

use super::sums::{self, Form};
use super::tables::{Column, Table};
use crate::database::Failure;
use crate::sql::quote_identifier;

/// Hashes of one join; the server allows 1,664 columns.
const COLUMNS_AT_ONCE: usize = 400;
/// What was before, brought beside what is now; gone with the session.
const BEFORE: &str = "pg_temp.prisma_safe_before";

/// A column on both sides.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair<'a> {
    pub(super) before: &'a Column,
    pub(super) after: &'a Column,
    pub(super) form: Form,
    /// Whether what was before is cast to the type it has now.
    pub(super) cast: bool,
}

impl Pair<'_> {
    /// The column as it was before, as an expression.
    fn value_before(&self) -> String {
        if self.cast { self.converted() } else { sums::quoted(self.before) }
    }

    /// Whether it has become a list of what it was.
    fn listed(&self) -> bool {
        self.after.kind == format!("{}[]", self.before.kind)
    }

    /// The column before as it must be now: in its new type, or as a list of one.
    pub(super) fn converted(&self) -> String {
        let value = sums::quoted(self.before);
        match self.listed() {
            true => format!("CASE WHEN {value} IS NULL THEN NULL ELSE ARRAY[{value}] END"),
            false => format!("({value})::{}", self.after.kind),
        }
    }

    /// A value as it is now, in the type that it had.
    pub(super) fn back(&self, now: &str) -> String {
        if self.listed() { format!("({now})[1]") } else { format!("({now})::{}", self.before.kind) }
    }
}

/// Rows by their fate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Exact {
    pub(super) deleted: i64,
    pub(super) inserted: i64,
    /// Rows on both sides with another value, for each pair.
    pub(super) changed: Vec<i64>,
    /// Those of them that had a value before.
    pub(super) overwritten: Vec<i64>,
}

/// Counts them. `key` are the numbers of the key's columns, which both sides have.
///
/// # Errors
/// The servers' own, also where the connection between the two breaks.
pub(super) fn count(
    (base, before): (&mut Client, &Table),
    (clone, after): (&mut Client, &Table),
    key: &[i16],
    pairs: &[Pair<'_>],
) -> Result<Exact, Failure> {
    let mut exact = Exact::default();
    let mut chunks = pairs.chunks(COLUMNS_AT_ONCE);
    let mut next = chunks.next().or(Some(&[]));
    while let Some(chunk) = next {
        let columns: String = (0..chunk.len()).map(|at| format!(", h{at} bigint")).collect();
        clone.batch_execute(&format!("CREATE TEMP TABLE prisma_safe_before (k text NOT NULL{columns})"))?;
        bring(base, clone, &side(before, key, chunk.iter().map(|pair| (pair.value_before(), pair))))?;
        let stayed = "b.k IS NOT NULL AND a.k IS NOT NULL";
        let changed: String = (0..chunk.len())
            .map(|at| {
                let differs = format!("{stayed} AND a.h{at} IS DISTINCT FROM b.h{at}");
                format!(
                    ", count(*) FILTER (WHERE {differs}), count(*) FILTER (WHERE {differs} AND b.h{at} IS NOT NULL)"
                )
            })
            .collect();
        let now = side(after, key, chunk.iter().map(|pair| (sums::quoted(pair.after), pair)));
        let row = clone.query_one(
            &format!(
                "SELECT count(*) FILTER (WHERE a.k IS NULL), count(*) FILTER (WHERE b.k IS NULL){changed} \
                 FROM {BEFORE} AS b FULL JOIN ({now}) AS a ON a.k = b.k"
            ),
            &[],
        )?;
        (exact.deleted, exact.inserted) = (row.try_get(0)?, row.try_get(1)?);
        for at in 0..chunk.len() {
            exact.changed.push(row.try_get(2 + 2 * at)?);
            exact.overwritten.push(row.try_get(3 + 2 * at)?);
        }
        clone.batch_execute(&format!("DROP TABLE {BEFORE}"))?;
        next = chunks.next();
    }
    Ok(exact)
}

/// How many values of each pair are not found any more, wherever they stood: for rows that no key tells apart.
///
/// # Errors
/// As [`count`].
pub(super) fn missing(
    (base, before): (&mut Client, &Table),
    (clone, after): (&mut Client, &Table),
    pairs: &[Pair<'_>],
) -> Result<Vec<i64>, Failure> {
    let mut missing = Vec::new();
    for pair in pairs {
        clone.batch_execute("CREATE TEMP TABLE prisma_safe_before (k text NOT NULL, h0 bigint)")?;
        bring(base, clone, &side(before, &[], std::iter::once((pair.value_before(), pair))))?;
        let now = side(after, &[], std::iter::once((sums::quoted(pair.after), pair)));
        let row = clone.query_one(
            &format!(
                "SELECT coalesce(sum(greatest(b.n - coalesce(a.n, 0), 0)), 0)::bigint \
                 FROM (SELECT h0, count(*) AS n FROM {BEFORE} WHERE h0 IS NOT NULL GROUP BY 1) AS b \
                 LEFT JOIN (SELECT h0, count(*) AS n FROM ({now}) AS s GROUP BY 1) AS a ON a.h0 = b.h0"
            ),
            &[],
        )?;
        missing.push(row.try_get(0)?);
        clone.batch_execute(&format!("DROP TABLE {BEFORE}"))?;
    }
    Ok(missing)
}

/// Key and hashes of one side.
fn side<'a>(table: &Table, key: &[i16], columns: impl Iterator<Item = (String, &'a Pair<'a>)>) -> String {
    let key: Vec<String> = key
        .iter()
        .filter_map(|number| table.columns.get(number))
        .map(|column| format!("({})::text", quote_identifier(&column.name)))
        .collect();
    let hashes: String = columns
        .enumerate()
        .map(|(at, (value, pair))| format!(", {} AS h{at}", sums::hash(&value, pair.form, pair.before, "0")))
        .collect();
    format!("SELECT ROW({})::text AS k{hashes} FROM ONLY {}", key.join(", "), table.quoted())
}

/// Carries a query's rows from one database into the other.
fn bring(base: &mut Client, clone: &mut Client, query: &str) -> Result<(), Failure> {
    let mut from = base.copy_out(&format!("COPY ({query}) TO STDOUT (FORMAT binary)"))?;
    let mut to = clone.copy_in(&format!("COPY {BEFORE} FROM STDIN (FORMAT binary)"))?;
    match io::copy(&mut from, &mut to) {
        Ok(_) => {
            to.finish()?;
            Ok(())
        }
        // the server's own words are in the end's error
        Err(error) => Err(to.finish().err().map_or_else(|| Failure::broken(&error), Failure::from)),
    }
}
