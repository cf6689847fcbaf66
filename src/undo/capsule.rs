//! Capsules: what migrations have destroyed, in our own schema of the same database. Its tables `capsules` and `captures`
//! say what is kept where, so that `psql` alone finds it.

use jiff::Timestamp;
use postgres::Client;
use postgres::types::{Json, Type};
use serde::Serialize;

use super::capture::{Capture, place};
use crate::catalog::live::{Live, OWN_SCHEMA, Without};
use crate::database::Failure;
use crate::error::{Explain as _, Result};
use crate::sql::quote_identifier;

/// Where values come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// Kept by the deploy, in the migration's own transaction.
    Capsule,
    /// Loaded from the backup before the migration.
    Backup,
    /// Nowhere.
    None,
}

/// A capsule, without what it keeps.
#[derive(Debug, Clone)]
pub struct Capsule {
    pub id: String,
    pub source: Source,
    pub captures: Vec<Capture>,
    /// The definitions of the database just before the migration and just after it, where they were read.
    pub definitions: Option<(Live, Live)>,
    /// What the rehearsal has found that stays after a rollback, a phrase each; `None` where no rehearsal has measured what code
    /// did to the rows.
    pub measured: Option<Vec<String>>,
}

impl Capsule {
    /// Of a migration that has destroyed nothing.
    pub fn empty(id: &str, definitions: (Live, Live)) -> Self {
        let (captures, definitions) = (Vec::new(), Some(definitions));
        Self { id: id.to_owned(), source: Source::None, captures, definitions, measured: None }
    }
}

/// What may be done about capsules in a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rights {
    /// Capsules can be made.
    Granted,
    /// The role may not create our schema, or not use the one that is there.
    Missing,
}

fn own() -> String {
    quote_identifier(OWN_SCHEMA)
}

/// Whether this role can make capsules.
///
/// # Errors
/// The server's own.
pub fn rights(client: &mut Client) -> Result<Rights, Failure> {
    const ASK: &str = "SELECT coalesce(
        (SELECT has_schema_privilege(n.oid, 'CREATE') AND has_schema_privilege(n.oid, 'USAGE') AND (pg_has_role(n.nspowner, 'USAGE')
           OR NOT EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relkind = 'r' AND c.relname !~ '^guard_'
             AND NOT pg_has_role(c.relowner, 'USAGE')))
         FROM pg_namespace n WHERE n.nspname = $1),
        has_database_privilege(current_database(), 'CREATE'))";
    let granted: bool = client.query_typed_one(ASK, &[(&OWN_SCHEMA, Type::TEXT)])?.try_get(0)?;
    Ok(if granted { Rights::Granted } else { Rights::Missing })
}

/// Makes the schema and its two tables where they are missing. Nobody but their owner may look into them.
pub(super) fn prepare(client: &mut Client) -> Result<(), Failure> {
    let own = own();
    if !has_schema(client)? {
        client.batch_execute(&format!("CREATE SCHEMA {own}; REVOKE ALL ON SCHEMA {own} FROM PUBLIC"))?;
    }
    if !has_tables(client)? {
        client.batch_execute(&format!(
            "CREATE TABLE {own}.capsules (
                id text PRIMARY KEY, migration text NOT NULL, checksum text NOT NULL, taken_at timestamptz NOT NULL,
                catalog_before json NOT NULL, catalog_after json, measured json);
            CREATE TABLE {own}.captures (
                capsule text NOT NULL REFERENCES {own}.capsules (id) ON DELETE CASCADE, number integer NOT NULL,
                what text NOT NULL, storage text NOT NULL, rows bigint NOT NULL, details json NOT NULL,
                PRIMARY KEY (capsule, number));
            COMMENT ON TABLE {own}.capsules IS 'What migrations have destroyed, kept for prisma-safe rollback';
            COMMENT ON COLUMN {own}.captures.storage IS 'The table in this schema that keeps it';
            REVOKE ALL ON {own}.capsules, {own}.captures FROM PUBLIC"
        ))?;
    } else if !is_measured(client)? {
        client.batch_execute(&format!("ALTER TABLE {own}.capsules ADD COLUMN measured json"))?;
    }
    Ok(())
}

