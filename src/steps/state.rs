//! What was run on a database: a line for each step in `_prisma_safe`, and the table in which a step can note how far it is.

use std::collections::{BTreeMap, BTreeSet};

use postgres::types::Type;
use postgres::{Client, GenericClient};

use super::{Fresh, Step, Steps};
use crate::catalog::live::OWN_SCHEMA;
use crate::database::history::State as Applied;
use crate::database::{Failure, History};
use crate::error::{Error, Result};
use crate::project::Migration;
use crate::sql::{ActionKind, StatementKind, quote_identifier};

/// Where a step stands on a database.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// It began then, and did not come to its end: it was killed, or failed.
    Begun(String),
    /// It came to its end.
    Done(String),
    /// It is not needed here.
    Skipped,
}

/// A step that is to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub step: Step,
    /// It began before, at this time.
    pub begun: Option<String>,
    /// It ran then, and a rollback of the migration that it follows has left some of what it wrote.
    pub ran: Option<String>,
    /// The database was empty: it is only noted.
    pub skipped: bool,
}

/// Every step that began on a database, by its name, with the row of the history that it followed; none without our tables.
fn read(client: &mut impl GenericClient) -> Result<BTreeMap<String, (State, Option<String>)>, Failure> {
    const THERE: &str = "SELECT to_regclass('_prisma_safe.data_steps') IS NOT NULL";
    if !client.query_typed_one(THERE, &[])?.try_get::<_, bool>(0)? {
        return Ok(BTreeMap::new());
    }
    let ask = format!(
        "SELECT name, to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS \"UTC\"'), finished_at IS NOT NULL, followed, skipped
         FROM {}.data_steps",
        quote_identifier(OWN_SCHEMA)
    );
    let state = |row: &postgres::Row| {
        let (name, begun, done): (String, String, bool) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let state = match (row.try_get(4)?, done) {
            (true, true) => State::Skipped,
            (false, true) => State::Done(begun),
            (_, false) => State::Begun(begun),
        };
        Ok((name, (state, row.try_get(3)?)))
    };
    client.query_typed(&ask, &[])?.iter().map(state).collect()
}

/// The steps that are to run once these migrations are applied, in order. `fresh`: the database had no tables before them.
///
/// # Errors
/// The server's own.
pub fn due(
    client: &mut impl GenericClient,
    steps: &Steps,
    history: Option<&History>,
    pending: &[Migration],
    fresh: bool,
) -> Result<Vec<Due>, Failure> {
    if steps.all.is_empty() {
        return Ok(Vec::new());
    }
    let known = read(client)?;
    let applied = |name: &str| {
        history?.rows.iter().rfind(|row| row.name == name && row.state() == Applied::Applied).map(|row| row.id.as_str())
    };
    let comes =
        |step: &Step| applied(&step.after).is_some() || pending.iter().any(|migration| migration.name == step.after);
    let due = steps.all.iter().filter(|step| comes(step)).filter_map(|step| {
        // after a rollback the migration is another row, and the step comes again
        let same = |row: &Option<String>| row.as_deref() == applied(&step.after);
        let after = || pending.iter().find(|migration| migration.name == step.after);
        let (begun, ran) = match known.get(&step.name) {
            Some((State::Done(_) | State::Skipped, row)) if same(row) => return None,
            Some((State::Begun(at), row)) if same(row) => (Some(at.clone()), None),
            Some((State::Done(at) | State::Begun(at), _)) if !after().is_some_and(|it| goes_along(step, it)) => {
                (None, Some(at.clone()))
            }
            _ => (None, None),
        };
        Some(Due { step: step.clone(), begun, ran, skipped: fresh && step.fresh == Fresh::Skip })
    });
    Ok(due.collect())
}

/// Whether all that a step writes is in tables and columns that its migration makes, and so went with a rollback of it.
fn goes_along(step: &Step, migration: &Migration) -> bool {
    let mut made = BTreeSet::new();
    for statement in migration.script().statements() {
        match &statement.kind {
            StatementKind::CreateTable { table, .. } => drop(made.insert(table.name.clone())),
            StatementKind::AlterTable { table, actions, .. } => made.extend(actions.iter().filter_map(|action| {
                let ActionKind::AddColumn { column, .. } = &action.kind else { return None };
                Some(format!("{}.{}", table.name, column.name))
            })),
            _ => {}
        }
    }
    let of_table = |touched: &str| touched.split_once('.').is_some_and(|(table, _)| made.contains(table));
    step.touches.iter().map(|touched| touched.trim()).all(|touched| made.contains(touched) || of_table(touched))
}

/// A step that began before and may do harm a second time needs a person's word: `repeat` names those that have it. SQL was rolled
/// back as a whole.
///
/// # Errors
/// Exit status 4 with the option.
pub fn demand_a_word(due: &[Due], repeat: &[String]) -> Result<()> {
    for Due { step, begun, ran, skipped } in due {
        if let Some(ran) = ran.as_ref().filter(|_| !skipped && !step.repeatable && !repeat.contains(&step.name)) {
            return Err(Error::decision(format!(
                "the data step {} ran at {ran}, {} was rolled back since, and what the step wrote elsewhere than in what that migration \
                 makes is still there",
                step.name, step.after
            ))
            .help(format!(
                "see what it has done; to run it again: --repeat-step {}; if that does no harm: repeatable = true in {}",
                step.name,
                step.shown()
            )));
        }
        let Some(begun) = begun else { continue };
        if *skipped || step.repeatable || step.sql.is_some() || repeat.contains(&step.name) {
            continue;
        }
        return Err(Error::decision(format!(
            "the data step {} began at {begun} and did not come to its end, and {} does not say that it is repeatable",
            step.name,
            step.shown()
        ))
        .help(format!("see what it has done; to run it again: --repeat-step {}", step.name)));
    }
    Ok(())
}

