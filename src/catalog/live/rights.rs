//! Who owns an object and who else may use it. Not part of its definition: a copy of a database has other roles.

use postgres::GenericClient;
use postgres::types::{ToSql, Type};
use serde::{Deserialize, Serialize};

use super::{Without, queries};
use crate::database::Failure;

/// One right, or who owns the object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Right {
    /// As `GRANT … ON` takes it: `TABLE public.song` (views too), `ROUTINE public.f(integer)`.
    pub object: String,
    /// `SELECT`, `UPDATE (artist)`; `NOT SELECT` for what an owner was denied; none for the owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privilege: Option<String>,
    /// A role as SQL writes it, or `PUBLIC`.
    pub role: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub grantable: bool,
}

/// Before a right that an owner has by owning, and was denied.
const DENIED: &str = "NOT ";

impl Right {
    /// The statement that gives it.
    pub fn grant(&self) -> String {
        let Self { object, privilege, role, grantable } = self;
        match privilege {
            None => format!("ALTER {object} OWNER TO {role}"),
            Some(privilege) => match privilege.strip_prefix(DENIED) {
                Some(denied) => format!("REVOKE {denied} ON {object} FROM {role}"),
                None => {
                    let grantable = if *grantable { " WITH GRANT OPTION" } else { "" };
                    format!("GRANT {privilege} ON {object} TO {role}{grantable}")
                }
            },
        }
    }

    /// The statement that takes it away; none for the owner.
    pub fn revoke(&self) -> Option<String> {
        let Self { object, privilege, role, .. } = self;
        privilege.as_ref().map(|privilege| match privilege.strip_prefix(DENIED) {
            Some(denied) => format!("GRANT {denied} ON {object} TO {role}"),
            None => format!("REVOKE {privilege} ON {object} FROM {role}"),
        })
    }
}

/// Owners' own rights are left out, since they come with owning; those that were taken from an owner are listed as denied. The rights that everybody has on a new function or type are listed, so
/// that an object from which they were taken differs from one made anew.
const QUERY: &str = "
, owned AS (
  SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || c.name AS object, c.relowner AS owner, c.relacl AS acl,
    CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\" AS kind,
    -- a column's sequence always has the table's owner
    c.relkind <> 'S' OR NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.id
      AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.deptype IN ('a', 'i')) AS alone
  FROM class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  UNION ALL
  SELECT format('ROUTINE %I.%I(%s)', s.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), p.proowner,
    coalesce(p.proacl, acldefault('f', p.proowner)), 'f', true
  FROM pg_catalog.pg_proc p JOIN space s ON s.oid = p.pronamespace
  WHERE NOT EXISTS (SELECT FROM extension e WHERE e.classid = 'pg_catalog.pg_proc'::regclass AND e.objid = p.oid)
  UNION ALL
  SELECT format('TYPE %I.%I', s.nspname, t.typname), t.typowner, coalesce(t.typacl, acldefault('T', t.typowner)), 'T', true
  FROM pg_catalog.pg_type t JOIN space s ON s.oid = t.typnamespace LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
  WHERE (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' AND c.relkind = 'c')
    AND NOT EXISTS (SELECT FROM extension e WHERE e.classid = 'pg_catalog.pg_type'::regclass AND e.objid = t.oid)
  UNION ALL
  SELECT format('SCHEMA %I', s.nspname), n.nspowner, n.nspacl, 'n', true
  FROM space s JOIN pg_catalog.pg_namespace n ON n.oid = s.oid
), granted AS (
  SELECT o.object, a.privilege_type AS privilege, a.grantee, a.is_grantable
  FROM owned o CROSS JOIN LATERAL aclexplode(o.acl) a WHERE a.grantee <> o.owner
  UNION ALL
  SELECT 'TABLE ' || c.name, format('%s (%I)', a.privilege_type, t.attname), a.grantee, a.is_grantable
  FROM class c JOIN pg_catalog.pg_attribute t ON t.attrelid = c.id AND t.attnum > 0 AND NOT t.attisdropped
  CROSS JOIN LATERAL aclexplode(t.attacl) a WHERE a.grantee <> c.relowner
  UNION ALL
  SELECT o.object, 'NOT ' || d.privilege_type, o.owner, false
  FROM owned o CROSS JOIN LATERAL aclexplode(acldefault(o.kind, o.owner)) d
  WHERE o.acl IS NOT NULL AND d.grantee = o.owner AND NOT EXISTS (
    SELECT FROM aclexplode(o.acl) a WHERE a.grantee = o.owner AND a.privilege_type = d.privilege_type)
  UNION ALL
  SELECT o.object, NULL, o.owner, false FROM owned o WHERE o.alone
)
SELECT object, privilege, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END, is_grantable FROM granted";

/// Reads them all; the search path is empty, so that every name is qualified.
pub(super) fn read(client: &mut impl GenericClient, without: &Without) -> Result<Vec<Right>, Failure> {
    let left_out: [(&(dyn ToSql + Sync), Type); 2] =
        [(&without.schemas, Type::TEXT_ARRAY), (&without.tables, Type::TEXT_ARRAY)];
    let rows = client.query_typed(&queries::complete(QUERY), &left_out)?;
    let right = |row: &postgres::Row| {
        Ok(Right {
            object: row.try_get(0)?,
            privilege: row.try_get(1)?,
            role: row.try_get(2)?,
            grantable: row.try_get(3)?,
        })
    };
    Ok(rows.iter().map(right).collect::<Result<_, postgres::Error>>()?)
}
