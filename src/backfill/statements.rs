//! The SQL of a batch.

use postgres::GenericClient;

use crate::database::Failure;
use crate::phases::Scripts;
use crate::phases::rows::Key;
use crate::sql::quote_literal;

/// Bytes of a block, as every server but a self-built one has them.
const BLOCK: i64 = 8192;
/// The most rows that fit in a block: a row's header and its pointer take 28 bytes.
const ROWS_IN_BLOCK: u32 = 291;

/// What is filled, and how its rows are named.
#[derive(Debug, Clone)]
pub(super) struct Statements {
    pub(super) table: String,
    pub(super) key: Key,
    /// Each filled column, quoted, and what it is to hold.
    pub(super) fills: Vec<(String, String)>,
    unfilled: String,
}

/// Keys from `low`, which is not in it, to `high`, which is. Blocks of the table, from `low` on and below `high`, where the table has no key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) low: Option<Vec<String>>,
    pub(super) high: Vec<String>,
}

impl Statements {
    /// None for a plan that fills nothing.
    pub(super) fn of(scripts: &Scripts<'_>, key: Key) -> Option<Self> {
        Some(Self { table: scripts.table(), key, fills: scripts.fills(), unfilled: scripts.unfilled()? })
    }

    /// The rows of the table by estimate; its blocks where it has no key.
    pub(super) fn rows(&self, client: &mut impl GenericClient) -> Result<u64, Failure> {
        let table = quote_literal(&self.table);
        let ask = match self.key.columns.is_empty() {
            true => format!("SELECT pg_relation_size({table}::regclass) / {BLOCK} + 1"),
            false => format!(
                "SELECT greatest(sum(greatest(c.reltuples, 0)), 1)::bigint FROM pg_catalog.pg_class c WHERE c.oid = {table}::regclass
                 OR c.oid IN (SELECT relid FROM pg_catalog.pg_partition_tree({table}::regclass) WHERE isleaf)"
            ),
        };
        let rows: i64 = client.query_typed_one(&ask, &[])?.try_get(0)?;
        Ok(u64::try_from(rows).unwrap_or(1))
    }

