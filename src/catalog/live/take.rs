//! Reads a [`CatalogFile`] from a server, all of one moment.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use postgres::types::{ToSql, Type};
use postgres::{Client, IsolationLevel, Transaction};

use super::catalog::object;
use super::file::{CatalogFile, Size, cascading, mentioned};
use super::{Kind, LOCK_TIMEOUT, Live, STATEMENT_TIMEOUT, Without};
use crate::catalog::{Catalog, ObjectName};
use crate::database::dependents;
use crate::database::victims::{self, Dropped};
use crate::database::{Failure, History, SESSION_IN_UTC};

/// So many objects are asked about in one query.
const AT_ONCE: usize = 200;

/// The server's version.
const VERSION: &str = "SELECT current_setting('server_version_num')::int";

/// Rows and bytes by table. As the planner does it: by the density at the last ANALYZE. A table that has seen none is judged by
/// its size, at 60 bytes a row. Partitions hold the rows of a partitioned table.
const SIZES: &str = "
WITH estimate AS (
  SELECT c.oid, coalesce(pg_relation_size(c.oid), 0) AS bytes, CASE
    WHEN c.relkind = 'f' THEN nullif(greatest(c.reltuples, 0), 0)
    WHEN pg_relation_size(c.oid) = 0 THEN 0
    WHEN c.reltuples > 0 AND c.relpages > 0
      THEN c.reltuples * (pg_relation_size(c.oid) / current_setting('block_size')::float8 / c.relpages)
    ELSE ceil(pg_relation_size(c.oid) / 60.0) END AS rows
  FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'f')
)
SELECT n.nspname::text, c.relname::text,
  (CASE WHEN c.relkind = 'p' THEN (
    SELECT CASE WHEN bool_or(e.rows IS NULL) THEN NULL ELSE coalesce(sum(e.rows), 0) END
    FROM pg_partition_tree(c.oid) p JOIN estimate e ON e.oid = p.relid) ELSE own.rows END)::bigint,
  coalesce((SELECT sum(e.bytes) FROM pg_partition_tree(c.oid) p JOIN estimate e ON e.oid = p.relid), own.bytes, 0)::bigint
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN estimate own ON own.oid = c.oid
WHERE c.relkind IN ('r', 'p', 'f')";

/// With the types of its arguments.
const FUNCTIONS: &str = "
SELECT n.nspname::text, p.proname::text, pg_catalog.oidvectortypes(p.proargtypes)
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND NOT EXISTS (
  SELECT FROM pg_catalog.pg_depend d
  WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype IN ('e', 'i'))";

impl CatalogFile {
    /// Reads it in one read-only transaction.
    ///
    /// # Errors
    /// The server's own.
    pub fn take(client: &mut Client, default_schema: &str) -> Result<Self, Failure> {
        let mut snapshot =
            client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start()?;
        snapshot.batch_execute(&format!(
            "SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'; SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"
        ))?;
        let session = snapshot.query_typed_one(&format!("{VERSION}, {SESSION_IN_UTC}"), &[])?;
        let version: i32 = session.try_get(0)?;
        let mut live = Live::read_within(&mut snapshot, &Without::default())?;
        // people write what they like there, and no rule reads it
        for definition in live.objects.values_mut().flat_map(BTreeMap::values_mut) {
            definition.remove("comment");
        }
        let catalog = Catalog::of_target(default_schema, &live);
        let file = Self {
            schema_version: 1,
            taken_at: Timestamp::now(),
            server_version_number: u32::try_from(version).unwrap_or(0),
            default_schema: default_schema.to_owned(),
            utc: session.try_get(1)?,
            applied_migrations: applied(&mut snapshot, default_schema)?,
            tables: sizes(&mut snapshot, &catalog)?,
            dependents: mentions(&mut snapshot, &catalog)?,
            cascades: cascades(&mut snapshot, &live)?,
            objects: live.objects,
            columns: live.beside.columns,
            unread: live.beside.unread,
            inherited: live.beside.inherited,
            harmless_functions: live.beside.harmless,
            search_path: live.beside.path,
            operators: live.beside.operators,
        };
        snapshot.rollback()?;
        Ok(file)
    }
}

fn applied(snapshot: &mut Transaction<'_>, schema: &str) -> Result<BTreeSet<String>, Failure> {
    let history = History::fetch(snapshot, schema)?.unwrap_or_default();
    Ok(history.compare(&[]).applied.into_iter().collect())
}

