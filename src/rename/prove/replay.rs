//! The proof on a server: draft and rewrite run on a scratch PostgreSQL, and must end in equal catalogs, names of
//! constraints, indexes and sequences included; rows made for it must hold their values through the rewrite.
//!
//! The server listens on this machine only; it and its files are gone afterwards, also after `kill -9`. Nothing of the
//! target is read, so nothing of it is here.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use postgres::Client;
use postgres::error::SqlState;

use super::live::kept;
use super::rows::Tables;
use super::stage::{Scratch, Stage};
use super::values::Rows;
use super::verdict::{Replay, Verdict};
use crate::catalog::live::{Live, Without, differences};
use crate::database::Failure;
use crate::error::{Error, Explain as _, Result};
use crate::project::Migration;
use crate::rename::rewrite::Moves;
use crate::rename::scene::Scene;
use crate::rename::{Draft, Rewrite};
use crate::sql::{Atomicity, Script, quote_identifier};

/// The migrations before the draft, all together, may take this long.
const PATIENCE: Duration = Duration::from_secs(60);
/// One statement may take this long: something else is wrong then.
const STATEMENT_TIMEOUT: &str = "30s";

/// A proof that has begun: the history is built, and the draft has run on it. None of that needs a rewrite, so it can go on
/// while renames are decided.
#[derive(Debug)]
pub struct Begun<'a> {
    stage: Stage<'a>,
    drafted: Drafted,
    took: Duration,
}

/// Runs `earlier`, then the draft in a copy of what that builds. Once nobody waits for it (`given_up`), it ends at the next
/// migration.
///
/// # Errors
/// What is in the way: no server, an extension it lacks, a history that does not run on an empty database.
pub fn begin<'a>(
    draft: &Draft<'_>,
    earlier: &[Migration],
    scratch: &Scratch<'a>,
    given_up: &AtomicBool,
) -> Result<Begun<'a>> {
    let start = Instant::now();
    let stage = Stage::start(scratch)?;
    let drafted = Drafted::run(&stage, draft, earlier, given_up)?;
    Ok(Begun { stage, drafted, took: start.elapsed() })
}

impl Begun<'_> {
    /// Runs the rewrite in two more copies, one of them with rows, and compares.
    pub fn finish(&self, draft: &Draft<'_>, rewrite: &Rewrite) -> Replay {
        let replay = self.drafted.finish(&self.stage, draft, rewrite);
        Replay { took: self.took + replay.took, ..replay }
    }
}

/// Proves one rewrite on a server.
pub(super) fn prove_on(stage: &Stage<'_>, draft: &Draft<'_>, earlier: &[Migration], rewrite: &Rewrite) -> Replay {
    let start = Instant::now();
    let replay = match Drafted::run(stage, draft, earlier, &AtomicBool::new(false)) {
        Ok(drafted) => drafted.finish(stage, draft, rewrite),
        Err(error) => unproved(&error),
    };
    Replay { took: start.elapsed(), ..replay }
}

/// The history before a draft on a server, and what the draft makes of it.
#[derive(Debug)]
struct Drafted {
    /// Where the history is built.
    database: String,
    before: Live,
    columns: Tables,
    /// What the draft ends in, or why it does not run.
    reached: Result<Live, Failure>,
    version: String,
}

impl Drafted {
    fn run(stage: &Stage<'_>, draft: &Draft<'_>, earlier: &[Migration], given_up: &AtomicBool) -> Result<Self> {
        let database = stage.database(None)?;
        let place = Place { stage, database: &database, schema: &draft.before.default_schema };
        let mut client = place.connect(&database)?;
        build(&mut client, earlier, given_up)?;
        let before = within(&mut client, &mut live)?;
        let (columns, version) = (Tables::read(&mut client).explain(unread)?, version(&mut client)?);
        drop(client);
        let reached = place.aside(draft.script, &mut live)?;
        Ok(Self { database, before, columns, reached, version })
    }

    fn finish(&self, stage: &Stage<'_>, draft: &Draft<'_>, rewrite: &Rewrite) -> Replay {
        let start = Instant::now();
        let place = Place { stage, database: &self.database, schema: &draft.before.default_schema };
        let replay = self.compare(&place, draft, rewrite).unwrap_or_else(|error| unproved(&error));
        Replay { took: start.elapsed(), ..replay }
    }

    /// The error is why nothing could be compared.
    fn compare(&self, place: &Place<'_>, draft: &Draft<'_>, rewrite: &Rewrite) -> Result<Replay> {
        let server = self.version.clone();
        let rewritten = place
            .aside(rewrite.text.script(), &mut |client| Ok((live(client)?, Tables::read(client).explain(unread)?)))?;
        let reached = match rewritten {
            Ok(reached) => reached,
            Err(failure) => {
                let catalog = Verdict::Different(vec![format!("the rewrite does not run on empty tables: {failure}")]);
                return Ok(Replay { catalog, server, ..Replay::not_done("the rewrite does not run") });
            }
        };
        let mut notes = Vec::new();
        let catalog = match &self.reached {
            // it drops what a view needs, say: then only the rewrite can be run
            Err(failure) => Verdict::NotDone(format!("the draft does not run on empty tables: {failure}")),
            Ok(drafted) => {
                let (kept, differ) = kept(differences(drafted, &reached.0), &self.before, rewrite);
                notes.extend(kept);
                Verdict::of(differ)
            }
        };
        let moves = Moves::new(&Scene::new(draft), &rewrite.renames);
        let rows = Rows { moves: &moves, before: &self.columns, after: &reached.1 };
        let mut client = place.connect(&self.database)?;
        let values = rows.compare(&mut client, rewrite.text.script(), &mut |client| run(client, &rewrite.text));
        notes.extend(values.without);
        Ok(Replay { catalog, values: values.verdict, rows: values.rows, notes, server, took: Duration::ZERO })
    }
}

