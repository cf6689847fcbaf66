//! Where sums differ: which rows went, came or changed, counted by their keys.

use std::io;

use postgres::Client;

use super::sums::{self, Form};
use super::tables::{Column, Table};
use crate::database::Failure;
use crate::sql::quote_identifier;

/// Hashes of one join; the server allows 1,664 columns.
const COLUMNS_AT_ONCE: usize = 400;
/// One side's rows, brought beside the other's; gone with the session.
const BROUGHT: &str = "pg_temp.prisma_safe_brought";

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
    for chunk in chunks(pairs) {
        let [was, is] = sides((before, after), key, chunk);
        let joined = join((base, ("b", &was)), (clone, ("a", &is)), "FULL", chunk.len())?;
        (exact.deleted, exact.inserted) = (joined.deleted, joined.inserted);
        exact.changed.extend(joined.changed);
        exact.overwritten.extend(joined.overwritten);
    }
    Ok(exact)
}

/// What is known of a table's rows where only those that were written have to be read.
pub(super) struct Young {
    /// Which they are, as a condition.
    pub(super) which: String,
    pub(super) rows: i64,
    /// All rows, before and after.
    pub(super) all: (i64, i64),
}

/// [`count`], by the rows that were written since the copy was made: all others are as they were.
///
/// # Errors
/// As [`count`].
pub(super) fn written(
    (base, before): (&mut Client, &Table),
    (clone, after): (&mut Client, &Table),
    (key, young): (&[i16], &Young),
    pairs: &[Pair<'_>],
) -> Result<Exact, Failure> {
    let mut exact = Exact::default();
    let mut stayed = 0;
    if young.rows == 0 {
        (exact.changed, exact.overwritten) = (vec![0; pairs.len()], vec![0; pairs.len()]);
    }
    for chunk in chunks(pairs).filter(|_| young.rows > 0) {
        let [was, is] = sides((before, after), key, chunk);
        let is = format!("{is} WHERE {}", young.which);
        // the few go to the many; values before are hashed for rows that are joined only
        let joined = join((clone, ("a", &is)), (base, ("b", &was)), "", chunk.len())?;
        stayed = joined.stayed;
        exact.changed.extend(joined.changed);
        exact.overwritten.extend(joined.overwritten);
    }
    let untouched = young.all.1 - young.rows;
    exact.inserted = young.rows - stayed;
    exact.deleted = young.all.0 - untouched - stayed;
    Ok(exact)
}

/// One at least: rows are counted also where no column is asked for.
fn chunks<'p, 'a>(pairs: &'p [Pair<'a>]) -> impl Iterator<Item = &'p [Pair<'a>]> {
    let none = pairs.is_empty().then_some(pairs);
    pairs.chunks(COLUMNS_AT_ONCE).chain(none)
}

fn sides((before, after): (&Table, &Table), key: &[i16], pairs: &[Pair<'_>]) -> [String; 2] {
    [
        side(before, key, pairs.iter().map(|pair| (pair.value_before(), pair))),
        side(after, key, pairs.iter().map(|pair| (sums::quoted(pair.after), pair))),
    ]
}

/// Rows of both sides by their keys.
struct Joined {
    deleted: i64,
    inserted: i64,
    stayed: i64,
    changed: Vec<i64>,
    overwritten: Vec<i64>,
}

/// Brings one side to the other and joins them there; `b` is before, `a` after.
fn join(
    (from, (brought_as, brought)): (&mut Client, (&str, &str)),
    (to, (own_as, own)): (&mut Client, (&str, &str)),
    kind: &str,
    columns: usize,
) -> Result<Joined, Failure> {
    let hashes: String = (0..columns).map(|at| format!(", h{at} bigint")).collect();
    to.batch_execute(&format!("CREATE TEMP TABLE {BROUGHT} (k text NOT NULL{hashes})"))?;
    bring(from, to, brought)?;
    let stayed = "b.k IS NOT NULL AND a.k IS NOT NULL";
    let changed: String = (0..columns)
        .map(|at| {
            let differs = format!("{stayed} AND a.h{at} IS DISTINCT FROM b.h{at}");
            format!(", count(*) FILTER (WHERE {differs}), count(*) FILTER (WHERE {differs} AND b.h{at} IS NOT NULL)")
        })
        .collect();
    let row = to.query_one(
        &format!(
            "SELECT count(*) FILTER (WHERE a.k IS NULL), count(*) FILTER (WHERE b.k IS NULL), \
             count(*) FILTER (WHERE {stayed}){changed} \
             FROM {BROUGHT} AS {brought_as} {kind} JOIN ({own}) AS {own_as} ON a.k = b.k"
        ),
        &[],
    )?;
    let each = |first: usize| (0..columns).map(|at| row.try_get(first + 2 * at)).collect::<Result<Vec<i64>, _>>();
    let joined = Joined {
        deleted: row.try_get(0)?,
        inserted: row.try_get(1)?,
        stayed: row.try_get(2)?,
        changed: each(3)?,
        overwritten: each(4)?,
    };
    to.batch_execute(&format!("DROP TABLE {BROUGHT}"))?;
    Ok(joined)
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
    let counted = |side: String| {
        format!("SELECT h0::text AS k, count(*) AS n FROM ({side}) AS s WHERE h0 IS NOT NULL GROUP BY 1")
    };
    let each = pairs.iter().map(|pair| {
        let [was, is] = sides((before, after), &[], std::slice::from_ref(pair)).map(counted);
        lacking((&mut *base, &was), (&mut *clone, &is))
    });
    each.collect()
}

/// How many rows of a table, with its parts, are not found any more by these columns, wherever they stood.
///
/// # Errors
/// As [`count`].
pub(super) fn missing_rows(
    (base, before, old): (&mut Client, &str, &[String]),
    (clone, after, new): (&mut Client, &str, &[String]),
) -> Result<u64, Failure> {
    let counted = |table: &str, columns: &[String]| {
        let row = sums::text_hash(&format!("ROW({})", columns.join(", ")), "0");
        format!("SELECT {row}::text AS k, count(*) AS n FROM {table} GROUP BY 1")
    };
    Ok(lacking((base, &counted(before, old)), (clone, &counted(after, new)))?.unsigned_abs())
}

/// By how many the one side has fewer of each `k` than the other had; both give them with their number `n`.
fn lacking((base, was): (&mut Client, &str), (clone, is): (&mut Client, &str)) -> Result<i64, Failure> {
    clone.batch_execute(&format!("CREATE TEMP TABLE {BROUGHT} (k text NOT NULL, n bigint)"))?;
    bring(base, clone, was)?;
    let row = clone.query_one(
        &format!(
            "SELECT coalesce(sum(greatest(b.n - coalesce(a.n, 0), 0)), 0)::bigint \
             FROM {BROUGHT} AS b LEFT JOIN ({is}) AS a ON a.k = b.k"
        ),
        &[],
    )?;
    let fewer = row.try_get(0)?;
    clone.batch_execute(&format!("DROP TABLE {BROUGHT}"))?;
    Ok(fewer)
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
    let mut to = clone.copy_in(&format!("COPY {BROUGHT} FROM STDIN (FORMAT binary)"))?;
    match io::copy(&mut from, &mut to) {
        Ok(_) => {
            to.finish()?;
            Ok(())
        }
        // the server's own words are in the end's error
        Err(error) => Err(to.finish().err().map_or_else(|| Failure::broken(&error), Failure::from)),
    }
}
