//! A migration as the body of its transaction: its row of the history, its script, and what the hook adds.

use std::fmt::Write as _;
use std::ops::Range;

use postgres::Client;
use postgres::types::{ToSql, Type};

use super::Prepared;
use super::hook::Hook;
use super::sections::Part;
use crate::database::history::{self, Progress, State};
use crate::database::{Failure, History};
use crate::error::{Error, Explain as _};
use crate::sql::quote_identifier;
use crate::transaction::{Body, Broken, Place};

/// Why a migration stops although the server refuses nothing.
#[derive(Debug)]
pub(super) enum Stop {
    /// What was to be kept for an undo could not be.
    Uncaptured(Failure),
    /// Another deploy has applied it since the history was read.
    Applied,
    /// There is a failed migration: Prisma's rule, nothing is applied before it is resolved.
    FailedBefore(String),
    /// No id for its row.
    NoId(Error),
}

/// A migration that runs.
pub(super) struct Migrating<'a> {
    prepared: &'a Prepared,
    schema: &'a str,
    hook: &'a mut dyn Hook,
    /// Of the row of this try.
    id: String,
}

impl<'a> Migrating<'a> {
    pub(super) fn new(prepared: &'a Prepared, schema: &'a str, hook: &'a mut dyn Hook) -> Self {
        Self { prepared, schema, hook, id: String::new() }
    }

    /// One piece of the script, unless the hook does it another way.
    fn send(&mut self, client: &mut Client, piece: &Range<usize>) -> Result<(), Broken<Stop>> {
        if !self.hook.instead(client, piece).map_err(in_hook)? {
            let sent = client.batch_execute(self.prepared.sql(piece));
            sent.map_err(|error| in_script(self.prepared, piece, error.into()))?;
        }
        self.hook.sent(client, piece).map_err(in_hook)
    }
}

/// A section of a migration as the body of its transaction, with the note in the history of how far the migration came.
pub(super) struct SectionBody<'a> {
    whole: &'a Prepared,
    /// None where only the note is written.
    part: Option<&'a Part>,
    schema: &'a str,
    /// Of the migration's row.
    pub(super) id: String,
    /// Whether the row is to be written first.
    new: bool,
    /// What the row says afterwards; none if it is finished.
    then: Option<Progress>,
    hook: &'a mut dyn Hook,
}

impl<'a> SectionBody<'a> {
    pub(super) fn new(
        whole: &'a Prepared,
        part: &'a Part,
        schema: &'a str,
        id: Option<String>,
        then: Option<Progress>,
        hook: &'a mut dyn Hook,
    ) -> Self {
        Self { part: Some(part), ..Self::only_noting(whole, schema, id, then, hook) }
    }

    pub(super) fn only_noting(
        whole: &'a Prepared,
        schema: &'a str,
        id: Option<String>,
        then: Option<Progress>,
        hook: &'a mut dyn Hook,
    ) -> Self {
        Self { whole, part: None, schema, new: id.is_none(), id: id.unwrap_or_default(), then, hook }
    }

    /// It is committed now.
    pub(super) fn committed(&mut self) {
        self.hook.committed();
    }

    fn send(&mut self, client: &mut Client, part: &Part) -> Result<(), Broken<Stop>> {
        for setting in &part.settings {
            let sent = client.batch_execute(self.whole.sql(setting));
            sent.map_err(|error| in_script(self.whole, setting, error.into()))?;
        }
        for piece in part.prepared.pieces() {
            if !self.hook.instead(client, piece).map_err(in_hook)? {
                let sent = client.batch_execute(part.prepared.sql(piece));
                sent.map_err(|error| in_script(&part.prepared, piece, error.into()))?;
            }
            self.hook.sent(client, piece).map_err(in_hook)?;
        }
        Ok(())
    }
}

impl Body for SectionBody<'_> {
    type Done = ();
    type Stop = Stop;

    fn run(&mut self, client: &mut Client) -> Result<(), Broken<Stop>> {
        if self.new {
            self.id = row_id().map_err(|error| Broken::Stopped(Stop::NoId(error)))?;
            check_history(client, self.schema, &self.whole.name)?;
            record_start(client, self.whole, self.schema, &self.id)?;
            self.hook.before(client, self.whole).map_err(in_hook)?;
        } else {
            still_there(client, self.schema, &self.id)?;
            self.hook.again(client, self.whole).map_err(in_hook)?;
        }
        if let Some(part) = self.part {
            self.send(client, part)?;
        }
        if self.part.is_some() || self.then.is_none() {
            self.hook.after(client).map_err(in_hook)?;
        }
        Ok(())
    }

    fn finish(&mut self, client: &mut Client) -> Result<(), Broken<Stop>> {
        match self.then {
            None => record_end(client, self.schema, &self.id)?,
            Some(progress) => record_progress(client, self.schema, &self.id, progress)?,
        }
        Ok(())
    }

    fn is_committed(&self, client: &mut Client) -> Result<bool, Failure> {
        if !history::exists(client, self.schema)? {
            return Ok(false);
        }
        let query = format!("SELECT finished_at IS NOT NULL, logs FROM {} WHERE id = $1", history::table(self.schema));
        let Some(row) = client.query_typed_opt(&query, &[(&self.id, Type::TEXT)])? else { return Ok(false) };
        let (finished, logs): (bool, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
        Ok(match self.then {
            None => finished,
            Some(progress) => logs == Some(progress.note()),
        })
    }
}