fn sizes(snapshot: &mut Transaction<'_>, catalog: &Catalog) -> Result<BTreeMap<String, Size>, Failure> {
    let mut sizes = BTreeMap::new();
    for row in snapshot.query_typed(SIZES, &[])? {
        let name = ObjectName { schema: row.try_get(0)?, name: row.try_get(1)? };
        let (rows, bytes): (Option<i64>, i64) = (row.try_get(2)?, row.try_get(3)?);
        if catalog.tables.contains_key(&name) {
            let rows = rows.and_then(|rows| u64::try_from(rows).ok());
            sizes.insert(name.quoted(), Size { rows, bytes: u64::try_from(bytes).unwrap_or(0) });
        }
    }
    Ok(sizes)
}

/// What mentions each table and each column; those that nothing mentions are left out.
fn mentions(
    snapshot: &mut Transaction<'_>,
    catalog: &Catalog,
) -> Result<BTreeMap<String, Vec<dependents::Dependent>>, Failure> {
    let asked: Vec<(String, Vec<String>)> = catalog
        .tables
        .iter()
        .flat_map(|(table, value)| {
            let columns = value.columns.keys().map(|column| Some(column.as_str()));
            let each = |column| (mentioned(table, column), dependents::parameters(table, column));
            std::iter::once(None).chain(columns).map(each)
        })
        .collect();
    let mut found = BTreeMap::new();
    for (name, answer) in each(snapshot, dependents::QUERY, &asked)? {
        let mentions = dependents::read(&answer).unwrap_or_default();
        if !mentions.is_empty() {
            found.insert(name, mentions);
        }
    }
    Ok(found)
}

/// What CASCADE takes along with each object other than a table.
fn cascades(snapshot: &mut Transaction<'_>, live: &Live) -> Result<BTreeMap<String, Vec<String>>, Failure> {
    let mut dropped: Vec<Dropped> = Vec::new();
    for kind in [Kind::View, Kind::MaterializedView, Kind::Sequence] {
        dropped.extend(live.of(kind).filter_map(|(name, _)| object(name)).map(Dropped::Relation));
    }
    for kind in [Kind::Enum, Kind::Domain] {
        dropped.extend(live.of(kind).filter_map(|(name, _)| object(name)).map(Dropped::Type));
    }
    dropped
        .extend(live.of(Kind::Schema).filter_map(|(name, _)| super::catalog::split(name).pop()).map(Dropped::Schema));
    let extensions = live.of(Kind::Extension).filter_map(|(name, _)| super::catalog::split(name).pop());
    dropped.extend(extensions.map(Dropped::Extension));
    for row in snapshot.query_typed(FUNCTIONS, &[])? {
        let name = ObjectName { schema: row.try_get(0)?, name: row.try_get(1)? };
        let types: String = row.try_get(2)?;
        dropped.push(Dropped::Function(format!("{}({types})", name.quoted())));
    }
    let asked: Vec<_> = dropped.iter().map(|each| (cascading(each), victims::parameters(each))).collect();
    let answers = each(snapshot, victims::QUERY, &asked)?;
    Ok(answers.into_iter().filter_map(|(name, answer)| Some((name, victims::read(&answer)?))).collect())
}

/// The answers to one question about many objects, by the objects' keys. The question's parameters become columns.
fn each(
    snapshot: &mut Transaction<'_>,
    question: &str,
    asked: &[(String, Vec<String>)],
) -> Result<Vec<(String, String)>, Failure> {
    let question = question.replace("$1::text[]", "ARRAY[asked.first, asked.second, asked.third]");
    let query = format!(
        "SELECT asked.key, found.answer FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) \
         AS asked(key, first, second, third), LATERAL ({question}) AS found(answer) WHERE found.answer IS NOT NULL"
    );
    let mut answers = Vec::new();
    for some in asked.chunks(AT_ONCE) {
        let keys: Vec<&str> = some.iter().map(|(key, _)| key.as_str()).collect();
        let part = |at: usize| some.iter().map(|(_, parameters)| parameters.get(at)).collect::<Vec<Option<&String>>>();
        let parts = [part(0), part(1), part(2)];
        let mut values: Vec<(&(dyn ToSql + Sync), Type)> = vec![(&keys, Type::TEXT_ARRAY)];
        values.extend(parts.iter().map(|part| (part as &(dyn ToSql + Sync), Type::TEXT_ARRAY)));
        for row in snapshot.query_typed(&query, &values)? {
            answers.push((row.try_get(0)?, row.try_get(1)?));
        }
    }
    Ok(answers)
}
