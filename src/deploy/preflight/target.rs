//! What the server says about itself, the URL's schema and the user's privileges, in one query.

use postgres::Client;
use postgres::types::{ToSql, Type};

use super::{Concern, Plan, Problem};
use crate::database::{Failure, history};
use crate::error::Result;
use crate::project::migrations::name_before_times;

/// What one query tells about the target.
pub(super) struct Target {
    pub(super) version: u32,
    pub(super) version_text: String,
    product: String,
    standby: bool,
    schema: bool,
    pub(super) history: bool,
    pub(super) objects: i64,
    may_create_schema: bool,
    may_create_table: bool,
    pub(super) may_read_history: bool,
    may_write_history: bool,
    /// Schemas that Prisma manages and that hold a table or view.
    full: Vec<String>,
}

const TARGET: &str = "
WITH managed AS (SELECT oid, nspname FROM pg_catalog.pg_namespace WHERE nspname = $1 OR nspname::text = ANY ($4))
SELECT current_setting('server_version_num')::int, split_part(current_setting('server_version'), ' ', 1), version(),
  pg_is_in_recovery(), n.oid IS NOT NULL, h.oid IS NOT NULL,
  (SELECT count(*) FROM pg_catalog.pg_class c WHERE c.relnamespace IN (SELECT oid FROM managed)
     AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname <> $2 AND NOT c.relname::text = ANY ($3)
     AND NOT (c.relnamespace::regnamespace::text || '.' || c.relname = ANY ($3))
     AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'))
  + (SELECT count(*) FROM pg_catalog.pg_type t WHERE t.typnamespace IN (SELECT oid FROM managed) AND t.typtype = 'e'
     AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')),
  has_database_privilege(current_database(), 'CREATE'),
  coalesce(has_schema_privilege(n.oid, 'USAGE') AND has_schema_privilege(n.oid, 'CREATE'), false),
  coalesce(has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(h.oid, 'SELECT'), false),
  coalesce(has_table_privilege(h.oid, 'INSERT') AND has_table_privilege(h.oid, 'UPDATE'), false),
  ARRAY(SELECT m.nspname::text FROM managed m WHERE EXISTS (
    SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace = m.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname <> $2)
    ORDER BY 1)
FROM (SELECT 1) AS one
LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = $1
LEFT JOIN pg_catalog.pg_class h ON h.relnamespace = n.oid AND h.relname = $2";

impl Target {
    pub(super) fn ask(client: &mut Client, plan: &Plan<'_>) -> Result<Self, Failure> {
        let schema = plan.url.schema();
        let prefix = format!("{schema}.");
        let external: Vec<&str> =
            plan.external_tables.iter().map(|table| table.strip_prefix(&prefix).unwrap_or(table)).collect();
        let parameters: [(&(dyn ToSql + Sync), Type); 4] = [
            (&schema, Type::TEXT),
            (&history::TABLE, Type::TEXT),
            (&external, Type::TEXT_ARRAY),
            (&plan.schemas, Type::TEXT_ARRAY),
        ];
        let row = client.query_typed_one(TARGET, &parameters)?;
        let version: i32 = row.try_get(0)?;
        Ok(Self {
            version: version.unsigned_abs(),
            version_text: row.try_get(1)?,
            product: row.try_get(2)?,
            standby: row.try_get(3)?,
            schema: row.try_get(4)?,
            history: row.try_get(5)?,
            objects: row.try_get(6)?,
            may_create_schema: row.try_get(7)?,
            may_create_table: row.try_get(8)?,
            may_read_history: row.try_get(9)?,
            may_write_history: row.try_get(10)?,
            full: row.try_get(11)?,
        })
    }

    /// The schemas that hold something, `billing` or `billing, public`.
    fn full_schemas(&self, default: &str) -> String {
        if self.full.is_empty() { default.to_owned() } else { self.full.join(", ") }
    }

    pub(super) fn problems(&self, plan: &Plan<'_>) -> Vec<Problem> {
        let schema = plan.url.schema();
        let user = plan.url.user().unwrap_or_else(|| "the user".into());
        let mut problems = Vec::new();
        let mut blocking = |concern, message: String, help: String| {
            problems.push(Problem { concern, blocking: true, message, help });
        };
        if self.product.contains("CockroachDB") {
            blocking(
                Concern::Server,
                "the target is CockroachDB, whose migrations prisma-safe does not guard".into(),
                "deploy it with plain prisma".into(),
            );
        }
        if self.standby {
            blocking(
                Concern::Server,
                "the target is a read-only standby".into(),
                "give the primary server's URL".into(),
            );
        }
        if self.history && !(self.may_read_history && self.may_write_history) {
            let help = format!(
                "as its owner: GRANT USAGE ON SCHEMA \"{schema}\" TO \"{user}\"; GRANT SELECT, INSERT, UPDATE ON {} TO \"{user}\";",
                history::table(&schema)
            );
            let what = if self.may_read_history { "write" } else { "read" };
            blocking(
                Concern::Privilege,
                format!("{user} may not {what} Prisma's history in the schema {schema}"),
                help,
            );
        }
        if !self.history && self.schema && !self.may_create_table {
            let help = format!("as the schema's owner: GRANT USAGE, CREATE ON SCHEMA \"{schema}\" TO \"{user}\";");
            blocking(Concern::Privilege, format!("{user} may not create tables in the schema {schema}"), help);
        }
        if !self.schema && !self.may_create_schema {
            let help = format!("as the database's owner: CREATE SCHEMA \"{schema}\" AUTHORIZATION \"{user}\";");
            blocking(
                Concern::Privilege,
                format!("the schema {schema} does not exist, and {user} may not create it"),
                help,
            );
        }
        if !self.history && self.objects > 0 {
            let first = plan.migrations.first().map_or("0_init", |migration| migration.name.as_str());
            let earlier = name_before_times(first);
            let applied = earlier.as_deref().unwrap_or(first);
            // it is not applied anywhere yet: afterwards each database's history would have to follow
            let renamed = earlier.as_ref().map_or_else(String::new, |earlier| {
                format!("rename its directory to {earlier}, since Prisma sorts migrations by name and would run {first} last, and ")
            });
            blocking(
                Concern::NotEmpty,
                format!(
                    "the schema {} is not empty, but Prisma has never deployed to it (P3005)",
                    self.full_schemas(&schema)
                ),
                format!(
                    "if {first} describes what is there, {renamed}say so once: prisma-safe migrate resolve --applied {applied}; else first make a migration that does: prisma migrate diff --from-empty --to-schema prisma/schema.prisma --script (--to-schema-datamodel before Prisma 7)"
                ),
            );
        }
        problems
    }
}