/// Nothing could be compared.
pub fn unproved(error: &Error) -> Replay {
    Replay::not_done(one_line(error))
}

/// Where scripts run on what the history has built.
struct Place<'a> {
    stage: &'a Stage<'a>,
    database: &'a str,
    schema: &'a str,
}

impl Place<'_> {
    /// Runs a script on what the history has built, looks, and leaves everything as it was; or the server's refusal.
    fn aside<T>(&self, script: &Script, look: &mut dyn FnMut(&mut Client) -> Result<T>) -> Result<Result<T, Failure>> {
        let sql = script.text();
        let control = match script.atomicity() {
            Atomicity::Transaction => Vec::new(),
            Atomicity::OwnTransaction { control } => control,
            Atomicity::Alone { .. } => {
                let copy = self.stage.database(Some(self.database))?;
                let mut client = self.connect(&copy)?;
                return match run(&mut client, sql) {
                    Ok(()) => within(&mut client, look).map(Ok),
                    Err(failure) => Ok(Err(failure)),
                };
            }
        };
        let mut text = sql.to_owned();
        for range in control {
            let blank = " ".repeat(range.len());
            text.replace_range(range, &blank);
        }
        let mut client = self.connect(self.database)?;
        if let Err(failure) = with_roles(&mut client, &format!("BEGIN;\n{text}")) {
            return Ok(Err(failure));
        }
        let seen = look(&mut client)?;
        client.batch_execute("ROLLBACK").map_err(Failure::from).explain(unread)?;
        Ok(Ok(seen))
    }

    fn connect(&self, database: &str) -> Result<Client> {
        let mut client = self.stage.connect(database)?;
        let schema = quote_identifier(self.schema);
        let prepare = format!(
            "SET client_min_messages = error; SET statement_timeout = '{STATEMENT_TIMEOUT}'; \
             CREATE SCHEMA IF NOT EXISTS {schema}; SET search_path = {schema}"
        );
        client
            .batch_execute(&prepare)
            .map_err(Failure::from)
            .explain(|| "could not prepare a database on the scratch server".into())?;
        Ok(client)
    }
}

/// Runs the history before a draft.
fn build(client: &mut Client, earlier: &[Migration], given_up: &AtomicBool) -> Result<()> {
    let start = Instant::now();
    for migration in earlier {
        if given_up.load(Ordering::Relaxed) {
            return Err(Error::failed("nothing is rewritten"));
        }
        if start.elapsed() > PATIENCE {
            return Err(Error::failed(format!("the migrations before it run longer than {} s", PATIENCE.as_secs())));
        }
        run(client, &migration.sql)
            .explain(|| format!("{} does not run on an empty scratch server", migration.name))?;
    }
    Ok(())
}

/// Looks from within a transaction, as reading a catalog must.
fn within<T>(client: &mut Client, look: &mut dyn FnMut(&mut Client) -> Result<T>) -> Result<T> {
    client.batch_execute("BEGIN").map_err(Failure::from).explain(unread)?;
    let seen = look(client)?;
    client.batch_execute("ROLLBACK").map_err(Failure::from).explain(unread)?;
    Ok(seen)
}

fn unread() -> String {
    "the scratch database could not be read".into()
}

fn live(client: &mut Client) -> Result<Live> {
    Live::read_within(client, &Without::default()).explain(unread)
}

/// `15.18`
fn version(client: &mut Client) -> Result<String> {
    let shown = client.query_typed_one("SHOW server_version", &[]).and_then(|row| row.try_get::<_, String>(0));
    let shown = shown.map_err(Failure::from).explain(|| "the scratch server does not tell its version".into())?;
    Ok(shown.split(' ').next().unwrap_or_default().to_owned())
}

/// Runs a migration, as a whole where that is possible. Roles that it grants to are made: a scratch server has none.
fn run(client: &mut Client, sql: &str) -> Result<(), Failure> {
    let Err(failure) = with_roles(client, sql) else { return Ok(()) };
    let script = Script::parse(sql);
    if !script.errors().is_empty() || !matches!(script.atomicity(), Atomicity::Alone { .. }) {
        return Err(failure);
    }
    // what of it cannot run in a transaction has failed before anything was done
    for statement in script.statements() {
        with_roles(client, &sql[statement.range.clone()])?;
    }
    Ok(())
}

fn with_roles(client: &mut Client, sql: &str) -> Result<(), Failure> {
    let mut made: Option<String> = None;
    loop {
        let Err(error) = client.batch_execute(sql) else { return Ok(()) };
        let failure = Failure::from(error);
        // a script's own BEGIN would keep the session in a failed transaction
        client.batch_execute("ROLLBACK")?;
        match missing_role(&failure).filter(|role| made.as_ref() != Some(role)) {
            Some(role) => {
                client.batch_execute(&format!("CREATE ROLE {}", quote_identifier(&role)))?;
                made = Some(role);
            }
            None => return Err(failure),
        }
    }
}

fn missing_role(failure: &Failure) -> Option<String> {
    let name = failure.message.strip_prefix("role \"")?.strip_suffix("\" does not exist")?;
    (failure.code == Some(SqlState::UNDEFINED_OBJECT)).then(|| name.to_owned())
}

fn one_line(error: &Error) -> String {
    let causes = error.causes();
    let cause = causes.first().map(|cause| format!(": {}", cause.lines().next().unwrap_or_default()));
    format!("{error}{}", cause.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_done_differs_in_nothing_and_is_not_equal() {
        let replay = Replay::not_done("no server");
        assert!(replay.holds());
        assert_ne!(replay.catalog, Verdict::Equal);
    }
}
