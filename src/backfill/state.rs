//! What a run leaves for the next one, in `_prisma_safe`: how far the keys are given out, the ranges that are begun, the rows that
//! were refused. A range is given out in one transaction and filled in another; what a killed run has begun is there to be taken.

use postgres::types::Type;
use postgres::{Client, GenericClient};

use super::statements::{Range, Statements};
use crate::catalog::live::OWN_SCHEMA;
use crate::database::Failure;
use crate::phases::Plan;
use crate::sql::quote_identifier;

/// A row that could not be filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// `id = 7`.
    pub key: String,
    /// The server's words.
    pub error: String,
}

/// A range that was taken.
pub(super) struct Taken {
    pub(super) number: i64,
    pub(super) range: Range,
    /// Its rows.
    pub(super) rows: u64,
}

/// The state of a plan's backfill.
#[derive(Debug, Clone)]
pub(super) struct State {
    /// The last key that an earlier run has given out.
    pub(super) position: Option<Vec<String>>,
    /// The rows up to there.
    pub(super) seen: u64,
}

impl State {
    /// Makes the tables where they are missing, and a line for the plan. What another plan of this name has left, or a table that
    /// was written anew since (`VACUUM FULL`) where places are keys, begins from the start.
    pub(super) fn prepare(client: &mut Client, plan: &Plan, statements: &Statements) -> Result<Self, Failure> {
        make(client)?;
        let own = own();
        let file = match statements.key.columns.is_empty() {
            true => format!("pg_relation_filenode('{}'::regclass)::text", statements.table.replace('\'', "''")),
            false => "''".to_owned(),
        };
        let mut transaction = client.transaction()?;
        transaction.query_typed(
            &format!("DELETE FROM {own}.backfill_refusals WHERE plan = $1"),
            &[(&plan.name, Type::TEXT)],
        )?;
        transaction.query_typed(
            &format!(
                "INSERT INTO {own}.backfills AS known (plan, expand, file) VALUES ($1, $2, {file})
                 ON CONFLICT (plan) DO UPDATE SET expand = excluded.expand, file = excluded.file, finished_at = NULL,
                   position = CASE WHEN known.expand = excluded.expand AND known.file = excluded.file AND known.finished_at IS NULL THEN known.position END,
                   seen = CASE WHEN known.expand = excluded.expand AND known.file = excluded.file AND known.finished_at IS NULL THEN known.seen ELSE 0 END"
            ),
            &[(&plan.name, Type::TEXT), (&plan.migrations.expand, Type::TEXT)],
        )?;
        let row = transaction.query_typed_one(
            &format!("SELECT position, seen FROM {own}.backfills WHERE plan = $1"),
            &[(&plan.name, Type::TEXT)],
        )?;
        let state = Self { position: row.try_get(0)?, seen: u64::try_from(row.try_get::<_, i64>(1)?).unwrap_or(0) };
        if state.position.is_none() {
            transaction.query_typed(
                &format!("DELETE FROM {own}.backfill_batches WHERE plan = $1"),
                &[(&plan.name, Type::TEXT)],
            )?;
        }
        transaction.commit()?;
        Ok(state)
    }

    /// Every key once more: rows were passed over.
    pub(super) fn again(&self, client: &mut Client, plan: &Plan) -> Result<(), Failure> {
        let again = format!("UPDATE {}.backfills SET position = NULL, seen = 0 WHERE plan = $1", own());
        client.query_typed(&again, &[(&plan.name, Type::TEXT)])?;
        Ok(())
    }

    /// Every row is filled.
    pub(super) fn finish(&self, client: &mut Client, plan: &Plan) -> Result<(), Failure> {
        let own = own();
        let plan: [(&(dyn postgres::types::ToSql + Sync), Type); 1] = [(&plan.name, Type::TEXT)];
        client.query_typed(
            &format!("UPDATE {own}.backfills SET finished_at = clock_timestamp() WHERE plan = $1"),
            &plan,
        )?;
        client.query_typed(&format!("DELETE FROM {own}.backfill_batches WHERE plan = $1"), &plan)?;
        Ok(())
    }