    /// The end of the next range: its last key and how many rows it has; none behind the last row.
    pub(super) fn next(
        &self,
        client: &mut impl GenericClient,
        low: Option<&[String]>,
        size: u32,
    ) -> Result<Option<(Vec<String>, u64)>, Failure> {
        if self.key.columns.is_empty() {
            let from: i64 = low.and_then(|low| low.first()?.parse().ok()).unwrap_or(0);
            let ask = format!("SELECT pg_relation_size({}::regclass) / {BLOCK}", quote_literal(&self.table));
            let blocks: i64 = client.query_typed_one(&ask, &[])?.try_get(0)?;
            // about 50 rows a block: the size is adapted anyway
            let end = (from + i64::from(size / 50).max(1)).min(blocks);
            return Ok((from < blocks).then(|| (vec![end.to_string()], u64::try_from(end - from).unwrap_or(0))));
        }
        let (list, texts) = (self.key.list().join(", "), self.key.texts());
        let behind = low.map_or_else(|| "true".to_owned(), |low| format!("({list}) > ({})", self.literals(low)));
        // the last of so many keys, and how many there are: fewer at the table's end
        let ask = format!(
            "SELECT key, number FROM (SELECT {texts} AS key, row_number() OVER (ORDER BY {list}) AS number FROM {} WHERE {behind}
             ORDER BY {list} LIMIT {size}) AS ahead ORDER BY number DESC LIMIT 1",
            self.table
        );
        let Some(row) = client.query_typed(&ask, &[])?.into_iter().next() else { return Ok(None) };
        let number: i64 = row.try_get(1)?;
        Ok(Some((row.try_get(0)?, u64::try_from(number).unwrap_or(0))))
    }

    fn literals(&self, values: &[String]) -> String {
        let typed =
            self.key.columns.iter().zip(values).map(|((_, of), value)| format!("{}::{of}", quote_literal(value)));
        typed.collect::<Vec<_>>().join(", ")
    }

    /// SQL: a row is in the range.
    pub(super) fn within(&self, range: &Range, tid_ranges: bool) -> String {
        if self.key.columns.is_empty() {
            let block = |at: &[String]| at.first().and_then(|block| block.parse::<i64>().ok()).unwrap_or(0);
            let (low, high) = (range.low.as_deref().map_or(0, block), block(&range.high));
            return match tid_ranges {
                true => format!("ctid >= '({low},0)'::tid AND ctid < '({high},0)'::tid"),
                false => format!(
                    "ctid = ANY (ARRAY(SELECT format('(%s,%s)', block, line)::tid FROM generate_series({low}, {}) AS block,
                     generate_series(1, {ROWS_IN_BLOCK}) AS line))",
                    high - 1
                ),
            };
        }
        let list = self.key.list().join(", ");
        let low =
            range.low.as_ref().map_or_else(String::new, |low| format!("({list}) > ({}) AND ", self.literals(low)));
        format!("{low}({list}) <= ({})", self.literals(&range.high))
    }

    /// Fills a range, so many rows of it at most, and gives how many that were. A row that another session holds is passed over: if that session writes it,
    /// the trigger fills it.
    pub(super) fn fill(&self, within: &str, limit: u32) -> String {
        let (Self { table, unfilled, .. }, set) = (self, self.set());
        let names: Vec<String> = (0..self.key.list().len()).map(|number| format!("phase_key_{number}")).collect();
        let list = self.key.list();
        let same: Vec<String> =
            list.iter().zip(&names).map(|(own, name)| format!("{table}.{own} = todo.{name}")).collect();
        format!(
            "WITH todo ({}) AS (SELECT {} FROM {table} WHERE {within} AND {unfilled} LIMIT {limit} FOR NO KEY UPDATE SKIP LOCKED),
               done AS (UPDATE {table} SET {set} FROM todo WHERE {} AND {unfilled} RETURNING 1)
             SELECT count(*) FROM done",
            names.join(", "),
            list.join(", "),
            same.join(" AND ")
        )
    }

    /// The keys of the rows of a range that hold nothing, whatever becomes of them.
    pub(super) fn empty_keys(&self, within: &str) -> String {
        let texts = self.key.texts();
        format!("SELECT {texts} FROM {} WHERE {within} AND {}", self.table, self.empty())
    }

    /// SQL: this row.
    pub(super) fn is(&self, key: &[String]) -> String {
        match self.key.columns.is_empty() {
            true => format!("ctid = {}::tid", quote_literal(key.first().map_or("", String::as_str))),
            false => format!("({}) = ({})", self.key.list().join(", "), self.literals(key)),
        }
    }

    /// Fills one row.
    pub(super) fn fill_one(&self, key: &[String]) -> String {
        format!("UPDATE {} SET {} WHERE {} AND {}", self.table, self.set(), self.is(key), self.empty())
    }

    fn set(&self) -> String {
        let set: Vec<String> = self.fills.iter().map(|(target, value)| format!("{target} = {value}")).collect();
        set.join(", ")
    }

    /// SQL: the row holds nothing in the filled columns.
    pub(super) fn empty(&self) -> String {
        let empty: Vec<String> = self.fills.iter().map(|(target, _)| format!("{target} IS NULL")).collect();
        empty.join(" AND ")
    }

    /// The keys of some rows that are empty and should not be; those that were refused are known.
    pub(super) fn left(&self, refused: &str) -> String {
        let (texts, limit) = (self.key.texts(), crate::phases::rows::NAMED);
        // CASE keeps the order: the expression fails on a row that was refused
        format!(
            "SELECT {texts} FROM {} WHERE CASE WHEN EXISTS (SELECT FROM {refused} WHERE r.key = {texts}) THEN false ELSE {} END LIMIT {limit}",
            self.table, self.unfilled
        )
    }
}
