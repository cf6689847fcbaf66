//! What stands in the way of a statement: PostgreSQL changes no column that a view reads, and drops no type that a function
//! takes. It is dropped, and made again once the reverse has run.

use postgres::Client;
use postgres::types::Type;

use super::attempt;
use crate::database::Failure;
use crate::sql::{Name, Script, StatementKind};

/// What leans on the tables, views and types `$1`, those first on which nothing leans, as the statements that drop them.
const LEANING: &str = "
WITH RECURSIVE leaning(class, id, level) AS (
  SELECT 'pg_class'::regclass::oid, to_regclass(name)::oid, 0 FROM unnest($1::text[]) AS name WHERE to_regclass(name) IS NOT NULL
  UNION
  SELECT 'pg_type'::regclass::oid, to_regtype(name)::oid, 0 FROM unnest($1::text[]) AS name WHERE to_regtype(name) IS NOT NULL
  UNION
  SELECT x.class, x.id, l.level + 1
  FROM leaning l CROSS JOIN LATERAL (
    SELECT 'pg_type'::regclass::oid AS class, c.reltype AS id FROM pg_class c
    WHERE l.class = 'pg_class'::regclass AND c.oid = l.id AND c.reltype <> 0
    UNION ALL
    SELECT 'pg_class'::regclass::oid, r.ev_class FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
    WHERE d.refclassid = l.class AND d.refobjid = l.id AND d.deptype = 'n' AND d.classid = 'pg_rewrite'::regclass
      AND r.rulename = '_RETURN' AND r.ev_class <> l.id
    UNION ALL
    SELECT d.classid, d.objid FROM pg_depend d
    WHERE d.refclassid = l.class AND d.refobjid = l.id AND d.deptype = 'n'
      AND d.classid IN ('pg_trigger'::regclass, 'pg_policy'::regclass, 'pg_rewrite'::regclass, 'pg_proc'::regclass)
  ) AS x
  WHERE l.level < 64
)
SELECT sql FROM (
  SELECT max(level) AS level, CASE class
    WHEN 'pg_class'::regclass THEN (
      SELECT format('DROP %s %I.%I', CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END, n.nspname, c.relname)
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = id AND c.relkind IN ('v', 'm'))
    WHEN 'pg_proc'::regclass THEN (
      SELECT format('DROP ROUTINE %I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid))
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = id)
    WHEN 'pg_trigger'::regclass THEN (
      SELECT format('DROP TRIGGER %I ON %s', t.tgname, t.tgrelid::regclass) FROM pg_trigger t
      WHERE t.oid = id AND NOT t.tgisinternal)
    WHEN 'pg_policy'::regclass THEN (
      SELECT format('DROP POLICY %I ON %s', p.polname, p.polrelid::regclass) FROM pg_policy p WHERE p.oid = id)
    WHEN 'pg_rewrite'::regclass THEN (
      SELECT format('DROP RULE %I ON %s', r.rulename, r.ev_class::regclass) FROM pg_rewrite r
      WHERE r.oid = id AND r.rulename <> '_RETURN')
  END AS sql
  FROM leaning WHERE level > 0 GROUP BY class, id) AS found
WHERE sql IS NOT NULL ORDER BY level DESC, sql";

/// Drops what leans on the objects that a statement names. Says whether there was any and all of it could be dropped.
pub(super) fn set_aside(client: &mut Client, sql: &str) -> Result<bool, Failure> {
    let names: Vec<String> = names(sql).iter().map(Name::quoted).collect();
    let rows = client.query_typed(LEANING, &[(&names, Type::TEXT_ARRAY)])?;
    let drops = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, postgres::Error>>()?;
    if drops.is_empty() {
        return Ok(false);
    }
    attempt(client, &drops.join(";\n"))
}

fn names(sql: &str) -> Vec<Name> {
    let script = Script::parse(sql);
    let of = |kind: &StatementKind| match kind {
        StatementKind::AlterTable { table, .. } => vec![table.clone()],
        StatementKind::DropTable { tables: names, .. }
        | StatementKind::DropView { names, .. }
        | StatementKind::DropType { names, .. } => names.clone(),
        StatementKind::RenameType { name, .. } => vec![name.clone()],
        _ => Vec::new(),
    };
    script.statements().iter().flat_map(|statement| of(&statement.kind)).collect()
}
