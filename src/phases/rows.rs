//! Rows by their keys: what identifies a row of a table, and those that do not fit a condition.

use postgres::types::Type;
use postgres::{Client, GenericClient};

use crate::database::Failure;
use crate::sql::{ObjectName, quote_identifier};

/// So many rows are named.
pub const NAMED: usize = 5;

/// What identifies a row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Key {
    /// The columns of the primary key, or of a unique index without NULLs, with their types; empty where there is neither.
    pub columns: Vec<(String, String)>,
    /// The table has its rows in partitions.
    pub partitioned: bool,
}

impl Key {
    /// The key of a table; none where there is no such table.
    ///
    /// # Errors
    /// The server's own.
    pub fn of(client: &mut impl GenericClient, table: &ObjectName) -> Result<Option<Self>, Failure> {
        const ASK: &str = "
SELECT c.relkind = 'p', k.names, k.types
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN LATERAL (
  SELECT array_agg(a.attname::text ORDER BY key.at) AS names, array_agg(format_type(a.atttypid, a.atttypmod) ORDER BY key.at) AS types
  FROM pg_catalog.pg_index i, unnest(i.indkey) WITH ORDINALITY AS key(number, at)
  JOIN pg_catalog.pg_attribute a ON a.attnum = key.number
  WHERE i.indrelid = c.oid AND a.attrelid = c.oid AND key.at <= i.indnkeyatts AND i.indisunique AND i.indisvalid AND i.indimmediate
    AND i.indpred IS NULL AND i.indexprs IS NULL
  GROUP BY i.indexrelid, i.indisprimary HAVING bool_and(a.attnotnull)
  ORDER BY i.indisprimary DESC, count(*) LIMIT 1
) k ON true
WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')";
        let row =
            client.query_typed(ASK, &[(&table.schema, Type::TEXT), (&table.name, Type::TEXT)])?.into_iter().next();
        let Some(row) = row else { return Ok(None) };
        let names: Vec<String> = row.try_get::<_, Option<_>>(1)?.unwrap_or_default();
        let types: Vec<String> = row.try_get::<_, Option<_>>(2)?.unwrap_or_default();
        Ok(Some(Self { columns: names.into_iter().zip(types).collect(), partitioned: row.try_get(0)? }))
    }

    /// The columns, quoted; `ctid`, the row's place, where the table has none.
    pub fn list(&self) -> Vec<String> {
        match self.columns.as_slice() {
            [] => vec!["ctid".to_owned()],
            columns => columns.iter().map(|(name, _)| quote_identifier(name)).collect(),
        }
    }

    /// SQL: the key as an array of texts.
    pub fn texts(&self) -> String {
        let texts: Vec<String> = self.list().iter().map(|column| format!("{column}::text")).collect();
        format!("ARRAY[{}]", texts.join(", "))
    }

    /// A row's key for people: `id = 7`, `(owner, day) = (3, 2025-01-01)`.
    pub fn said(&self, values: &[String]) -> String {
        let names: Vec<&str> = match self.columns.as_slice() {
            [] => vec!["ctid"],
            columns => columns.iter().map(|(name, _)| name.as_str()).collect(),
        };
        match (names.as_slice(), values) {
            ([name], [value]) => format!("{name} = {value}"),
            _ => format!("({}) = ({})", names.join(", "), values.join(", ")),
        }
    }
}

/// A table of which some rows are asked for.
#[derive(Debug, Clone, Copy)]
pub struct Of<'a> {
    pub object: &'a ObjectName,
    /// As SQL names it.
    pub quoted: &'a str,
    pub key: &'a Key,
}

/// The keys of rows for which `fits` is not true, or fails; at most `limit`. `within` narrows the rows down.
///
/// # Errors
/// The server's own, where it is not about a row's values.
pub fn unfit(
    client: &mut Client,
    of: Of<'_>,
    fits: &str,
    within: &str,
    limit: usize,
) -> Result<Vec<Vec<String>>, Failure> {
    let Of { object, quoted, key } = of;
    let select = |condition: &str| {
        let (keys, order) = (key.texts(), key.list().join(", "));
        // without an order PostgreSQL stops at the first ones it meets
        format!(
            "SELECT {keys} FROM {quoted} WHERE {within} AND ({condition}) IS NOT TRUE ORDER BY {order} LIMIT {limit}"
        )
    };
    let mut fast = client.transaction()?;
    let found = fast.query(&select(fits), &[]).map_err(Failure::from);
    fast.rollback()?;
    let rows = match found {
        Ok(rows) => rows,
        Err(failure) if failure.is_unfit_data() => {
            // a function of this transaction's own looks at the rows one by one
            let mut slow = client.transaction()?;
            let row = quote_identifier(&object.name);
            slow.batch_execute(&format!(
                "CREATE FUNCTION pg_temp.phase_fits({quoted}) RETURNS boolean LANGUAGE plpgsql AS $fits$ BEGIN
                   RETURN (SELECT ({fits}) FROM (SELECT ($1).*) AS {row});
                 EXCEPTION WHEN OTHERS THEN RETURN false; END $fits$"
            ))?;
            let rows = slow.query(&select(&format!("pg_temp.phase_fits({row})")), &[])?;
            slow.rollback()?;
            rows
        }
        Err(failure) => return Err(failure),
    };
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}
