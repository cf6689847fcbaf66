//! Where sequences stand.

use postgres::GenericClient;
use postgres::types::Type;

use super::Failure;

/// For each of these sequences that this role may read, the query for its position: the number before the one that comes next.
const READABLE: &str = "
SELECT format('SELECT %s::oid, last_value - CASE WHEN is_called THEN 0 ELSE (%s) END FROM %I.%I',
  c.oid, q.seqincrement, n.nspname, c.relname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_sequence q ON q.seqrelid = c.oid
WHERE c.oid = ANY($1) AND has_schema_privilege(n.oid, 'USAGE')
  AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(c.oid, 'SELECT') ELSE false END
ORDER BY c.oid";

/// The positions of sequences that nothing was taken from since they were made or set (`RESTART WITH 15` is at 14):
/// `pg_sequence_last_value` has none for them. One that this role may not read is left out.
///
/// # Errors
/// The server's own.
pub fn untaken(client: &mut impl GenericClient, ids: &[u32]) -> Result<Vec<(u32, i64)>, Failure> {
    let readable = client.query_typed(READABLE, &[(&ids, Type::OID_ARRAY)])?;
    let readable = readable.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>()?;
    if readable.is_empty() {
        return Ok(Vec::new());
    }
    let rows = client.query_typed(&readable.join(" UNION ALL "), &[])?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}