impl Body for Migrating<'_> {
    type Done = ();
    type Stop = Stop;

    fn run(&mut self, client: &mut Client) -> Result<(), Broken<Stop>> {
        self.id = row_id().map_err(|error| Broken::Stopped(Stop::NoId(error)))?;
        check_history(client, self.schema, &self.prepared.name)?;
        record_start(client, self.prepared, self.schema, &self.id)?;
        self.hook.before(client, self.prepared).map_err(in_hook)?;
        for piece in self.prepared.pieces() {
            self.send(client, piece)?;
        }
        self.hook.after(client).map_err(in_hook)
    }

    fn finish(&mut self, client: &mut Client) -> Result<(), Broken<Stop>> {
        Ok(record_end(client, self.schema, &self.id)?)
    }

    fn is_committed(&self, client: &mut Client) -> Result<bool, Failure> {
        if !history::exists(client, self.schema)? {
            return Ok(false);
        }
        let query = format!("SELECT finished_at IS NOT NULL FROM {} WHERE id = $1", history::table(self.schema));
        let row = client.query_typed_opt(&query, &[(&self.id, Type::TEXT)])?;
        Ok(row.map(|row| row.try_get::<_, bool>(0)).transpose()? == Some(true))
    }
}

fn in_script(prepared: &Prepared, piece: &Range<usize>, failure: Failure) -> Broken<Stop> {
    let place = Place::new(prepared.line(piece, failure.position), prepared.sql(piece));
    Broken::Server { failure, place: Some(place) }
}

/// A lock or the connection may be missing in the hook as anywhere else.
fn in_hook(failure: Failure) -> Broken<Stop> {
    match failure.is_lock() || failure.is_disconnect() {
        true => failure.into(),
        false => Broken::Stopped(Stop::Uncaptured(failure)),
    }
}

/// An id for the row of one try: UUID version 4.
fn row_id() -> Result<String, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).explain(|| "the system gives no random numbers".into())?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut id = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            id.push('-');
        }
        // writing to a String does not fail
        let _ = write!(id, "{byte:02x}");
    }
    Ok(id)
}

/// Under the lock the history is final: it may have moved since it was read.
fn check_history(client: &mut Client, schema: &str, name: &str) -> Result<(), Broken<Stop>> {
    let Some(history) = History::fetch(client, schema)? else {
        return Ok(());
    };
    if history.state(name) == Some(State::Applied) {
        return Err(Broken::Stopped(Stop::Applied));
    }
    match history.rows.into_iter().find(|row| row.state() == State::Failed) {
        Some(row) => Err(Broken::Stopped(Stop::FailedBefore(row.name))),
        None => Ok(()),
    }
}

/// Writes the row that says the migration runs; creates what it needs.
fn record_start(client: &mut Client, prepared: &Prepared, schema: &str, id: &str) -> Result<(), Failure> {
    if !history::exists(client, schema)? {
        // as Prisma does on its first connection; not asked for where it exists, since that needs a privilege
        let known = "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1)";
        if !client.query_typed_one(known, &[(&schema, Type::TEXT)])?.try_get::<_, bool>(0)? {
            client.batch_execute(&format!("CREATE SCHEMA {}", quote_identifier(schema)))?;
        }
        client.batch_execute(&history::create(schema))?;
    }
    let insert = format!(
        "INSERT INTO {} (id, checksum, migration_name, started_at) VALUES ($1, $2, $3, clock_timestamp())",
        history::table(schema)
    );
    let values: [(&(dyn ToSql + Sync), Type); 3] =
        [(&id, Type::TEXT), (&prepared.checksum, Type::TEXT), (&prepared.name, Type::TEXT)];
    client.query_typed(&insert, &values)?;
    Ok(())
}

/// The row that an earlier section has left; it may have been resolved since.
fn still_there(client: &mut Client, schema: &str, id: &str) -> Result<(), Broken<Stop>> {
    let query = format!(
        "SELECT FROM {} WHERE id = $1 AND finished_at IS NULL AND rolled_back_at IS NULL FOR UPDATE",
        history::table(schema)
    );
    match client.query_typed_opt(&query, &[(&id, Type::TEXT)])? {
        Some(_) => Ok(()),
        None => Err(Broken::Stopped(Stop::Applied)),
    }
}

/// Notes how far it came.
fn record_progress(client: &mut Client, schema: &str, id: &str, progress: Progress) -> Result<(), Failure> {
    let update = format!("UPDATE {} SET logs = $2, applied_steps_count = $3 WHERE id = $1", history::table(schema));
    let steps = i32::try_from(progress.done).unwrap_or(i32::MAX);
    client.query_typed(&update, &[(&id, Type::TEXT), (&progress.note(), Type::TEXT), (&steps, Type::INT4)])?;
    Ok(())
}

/// Marks the row as finished.
fn record_end(client: &mut Client, schema: &str, id: &str) -> Result<(), Failure> {
    // every name in full: the script may have set a search path of its own
    let update = format!(
        "UPDATE {} SET finished_at = pg_catalog.clock_timestamp(), applied_steps_count = 1, logs = NULL WHERE id = $1",
        history::table(schema)
    );
    client.query_typed(&update, &[(&id, Type::TEXT)])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::row_id;

    #[test]
    fn ids_are_uuids_of_version_4() {
        let id = row_id().unwrap();
        let groups: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12]);
        assert_eq!(&id[14..15], "4");
        assert!("89ab".contains(&id[19..20]), "{id}");
        assert_ne!(id, row_id().unwrap());
    }
}
