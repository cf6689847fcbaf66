//! What in a database mentions a table or a column: what PostgreSQL tracks (`pg_depend`), and functions whose text does,
//! which it does not track. Only names leave the server.

use serde::{Deserialize, Serialize};

use crate::sql::ObjectName;

/// What an object that mentions another one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    View,
    MaterializedView,
    /// Of a table, other than a view's own.
    Rule,
    /// With a body that is text: it is read at each call.
    Function,
    /// With a parsed body (`BEGIN ATOMIC`): it is tracked.
    ParsedFunction,
    Trigger,
    Policy,
    GeneratedColumn,
    Publication,
}

impl Kind {
    /// As people say it.
    pub fn word(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::MaterializedView => "materialized view",
            Self::Rule => "rule",
            Self::Function | Self::ParsedFunction => "function",
            Self::Trigger => "trigger",
            Self::Policy => "policy",
            Self::GeneratedColumn => "generated column",
            Self::Publication => "publication",
        }
    }
}

/// An object that mentions another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dependent {
    pub kind: Kind,
    /// As SQL writes it, with its schema or its table.
    pub name: String,
    /// Its own name, as the catalog has it.
    pub own: String,
}

/// The query for those of a table, or of one of its columns: one row with a JSON array, or NULL without such a table.
/// `$1::text[]` are schema, table and, where one is meant, column.
///
/// A function counts if the name stands in its text as a word, and for a column the table's name as well, unless it is a
/// trigger function of that table.
pub const QUERY: &str = r#"
WITH given AS (
  SELECT c.oid AS id, c.relname::text AS name, ($1::text[])[3] AS column_name,
    (SELECT a.attnum FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attname = ($1::text[])[3]) AS num
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = ($1::text[])[1] AND c.relname = ($1::text[])[2]
), depends AS (
  SELECT DISTINCT d.classid, d.objid, d.objsubid FROM pg_catalog.pg_depend d, given g
  WHERE d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = g.id AND (g.column_name IS NULL OR d.refobjsubid = g.num)
), word AS (
  SELECT g.*, '(^|[^[:alnum:]_$])' || regexp_replace(coalesce(g.column_name, g.name), '([^[:alnum:]_])', '\\\1', 'g') || '($|[^[:alnum:]_$])' AS own,
    '(^|[^[:alnum:]_$])' || regexp_replace(g.name, '([^[:alnum:]_])', '\\\1', 'g') || '($|[^[:alnum:]_$])' AS of
  FROM given g
), found(kind, name, own) AS (
  SELECT CASE WHEN c.relkind = 'v' THEN 'view' WHEN c.relkind = 'm' THEN 'materializedView' ELSE 'rule' END,
    CASE WHEN c.relkind IN ('v', 'm') THEN format('%I.%I', n.nspname, c.relname) ELSE format('%I of %I.%I', r.rulename, n.nspname, c.relname) END,
    CASE WHEN c.relkind IN ('v', 'm') THEN c.relname ELSE r.rulename END::text
  FROM depends d
  JOIN pg_catalog.pg_rewrite r ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND r.oid = d.objid
  JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  UNION
  SELECT 'trigger', format('%I of %I', t.tgname, g.name), t.tgname::text
  FROM depends d JOIN pg_catalog.pg_trigger t ON d.classid = 'pg_catalog.pg_trigger'::regclass AND t.oid = d.objid, given g
  WHERE NOT t.tgisinternal AND g.column_name IS NOT NULL
  UNION
  SELECT 'policy', format('%I of %s', p.polname, p.polrelid::regclass), p.polname::text
  FROM depends d JOIN pg_catalog.pg_policy p ON d.classid = 'pg_catalog.pg_policy'::regclass AND p.oid = d.objid, given g
  WHERE g.column_name IS NOT NULL OR p.polrelid <> g.id
  UNION
  SELECT 'generatedColumn', format('%I of %s', a.attname, f.adrelid::regclass), a.attname::text
  FROM depends d
  JOIN pg_catalog.pg_attrdef f ON d.classid = 'pg_catalog.pg_attrdef'::regclass AND f.oid = d.objid
  JOIN pg_catalog.pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum AND a.attgenerated <> '', given g
  WHERE g.column_name IS NOT NULL AND a.attnum <> g.num
  UNION
  -- since PostgreSQL 12 generated columns depend by themselves
  SELECT 'generatedColumn', format('%I of %I', a.attname, g.name), a.attname::text
  FROM depends d, given g JOIN pg_catalog.pg_attribute a ON a.attrelid = g.id AND a.attgenerated <> ''
  WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = g.id AND d.objsubid = a.attnum
    AND g.column_name IS NOT NULL AND a.attnum <> g.num
  UNION
  SELECT 'publication', quote_ident(b.pubname), b.pubname::text
  FROM depends d
  JOIN pg_catalog.pg_publication_rel r ON d.classid = 'pg_catalog.pg_publication_rel'::regclass AND r.oid = d.objid
  JOIN pg_catalog.pg_publication b ON b.oid = r.prpubid
  UNION
  SELECT 'parsedFunction', p.oid::regprocedure::text, p.proname::text
  FROM depends d JOIN pg_catalog.pg_proc p ON d.classid = 'pg_catalog.pg_proc'::regclass AND p.oid = d.objid
  UNION
  SELECT 'function', p.oid::regprocedure::text, p.proname::text
  FROM pg_catalog.pg_proc p
  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_catalog.pg_language l ON l.oid = p.prolang, word w
  WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND l.lanname NOT IN ('c', 'internal')
    AND strpos(lower(p.prosrc), lower(coalesce(w.column_name, w.name))) > 0
    AND p.prosrc ~* w.own
    AND (w.column_name IS NULL OR p.prosrc ~* w.of
      OR EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgfoid = p.oid AND t.tgrelid = w.id))
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog.pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e')
)
SELECT coalesce(json_agg(json_build_object('kind', kind, 'name', name, 'own', own) ORDER BY kind, name), '[]')::text FROM found
HAVING EXISTS (SELECT FROM given)"#;

/// The parameters of [`QUERY`].
pub fn parameters(table: &ObjectName, column: Option<&str>) -> Vec<String> {
    [Some(table.schema.as_str()), Some(table.name.as_str()), column].into_iter().flatten().map(str::to_owned).collect()
}

/// Reads [`QUERY`]'s answer.
pub fn read(answer: &str) -> Option<Vec<Dependent>> {
    serde_json::from_str(answer).ok()
}