    /// The keys of some rows that are empty and were not refused.
    pub(super) fn left(
        &self,
        client: &mut Client,
        plan: &Plan,
        statements: &Statements,
    ) -> Result<Vec<Vec<String>>, Failure> {
        let refused = format!("(SELECT key FROM {}.backfill_refusals WHERE plan = $1) AS r", own());
        let rows = client.query_typed(&statements.left(&refused), &[(&plan.name, Type::TEXT)])?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// The rows that this run could not fill.
    pub(super) fn refused(
        &self,
        client: &mut Client,
        plan: &Plan,
        statements: &Statements,
    ) -> Result<Vec<Refused>, Failure> {
        let ask = format!("SELECT key, error FROM {}.backfill_refusals WHERE plan = $1 ORDER BY key", own());
        let rows = client.query_typed(&ask, &[(&plan.name, Type::TEXT)])?;
        let read = |row: &postgres::Row| {
            let key: Vec<String> = row.try_get(0)?;
            Ok(Refused { key: statements.key.said(&key), error: row.try_get(1)? })
        };
        rows.iter().map(read).collect()
    }
}

fn own() -> String {
    quote_identifier(OWN_SCHEMA)
}

fn make(client: &mut Client) -> Result<(), Failure> {
    const THERE: &str = "SELECT to_regclass('_prisma_safe.backfill_refusals') IS NOT NULL,
        EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = '_prisma_safe')";
    let row = client.query_typed_one(THERE, &[])?;
    let own = own();
    if row.try_get(0)? {
        return Ok(());
    }
    if !row.try_get::<_, bool>(1)? {
        client.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {own}; REVOKE ALL ON SCHEMA {own} FROM PUBLIC"))?;
    }
    Ok(client.batch_execute(&format!(
        "BEGIN;
         CREATE TABLE IF NOT EXISTS {own}.backfills (plan text PRIMARY KEY, expand text NOT NULL, file text NOT NULL,
           started_at timestamptz NOT NULL DEFAULT clock_timestamp(), finished_at timestamptz, position text[], seen bigint NOT NULL DEFAULT 0);
         CREATE TABLE IF NOT EXISTS {own}.backfill_batches (number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
           plan text NOT NULL, low text[], high text[] NOT NULL);
         CREATE TABLE IF NOT EXISTS {own}.backfill_refusals (plan text NOT NULL, key text[] NOT NULL, error text NOT NULL, PRIMARY KEY (plan, key));
         REVOKE ALL ON {own}.backfills, {own}.backfill_batches, {own}.backfill_refusals FROM PUBLIC;
         COMMENT ON TABLE {own}.backfills IS 'How far prisma-safe backfill is';
         COMMIT"
    ))?)
}

/// Takes a range: one that a killed run has begun, else the next; none behind the last key.
pub(super) fn take(
    client: &mut Client,
    plan: &str,
    statements: &Statements,
    size: u32,
    first: bool,
) -> Result<Option<Taken>, Failure> {
    let own = own();
    if first && let Some(left) = left_behind(client, plan)? {
        return Ok(Some(left));
    }
    let mut transaction = client.transaction()?;
    let lock = format!("SELECT position FROM {own}.backfills WHERE plan = $1 FOR UPDATE");
    let low: Option<Vec<String>> = transaction.query_typed_one(&lock, &[(&plan, Type::TEXT)])?.try_get(0)?;
    let Some((high, rows)) = statements.next(&mut transaction, low.as_deref(), size)? else {
        transaction.rollback()?;
        return Ok(None);
    };
    let give = format!("INSERT INTO {own}.backfill_batches (plan, low, high) VALUES ($1, $2, $3) RETURNING number");
    let number: i64 = transaction
        .query_typed_one(&give, &[(&plan, Type::TEXT), (&low, Type::TEXT_ARRAY), (&high, Type::TEXT_ARRAY)])?
        .try_get(0)?;
    let count = i64::try_from(rows).unwrap_or(0);
    transaction.query_typed(
        &format!("UPDATE {own}.backfills SET position = $2, seen = seen + $3 WHERE plan = $1"),
        &[(&plan, Type::TEXT), (&high, Type::TEXT_ARRAY), (&count, Type::INT8)],
    )?;
    transaction.commit()?;
    Ok(Some(Taken { number, range: Range { low, high }, rows }))
}

/// A range that no worker holds. A worker holds its range's line as long as it fills it.
fn left_behind(client: &mut Client, plan: &str) -> Result<Option<Taken>, Failure> {
    let find = format!(
        "SELECT number, low, high FROM {}.backfill_batches WHERE plan = $1 ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED",
        own()
    );
    let Some(row) = client.query_typed_opt(&find, &[(&plan, Type::TEXT)])? else { return Ok(None) };
    let range = Range { low: row.try_get(1)?, high: row.try_get(2)? };
    Ok(Some(Taken { number: row.try_get(0)?, range, rows: 0 }))
}

/// Holds a range's line in the transaction that fills it; `false` if another worker does, or has filled it.
pub(super) fn hold(transaction: &mut impl GenericClient, number: i64) -> Result<bool, Failure> {
    let hold = format!("SELECT FROM {}.backfill_batches WHERE number = $1 FOR UPDATE SKIP LOCKED", own());
    Ok(transaction.query_typed_opt(&hold, &[(&number, Type::INT8)])?.is_some())
}

/// A range is filled.
pub(super) fn end(transaction: &mut impl GenericClient, number: i64) -> Result<(), Failure> {
    transaction
        .query_typed(&format!("DELETE FROM {}.backfill_batches WHERE number = $1", own()), &[(&number, Type::INT8)])?;
    Ok(())
}

/// A row could not be filled.
pub(super) fn refuse(client: &mut Client, plan: &str, key: &[String], error: &str) -> Result<(), Failure> {
    let note = format!(
        "INSERT INTO {}.backfill_refusals (plan, key, error) VALUES ($1, $2, $3) ON CONFLICT (plan, key) DO UPDATE SET error = excluded.error",
        own()
    );
    client.query_typed(&note, &[(&plan, Type::TEXT), (&key, Type::TEXT_ARRAY), (&error, Type::TEXT)])?;
    Ok(())
}