/// Notes of one step.
pub(super) mod record {
    use super::{Client, Failure, GenericClient, OWN_SCHEMA, Step, Type, quote_identifier};
    use crate::database::history;

    /// Makes the tables where they are missing.
    ///
    /// # Errors
    /// The server's own: a role that may not.
    pub(in crate::steps) fn prepare(client: &mut Client) -> Result<(), Failure> {
        const THERE: &str = "SELECT to_regclass('_prisma_safe.checkpoints') IS NOT NULL,
            EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = '_prisma_safe')";
        let row = client.query_typed_one(THERE, &[])?;
        if row.try_get(0)? {
            return Ok(());
        }
        let own = quote_identifier(OWN_SCHEMA);
        if !row.try_get::<_, bool>(1)? {
            client
                .batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {own}; REVOKE ALL ON SCHEMA {own} FROM PUBLIC"))?;
        }
        Ok(client.batch_execute(&format!(
            "BEGIN;
             CREATE TABLE IF NOT EXISTS {own}.data_steps (name text PRIMARY KEY, started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
               finished_at timestamptz, tries int NOT NULL DEFAULT 1, followed text, skipped boolean NOT NULL DEFAULT false);
             CREATE TABLE IF NOT EXISTS {own}.checkpoints (step text NOT NULL, key text NOT NULL, value text,
               at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (step, key));
             REVOKE ALL ON {own}.data_steps, {own}.checkpoints FROM PUBLIC;
             COMMENT ON TABLE {own}.data_steps IS 'Which data steps of prisma/phases have run';
             COMMENT ON TABLE {own}.checkpoints IS 'How far a data step is: its own notes, to go on from after a kill';
             COMMIT"
        ))?)
    }

    /// It begins.
    ///
    /// # Errors
    /// The server's own.
    pub(in crate::steps) fn begun(client: &mut impl GenericClient, step: &Step, schema: &str) -> Result<(), Failure> {
        note(
            client,
            step,
            schema,
            "started_at = clock_timestamp(), finished_at = NULL, followed = excluded.followed, tries = data_steps.tries + 1",
        )
    }

    /// It came to its end; what it noted for resuming goes.
    ///
    /// # Errors
    /// The server's own.
    pub(in crate::steps) fn done(client: &mut impl GenericClient, step: &Step, schema: &str) -> Result<(), Failure> {
        note(client, step, schema, "finished_at = clock_timestamp(), skipped = false")?;
        let forget = format!("DELETE FROM {}.checkpoints WHERE step = $1", quote_identifier(OWN_SCHEMA));
        client.query_typed(&forget, &[(&step.name, Type::TEXT)])?;
        Ok(())
    }

    /// It is not needed here.
    ///
    /// # Errors
    /// The server's own.
    pub(in crate::steps) fn skipped(client: &mut impl GenericClient, step: &Step, schema: &str) -> Result<(), Failure> {
        note(client, step, schema, "followed = excluded.followed, skipped = true")?;
        note(client, step, schema, "skipped = true, finished_at = clock_timestamp()")
    }

    fn note(client: &mut impl GenericClient, step: &Step, schema: &str, then: &str) -> Result<(), Failure> {
        let (own, history) = (quote_identifier(OWN_SCHEMA), history::table(schema));
        let note = format!(
            "INSERT INTO {own}.data_steps (name, followed) VALUES ($1, (SELECT id FROM {history} WHERE migration_name = $2
               AND finished_at IS NOT NULL AND rolled_back_at IS NULL ORDER BY started_at DESC LIMIT 1))
             ON CONFLICT (name) DO UPDATE SET {then}"
        );
        client.query_typed(&note, &[(&step.name, Type::TEXT), (&step.after, Type::TEXT)])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_step_wrote_beyond_its_migration_needs_a_persons_word() {
        let sql = "ALTER TABLE \"Song\" ADD COLUMN \"genre\" TEXT; CREATE TABLE \"Label\" (id INT, name TEXT);";
        let migration = Migration { name: "2_add".into(), path: "2_add/migration.sql".into(), sql: sql.into() };
        for (touches, goes) in [
            ("\"Song.genre\"", true),
            ("\"Song.genre\", \"Label.name\", \"Label\"", true),
            ("\"Song.genre\", \"Song.title\"", false),
            ("\"Song\"", false),
        ] {
            let step = format!("after = \"2_add\"\nrun = \"x\"\ntouches = [{touches}]\n");
            let step: Step = toml::from_str(&step).unwrap();
            assert_eq!(goes_along(&step, &migration), goes, "{touches}");
        }
        let step: Step = toml::from_str("after = \"2_add\"\nrun = \"x\"\ntouches = [\"Song\"]\n").unwrap();
        let step = Step { name: "fill".into(), ..step };
        let due = Due { step, begun: None, ran: Some("2026-01-01".into()), skipped: false };
        let refused = demand_a_word(std::slice::from_ref(&due), &[]).unwrap_err();
        assert!(refused.help_text().unwrap().contains("--repeat-step fill"), "{refused:?}");
        assert!(demand_a_word(std::slice::from_ref(&due), &["fill".to_owned()]).is_ok());
        let harmless = Due { step: Step { repeatable: true, ..due.step.clone() }, ..due };
        assert!(demand_a_word(&[harmless], &[]).is_ok());
    }
}
