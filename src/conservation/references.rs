//! Foreign keys that do not hold any more: while `session_replication_role` or `DISABLE TRIGGER ALL` switches their triggers off, PostgreSQL
//! checks nothing, and takes them for valid afterwards. No dump of such a database can be restored whole.

use postgres::Client;
use postgres::types::Type;

use super::{Census, Kind, Loss};
use crate::database::Failure;
use crate::sql::Script;
use crate::ui::counted;

/// Each foreign key with the query that counts the rows which refer to none. What inherits from a table is another table to a key.
const KEYS: &str = "
SELECT o.oid, format('SELECT count(*) FROM %s%s AS own WHERE %s AND NOT EXISTS (SELECT FROM %s%s AS other WHERE %s)',
         CASE c.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END, o.conrelid::regclass, pairs.given,
         CASE f.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END, o.confrelid::regclass, pairs.same)
FROM pg_catalog.pg_constraint o
JOIN pg_catalog.pg_class c ON c.oid = o.conrelid
JOIN pg_catalog.pg_class f ON f.oid = o.confrelid
CROSS JOIN LATERAL (
  SELECT string_agg(format('own.%I IS NOT NULL', a.attname), ' AND ') AS given,
         string_agg(format('other.%I = own.%I', b.attname, a.attname), ' AND ') AS same
  FROM unnest(o.conkey, o.confkey) AS k (own, other)
  JOIN pg_catalog.pg_attribute a ON a.attrelid = o.conrelid AND a.attnum = k.own
  JOIN pg_catalog.pg_attribute b ON b.attrelid = o.confrelid AND b.attnum = k.other
) AS pairs
WHERE o.contype = 'f' AND o.convalidated AND o.conparentid = 0 AND o.oid = ANY ($1)";

/// Whether a script can write rows that no foreign key checks. A function that does so does not show it here.
pub fn skips_checks(script: &Script) -> bool {
    let text = script.text().to_lowercase();
    ["session_replication_role", "disable trigger"].iter().any(|words| text.contains(words))
}

/// The foreign keys that more rows break than before. Reads both sides of each, so only where one [can be broken](skips_checks).
///
/// # Errors
/// The server's own.
pub fn broken((before, after): (&mut Client, &mut Client), was: &Census, schema: &str) -> Result<Vec<Loss>, Failure> {
    let known: Vec<u32> = was.objects.keys().filter(|key| key.0 == Kind::Constraint).map(|key| key.1).collect();
    let mut losses = Vec::new();
    for row in after.query_typed(KEYS, &[(&known, Type::OID_ARRAY)])? {
        let (id, query): (u32, String) = (row.try_get(0)?, row.try_get(1)?);
        let count = |client: &mut Client, query: &str| -> Result<u64, Failure> {
            Ok(client.query_typed_one(query, &[])?.try_get::<_, i64>(0)?.unsigned_abs())
        };
        let now = count(after, &query)?;
        if now == 0 {
            continue;
        }
        // its tables and columns may have had other names then, and it may not have been valid
        let then = before.query_typed(KEYS, &[(&vec![id], Type::OID_ARRAY)])?;
        let then = then.first().map(|row| row.try_get::<_, String>(1)).transpose()?;
        let more = now.saturating_sub(then.map_or(Ok(0), |query| count(before, &query))?);
        let key = (Kind::Constraint, id, 0);
        let Some(object) = was.objects.get(&key).filter(|_| more > 0) else { continue };
        let what = format!("(foreign key) does not hold any more: {} to no row", refer(more));
        let table = object.parent.map(|table| was.label(&(Kind::Table, table, 0), schema));
        losses.push(Loss {
            count: Some(more),
            parents: table.into_iter().collect(),
            ..Loss::new(Kind::State, was.label(&key, schema), &object.name, what)
        });
    }
    Ok(losses)
}

fn refer(rows: u64) -> String {
    format!("{} {}", counted(rows, "row"), if rows == 1 { "refers" } else { "refer" })
}