/// Earlier versions did not note what the rehearsal had measured.
fn is_measured(client: &mut Client) -> Result<bool, Failure> {
    let ask = format!(
        "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('{}.capsules') AND attname = 'measured')",
        own()
    );
    Ok(client.query_typed_one(&ask, &[])?.try_get(0)?)
}

/// Makes the table that keeps the rows of Prisma's history that a rollback takes out of it; gives its name.
pub(super) fn prepare_history(client: &mut Client) -> Result<String, Failure> {
    prepare(client)?;
    let table = format!("{}.history", own());
    client.batch_execute(&format!(
        "CREATE TABLE IF NOT EXISTS {table} (
            id text NOT NULL, checksum text NOT NULL, finished_at timestamptz, migration_name text NOT NULL, logs text,
            rolled_back_at timestamptz, started_at timestamptz NOT NULL, applied_steps_count integer NOT NULL,
            taken_back_at timestamptz NOT NULL);
        REVOKE ALL ON {table} FROM PUBLIC"
    ))?;
    Ok(table)
}

fn has_schema(client: &mut Client) -> Result<bool, Failure> {
    const ASK: &str = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)";
    Ok(client.query_typed_one(ASK, &[(&OWN_SCHEMA, Type::TEXT)])?.try_get(0)?)
}

fn has_tables(client: &mut Client) -> Result<bool, Failure> {
    const ASK: &str = "SELECT count(*) = 2 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relname IN ('capsules', 'captures') AND c.relkind = 'r'";
    Ok(client.query_typed_one(ASK, &[(&OWN_SCHEMA, Type::TEXT)])?.try_get(0)?)
}

/// Begins a capsule in the migration's transaction.
pub(super) fn open(client: &mut Client, id: &str, migration: &str, checksum: &str) -> Result<(), Failure> {
    let before = Json(Live::read_with_rights(client, &Without::default())?);
    let insert = format!(
        "INSERT INTO {}.capsules (id, migration, checksum, taken_at, catalog_before) VALUES ($1, $2, $3, clock_timestamp(), $4)",
        own()
    );
    client.query_typed(
        &insert,
        &[(&id, Type::TEXT), (&migration, Type::TEXT), (&checksum, Type::TEXT), (&before, Type::JSON)],
    )?;
    Ok(())
}

/// What is kept so far of a migration that is applied in sections; none if nothing was opened for it.
pub(super) fn captures(client: &mut Client, id: &str) -> Result<Option<Vec<Capture>>, Failure> {
    let own = own();
    let opened = format!("SELECT EXISTS (SELECT FROM {own}.capsules WHERE id = $1)");
    if !client.query_typed_one(&opened, &[(&id, Type::TEXT)])?.try_get::<_, bool>(0)? {
        return Ok(None);
    }
    kept(client, id).map(Some)
}

fn kept(client: &mut Client, id: &str) -> Result<Vec<Capture>, Failure> {
    let query = format!("SELECT details FROM {}.captures WHERE capsule = $1 ORDER BY number", own());
    let rows = client.query_typed(&query, &[(&id, Type::TEXT)])?;
    let captures = rows.iter().map(|row| Ok(row.try_get::<_, Json<Capture>>(0)?.0));
    Ok(captures.collect::<Result<Vec<_>, postgres::Error>>()?)
}

/// Ends it; after each section, where there are several.
pub(super) fn close(
    client: &mut Client,
    id: &str,
    captures: &[Capture],
    measured: Option<&[String]>,
) -> Result<(), Failure> {
    client.query_typed(&format!("DELETE FROM {}.captures WHERE capsule = $1", own()), &[(&id, Type::TEXT)])?;
    let insert = format!(
        "INSERT INTO {}.captures (capsule, number, what, storage, rows, details) VALUES ($1, $2, $3, $4, $5, $6)",
        own()
    );
    for (number, capture) in (1_i32..).zip(captures) {
        let rows = i64::try_from(capture.rows).unwrap_or(i64::MAX);
        client.query_typed(
            &insert,
            &[
                (&id, Type::TEXT),
                (&number, Type::INT4),
                (&capture.what(), Type::TEXT),
                (&capture.storage, Type::TEXT),
                (&rows, Type::INT8),
                (&Json(capture), Type::JSON),
            ],
        )?;
    }
    let after = Json(Live::read_with_rights(client, &Without::default())?);
    let update = format!("UPDATE {}.capsules SET catalog_after = $2, measured = $3 WHERE id = $1", own());
    client.query_typed(&update, &[(&id, Type::TEXT), (&after, Type::JSON), (&measured.map(Json), Type::JSON)])?;
    Ok(())
}

