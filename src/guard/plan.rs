//! The guard as SQL to be read and run by hand; and the second best, where a host allows no event triggers: a role that deploys,
//! and one for the application that cannot change the schema.

use minijinja::{Environment, Value, context};
use postgres::Client;
use postgres::types::Type;

use super::{Settings, install};
use crate::database::Failure;
use crate::error::{Explain as _, Result};
use crate::sql::quote_identifier;

const ROLES: &str = include_str!("../../templates/guard/roles.sql");

/// What has an owner of its own, as statements that change it.
const OWNERS: &str = "
SELECT format('ALTER %s %I.%I OWNER TO ', CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
    WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, n.nspname, c.relname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('e', 'i', 'a'))
UNION ALL
SELECT format('ALTER TYPE %I.%I OWNER TO ', n.nspname, t.typname)
FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
WHERE n.nspname = ANY ($1) AND (t.typtype IN ('e', 'd', 'r') OR c.relkind = 'c')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')
UNION ALL
SELECT format('ALTER ROUTINE %s OWNER TO ', p.oid::regprocedure)
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = ANY ($1) AND p.prokind <> 'a'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
ORDER BY 1";

/// Each schema, whether this role may not give it away, and whether Prisma's history is in it.
const SCHEMAS: &str = "SELECT wanted.name, coalesce(NOT pg_catalog.pg_has_role(n.nspowner, 'USAGE'), false),
  EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND c.relname = '_prisma_migrations')
FROM unnest($1) WITH ORDINALITY wanted (name, place) LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = wanted.name
ORDER BY wanted.place";

/// The SQL of `guard on`.
pub fn event_triggers(settings: &Settings) -> String {
    format!("BEGIN;\n{}COMMIT;\n", install::script(settings))
}

/// The SQL of the second best, for this database.
///
/// # Errors
/// The server's own.
pub fn roles(client: &mut Client, settings: &Settings, database: &str) -> Result<String> {
    let rows = client.query_typed(OWNERS, &[(&settings.schemas, Type::TEXT_ARRAY)]).map_err(Failure::from);
    let rows = rows.explain(|| "could not list what changes its owner".into())?;
    let deployer = quote_identifier(&format!("{database}_deploy"));
    let owners: Vec<String> = rows.iter().map(|row| format!("{}{deployer};", row.get::<_, String>(0))).collect();
    let found = client.query_typed(SCHEMAS, &[(&settings.schemas, Type::TEXT_ARRAY)]).map_err(Failure::from);
    let found = found.explain(|| "could not ask whose the schemas are".into())?;
    let schemas: Vec<Value> = found
        .iter()
        .map(|row| {
            let (name, foreign, history): (String, bool, bool) = (row.get(0), row.get(1), row.get(2));
            context! { name => quote_identifier(&name), foreign, history }
        })
        .collect();
    let application = quote_identifier(&format!("{database}_app"));
    let values = context! { database => quote_identifier(database), deployer, application, schemas, owners };
    let rendered = Environment::new().render_str(ROLES, values);
    rendered.explain(|| "could not write the plan".into())
}
