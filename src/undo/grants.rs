//! Who owned a table and who had which rights on it: a table that is dropped and made anew belongs to whoever makes it, and
//! nobody else may read it.

use postgres::Client;
use postgres::types::Type;

use super::facts::Facts;
use crate::database::Failure;

/// For the table `$1` called `$2` and its sequences `$3`: statements that give owner and rights again.
const STATEMENTS: &str = "
WITH part AS (
  SELECT 'TABLE' AS what, $2::text AS name, c.relowner, c.relacl, 'r'::\"char\" AS kind FROM pg_class c WHERE c.oid = $1
  UNION ALL
  SELECT 'SEQUENCE', s.name, c.relowner, c.relacl, 's'::\"char\" FROM unnest($3::text[]) AS s(name)
  JOIN pg_class c ON c.oid = s.name::regclass
), granted AS (
  SELECT format('GRANT %s ON %s %s TO %s%s', a.privilege_type, p.what, p.name,
    CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
    CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS sql
  FROM part p CROSS JOIN LATERAL aclexplode(p.relacl) a WHERE a.grantee <> p.relowner
  UNION ALL
  SELECT format('GRANT %s (%I) ON TABLE %s TO %s%s', a.privilege_type, t.attname, $2::text,
    CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
    CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
  FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid CROSS JOIN LATERAL aclexplode(t.attacl) a
  WHERE t.attrelid = $1 AND t.attnum > 0 AND NOT t.attisdropped AND a.grantee <> c.relowner
)
SELECT sql FROM (
  SELECT 1 AS place, sql FROM granted
  UNION ALL
  SELECT 2, format('ALTER TABLE %s OWNER TO %I', name, pg_get_userbyid(relowner)) FROM part
  WHERE what = 'TABLE' AND relowner <> (SELECT oid FROM pg_roles WHERE rolname = current_user)
) AS statements ORDER BY place, sql";

/// Reads them while the table is still there.
pub(super) fn read(client: &mut Client, facts: &Facts) -> Result<Vec<String>, Failure> {
    let sequences: Vec<&String> = facts.columns.iter().filter_map(|column| column.sequence.as_ref()).collect();
    let of = [(&facts.id as _, Type::OID), (&facts.name as _, Type::TEXT), (&sequences as _, Type::TEXT_ARRAY)];
    let rows = client.query_typed(STATEMENTS, &of)?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, postgres::Error>>()?)
}
