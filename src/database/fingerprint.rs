//! A hash of the catalog: equal before and after means that no session changed a table, column, constraint, index, trigger, view
//! or enum in between. Object ids count, so dropping and creating anew is a change; rows and statistics do not count.

use postgres::Client;

use super::failure::Failure;

/// The catalog at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(String);

/// Object ids that users' schemas have; the system's and everyone's temporary ones left out. Expressions are read as they are stored:
/// `pg_get_expr` takes a lock on the table, and would wait behind a session that waits for that table.
const QUERY: &str = "
WITH space AS (
  SELECT oid FROM pg_catalog.pg_namespace
  WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND nspname !~ '^pg_(toast_)?temp_'
), class AS (
  SELECT oid, relnamespace, relname, relkind, relpersistence, relrowsecurity, reloptions
  FROM pg_catalog.pg_class WHERE relnamespace IN (SELECT oid FROM space)
), line AS (
  SELECT ROW('class', class.*)::text AS text FROM class
  UNION ALL
  SELECT ROW('column', attrelid, attnum, attname, atttypid, atttypmod, attnotnull, attidentity, attgenerated, attisdropped, attcollation)::text
  FROM pg_catalog.pg_attribute WHERE attnum > 0 AND attrelid IN (SELECT oid FROM class)
  UNION ALL
  SELECT ROW('default', oid, adrelid, adnum, md5(adbin::text))::text
  FROM pg_catalog.pg_attrdef WHERE adrelid IN (SELECT oid FROM class)
  UNION ALL
  SELECT ROW('constraint', oid, conname, connamespace, contype, convalidated, condeferrable, condeferred, conrelid, confrelid, conkey, confkey)::text
  FROM pg_catalog.pg_constraint WHERE connamespace IN (SELECT oid FROM space)
  UNION ALL
  SELECT ROW('index', indexrelid, indrelid, indisunique, indisprimary, indisvalid, indisready, indkey::text, md5(indexprs::text), md5(indpred::text))::text
  FROM pg_catalog.pg_index WHERE indrelid IN (SELECT oid FROM class)
  UNION ALL
  SELECT ROW('trigger', oid, tgrelid, tgname, tgfoid, tgenabled, tgtype)::text
  FROM pg_catalog.pg_trigger WHERE NOT tgisinternal AND tgrelid IN (SELECT oid FROM class)
  UNION ALL
  SELECT ROW('rule', oid, ev_class, rulename, md5(ev_action::text))::text
  FROM pg_catalog.pg_rewrite WHERE ev_class IN (SELECT oid FROM class)
  UNION ALL
  SELECT ROW('type', oid, typname, typnamespace, typtype)::text
  FROM pg_catalog.pg_type WHERE typnamespace IN (SELECT oid FROM space)
  UNION ALL
  SELECT ROW('value', oid, enumtypid, enumsortorder, enumlabel)::text
  FROM pg_catalog.pg_enum
  UNION ALL
  SELECT ROW('function', oid, proname, pronamespace, md5(coalesce(prosrc, '')))::text
  FROM pg_catalog.pg_proc WHERE pronamespace IN (SELECT oid FROM space)
)
SELECT md5(coalesce(string_agg(md5(text), '' ORDER BY md5(text)), '')) FROM line";

impl Fingerprint {
    /// Takes it, in one query and so of one moment.
    pub fn take(client: &mut Client) -> Result<Self, Failure> {
        Ok(Self(client.query_typed_one(QUERY, &[])?.try_get(0)?))
    }
}
