//! What `DROP … CASCADE` would take along, as PostgreSQL tracks it (`pg_depend`), down to the last. Only names leave the server.

use crate::sql::ObjectName;

/// What is dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dropped {
    /// A table, view, materialized view, sequence or index.
    Relation(ObjectName),
    Type(ObjectName),
    /// As written, with its arguments where these are written.
    Function(String),
    Schema(String),
    Extension(String),
}

/// One row with a JSON array of `kind name`, or NULL without such an object. `$1::text[]` are the kind and
/// the name as SQL writes it; an extension's as the catalog has it.
///
/// A view depends by its rewrite rule, which belongs to it; an index, a default or a constraint that belongs to what is dropped by
/// name goes without saying.
pub const QUERY: &str = "
WITH RECURSIVE given(classid, objid) AS (
  SELECT 'pg_catalog.pg_class'::regclass, to_regclass(($1::text[])[2])::oid WHERE ($1::text[])[1] = 'relation'
  UNION ALL SELECT 'pg_catalog.pg_type'::regclass, to_regtype(($1::text[])[2])::oid WHERE ($1::text[])[1] = 'type'
  UNION ALL SELECT 'pg_catalog.pg_proc'::regclass,
    coalesce(to_regprocedure(CASE WHEN ($1::text[])[2] LIKE '%(%' THEN ($1::text[])[2] END)::oid,
             to_regproc(CASE WHEN ($1::text[])[2] NOT LIKE '%(%' THEN ($1::text[])[2] END)::oid)
    WHERE ($1::text[])[1] = 'function'
  UNION ALL SELECT 'pg_catalog.pg_namespace'::regclass, to_regnamespace(($1::text[])[2])::oid WHERE ($1::text[])[1] = 'schema'
  UNION ALL SELECT 'pg_catalog.pg_extension'::regclass,
    (SELECT oid FROM pg_catalog.pg_extension WHERE extname = ($1::text[])[2]) WHERE ($1::text[])[1] = 'extension'
), falls(classid, objid, objsubid) AS (
  SELECT classid::oid, objid, 0 FROM given WHERE objid IS NOT NULL
  UNION
  SELECT next.classid, next.objid, next.objsubid FROM falls, LATERAL (
    SELECT d.classid, d.objid, d.objsubid FROM pg_catalog.pg_depend d
    WHERE d.refclassid = falls.classid AND d.refobjid = falls.objid AND (falls.objsubid = 0 OR d.refobjsubid = falls.objsubid)
    UNION ALL
    SELECT d.refclassid, d.refobjid, 0 FROM pg_catalog.pg_depend d
    WHERE falls.classid = 'pg_catalog.pg_rewrite'::regclass AND d.classid = falls.classid AND d.objid = falls.objid AND d.deptype = 'i'
  ) AS next
), named AS (
  SELECT DISTINCT i.type, i.identity FROM falls, LATERAL pg_identify_object(falls.classid, falls.objid, falls.objsubid) AS i
  WHERE (falls.classid, falls.objid) NOT IN (SELECT classid::oid, objid FROM given WHERE objid IS NOT NULL)
    AND i.type IN ('table', 'view', 'materialized view', 'foreign table', 'table column', 'table constraint', 'function', 'procedure',
      'aggregate', 'trigger', 'policy', 'sequence', 'default value', 'domain constraint', 'operator', 'cast', 'rule', 'index',
      'composite type', 'statistics object')
    AND NOT (i.type = 'rule' AND i.identity LIKE '\"_RETURN\"%')
    -- an index behind a constraint, a default's sequence: the constraint or the column is named
    AND NOT (i.type = 'index' AND EXISTS (SELECT FROM pg_catalog.pg_constraint o WHERE o.conindid = falls.objid))
)
SELECT (SELECT coalesce(json_agg(type || ' ' || identity ORDER BY type, identity), '[]') FROM named)::text
WHERE EXISTS (SELECT FROM given WHERE objid IS NOT NULL)";

/// The parameters of [`QUERY`].
pub fn parameters(dropped: &Dropped) -> Vec<String> {
    let (kind, name) = match dropped {
        Dropped::Relation(name) => ("relation", name.quoted()),
        Dropped::Type(name) => ("type", name.quoted()),
        Dropped::Function(text) => ("function", text.clone()),
        Dropped::Schema(name) => ("schema", crate::sql::quote_identifier(name)),
        Dropped::Extension(name) => ("extension", name.clone()),
    };
    vec![kind.to_owned(), name]
}

/// Reads [`QUERY`]'s answer.
pub fn read(answer: &str) -> Option<Vec<String>> {
    serde_json::from_str(answer).ok()
}