/// The capsule of a migration, by the id of its row in the history: one that was applied again has another.
///
/// # Errors
/// The server's own; also where the capsule may not be read.
pub fn find(client: &mut Client, id: &str) -> Result<Option<Capsule>, Failure> {
    if !has_tables(client)? {
        return Ok(None);
    }
    let own = own();
    let measured = if is_measured(client)? { "measured" } else { "NULL::json" };
    let query = format!(
        "SELECT catalog_before, catalog_after, {measured} FROM {own}.capsules WHERE id = $1 AND catalog_after IS NOT NULL"
    );
    let Some(row) = client.query_typed_opt(&query, &[(&id, Type::TEXT)])? else { return Ok(None) };
    let (Json(before), Json(after)) = (row.try_get::<_, Json<Live>>(0)?, row.try_get::<_, Json<Live>>(1)?);
    let measured = row.try_get::<_, Option<Json<Vec<String>>>>(2)?.map(|Json(phrases)| phrases);
    let captures = kept(client, id)?;
    let definitions = Some((before, after));
    Ok(Some(Capsule { id: id.to_owned(), source: Source::Capsule, captures, definitions, measured }))
}

/// Removes a capsule with what it keeps.
pub(super) fn remove(client: &mut Client, id: &str) -> Result<(), Failure> {
    let own = own();
    let query = format!("SELECT storage FROM {own}.captures WHERE capsule = $1");
    for row in client.query_typed(&query, &[(&id, Type::TEXT)])? {
        let storage: String = row.try_get(0)?;
        client.batch_execute(&format!("DROP TABLE IF EXISTS {}", place(&storage)))?;
    }
    client.query_typed(&format!("DELETE FROM {own}.capsules WHERE id = $1"), &[(&id, Type::TEXT)])?;
    Ok(())
}

/// What [`prune`] has removed: migrations with the time their capsule was taken.
pub type Pruned = Vec<(String, Timestamp)>;

/// [`prune`] by the database's own clock, which also wrote when each was taken.
///
/// # Errors
/// The server's own.
pub fn prune_old(client: &mut Client, keep: std::time::Duration) -> Result<Pruned> {
    let seconds = client.query_one("SELECT extract(epoch FROM now())::int8", &[]).map_err(Failure::from);
    let seconds: i64 = seconds.explain(|| "could not ask the database for the time".into())?.get(0);
    let now = Timestamp::from_second(seconds).explain(|| "the database returned an invalid timestamp".into())?;
    prune(client, now, keep)
}

/// Removes the capsules that were taken before `now` less `keep`, each in a transaction of its own.
///
/// # Errors
/// The server's own. Capsules removed before stay removed.
pub fn prune(client: &mut Client, now: Timestamp, keep: std::time::Duration) -> Result<Pruned> {
    let mut work = || -> Result<Pruned, Failure> {
        if !has_tables(client)? {
            return Ok(Vec::new());
        }
        let limit = now.as_second().saturating_sub_unsigned(keep.as_secs());
        let query = format!(
            "SELECT id, migration, extract(epoch FROM taken_at)::int8 FROM {}.capsules
             WHERE taken_at < to_timestamp($1::int8::float8) ORDER BY taken_at",
            own()
        );
        let mut pruned = Vec::new();
        for row in client.query_typed(&query, &[(&limit, Type::INT8)])? {
            let (id, migration, seconds): (String, String, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            client.batch_execute("BEGIN; SET LOCAL lock_timeout = '3s'")?;
            let removed = remove(client, &id).and_then(|()| Ok(client.batch_execute("COMMIT")?));
            if removed.is_err() {
                client.batch_execute("ROLLBACK")?;
            }
            removed?;
            pruned.push((migration, Timestamp::from_second(seconds).unwrap_or(now)));
        }
        Ok(pruned)
    };
    work().explain(|| format!("could not remove what is kept in the schema {OWN_SCHEMA}"))
}
