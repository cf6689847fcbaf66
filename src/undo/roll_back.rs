//! One migration taken back, in one transaction: its reverse, its values, its row in Prisma's history, and the proof that the
//! database is as it was before. All of it or nothing.

mod comparison;
mod outcome;
mod row;
mod run;

use std::collections::BTreeSet;
use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use postgres::Client;

use self::comparison::Known;
use self::run::Run;
use super::capsule::Capsule;
use super::down::{Down, Item};
use super::objects::Objects;
use super::put_back::PutBack;
use crate::catalog::Catalog;
use crate::database::history::State;
use crate::database::{DatabaseUrl, Failure, activity, connect};
use crate::deploy::{self, Settings};
use crate::error::{Error, Result};
use crate::sql::{Atomicity, Script};

/// What is taken back, and how.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The migration's directory name.
    pub migration: &'a str,
    /// Its row in the history: the id, and whether it is applied or failed.
    pub row: (&'a str, State),
    /// The schema that unqualified names mean, and that has the history.
    pub schema: &'a str,
    /// Its reverse.
    pub down: &'a Down,
    /// What it destroyed, if that was kept.
    pub capsule: Option<&'a Capsule>,
    /// What the migrations before it build, and what they build together with it.
    pub replayed: (&'a Catalog, &'a Catalog),
    /// Values for required columns of rows that were written since.
    pub fills: &'a [Fill],
    /// Differences to the database before the migration are told, and do not stop it.
    pub accept_differences: bool,
    /// Everything is tried, and nothing kept.
    pub dry: bool,
}

/// `--fill Song.artist=unknown`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fill {
    pub table: String,
    pub column: String,
    pub value: String,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RolledBack {
    /// Statements of the reverse that ran.
    pub statements: usize,
    pub put_back: Vec<PutBack>,
    /// Rows that were given a value of [`Fill`]: column, rows.
    pub filled: Vec<(String, u64)>,
    /// What fell with the migration and was made again: `view public.songs`.
    pub recreated: Vec<String>,
    /// What does not come back with it, a sentence each.
    pub lost: Vec<String>,
    /// How the database differs from the one before the migration, where that was accepted.
    pub differences: Vec<String>,
    /// What it was compared with.
    pub compared: Compared,
    pub took: Duration,
}

/// What the result was compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compared {
    /// The definitions that were read just before the migration.
    Definitions,
    /// The names of what the migrations before it build.
    #[default]
    Names,
}

/// What the session of a rollback calls itself.
pub const APPLICATION_NAME: &str = "prisma-safe rollback";

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Definitions => "every definition is as it was before the migration",
            Self::Names => {
                "tables, columns, constraints, indexes and enums are those of the migrations before it, by name"
            }
        })
    }
}

/// The first pause before it is tried again; each later one is twice as long.
const PAUSE: Duration = Duration::from_secs(1);
/// Why a try ended; nothing of it remains.
enum Broken {
    Server { failure: Failure, place: Option<(usize, String)> },
    AtCommit(Failure),
    Told(Error),
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self::Server { failure, place: None }
    }
}

impl From<postgres::Error> for Broken {
    fn from(error: postgres::Error) -> Self {
        Failure::from(error).into()
    }
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self::Told(error)
    }
}

/// Takes one migration back. Locks are waited for as a deploy waits, and everything is tried again when one was not free.
///
/// # Errors
/// Exit status 1 if the server refuses it or the result is not the database before; 4 if rows written since need a value.
/// Nothing has changed then, unless the connection broke at the very commit and the server stays out of reach: the error
/// says so.
pub fn roll_back_on(url: &DatabaseUrl, request: &Request<'_>, settings: &Settings) -> Result<RolledBack> {
    let script = Script::parse(request.down.text.as_str());
    let control = match script.atomicity() {
        Atomicity::Transaction => Vec::new(),
        Atomicity::OwnTransaction { control } => control,
        Atomicity::Alone { why, range } => {
            let line = script.position(range.start).line;
            return Err(Error::usage(format!("down.sql line {line}: {why}"))
                .help("a rollback is one transaction: leave CONCURRENTLY and the like out of down.sql"));
        }
    };
    let control: BTreeSet<usize> = control.iter().map(|range| script.position(range.start).line).collect();
    let mut client = connect(url, APPLICATION_NAME)?;
    let start = Instant::now();
    let mut pause = PAUSE;
    for tried in 0.. {
        let mut found = RolledBack::default();
        let broken = match attempt(&mut client, request, settings, &control, &mut found) {
            Ok(()) => return Ok(RolledBack { took: start.elapsed(), ..found }),
            Err(broken) => broken,
        };
        // after a cut connection the server does it by itself
        let _ = client.batch_execute("ROLLBACK");
        match broken {
            Broken::AtCommit(failure) if failure.is_disconnect() => {
                return match outcome::settled(url, request) {
                    Ok(true) => Ok(RolledBack { took: start.elapsed(), ..found }),
                    Ok(false) => Err(told(failure.into(), request)),
                    Err(_) => Err(told(Broken::AtCommit(failure), request)),
                };
            }
            Broken::Server { failure, .. } if failure.is_lock() && tried < settings.lock_retries => {
                thread::sleep(pause);
                pause = pause.saturating_mul(2);
            }
            broken => return Err(told(broken, request)),
        }
    }
    Err(Error::failed("the rollback was tried too often"))
}

fn told(broken: Broken, request: &Request<'_>) -> Error {
    let name = request.migration;
    match broken {
        Broken::Told(error) => error,
        Broken::AtCommit(failure) => {
            Error::failed(format!("the connection broke while the rollback of {name} was committed")).because(failure).help(
                "`prisma-safe migrate status` tells whether it is pending again; if not, nothing has changed: roll back again",
            )
        }
        Broken::Server { failure, place } => {
            let at = place.map_or_else(String::new, |(line, sql)| format!(" at down.sql line {line}: {sql}"));
            let locked = failure.is_lock();
            let error = Error::failed(format!("{name} was not rolled back{at}")).because(failure);
            error.help(if locked {
                "nothing has changed; another session holds the table: wait for it, then roll back again"
            } else {
                "nothing has changed; correct down.sql, or restore the backup: prisma-safe restore"
            })
        }
    }
}

/// One try, committed at its end.
fn attempt(
    client: &mut Client,
    request: &Request<'_>,
    settings: &Settings,
    control: &BTreeSet<usize>,
    done: &mut RolledBack,
) -> Result<(), Broken> {
    let version = "SELECT current_setting('server_version_num')::int";
    let version: i32 = client.query_typed_one(version, &[])?.try_get(0)?;
    deploy::begin(client, version, request.schema, settings)?;
    if !deploy::try_lock(client)? {
        let holders = activity::lock_holders(client, activity::PRISMA_LOCK)?;
        return Err(Error::failed("a migration is being applied to this database")
            .because(activity::list(&holders))
            .help("wait for it to end, then roll back again")
            .into());
    }
    row::check(client, request)?;
    let transaction = transaction(client)?;
    let known = Known::before(client, request)?;
    *done = match (request.row.1, comparison::definitions(request)) {
        (State::Failed, _) => prefix(client, request, control)?,
        (_, definitions) => {
            let objects = definitions.map(|definitions| Objects::new(client, definitions)).transpose()?;
            Run::new(request, objects).all(client, control, usize::MAX)?
        }
    };
    row::forget(client, request)?;
    done.differences.extend(known.differences(client)?);
    done.compared = known.compared;
    if !done.differences.is_empty() && !request.accept_differences {
        return Err(Error::failed(format!("without {} the database would not be as before", request.migration))
            .because(done.differences.join("\n"))
            .help("nothing has changed; correct down.sql, or take it so: --accept-differences")
            .into());
    }
    if self::transaction(client)? != transaction {
        return Err(Error::failed("down.sql has ended the transaction by itself").into());
    }
    let end = if request.dry { "ROLLBACK" } else { "COMMIT" };
    client.batch_execute(end).map_err(|error| Broken::AtCommit(error.into()))
}

fn transaction(client: &mut Client) -> Result<i64, Failure> {
    Ok(client.query_typed_one("SELECT pg_catalog.txid_current()", &[])?.try_get(0)?)
}

/// A migration that failed outside of a transaction has run up to some statement. The longest reverse that the server takes is
/// the right one: what was not made cannot be dropped.
fn prefix(client: &mut Client, request: &Request<'_>, control: &BTreeSet<usize>) -> Result<RolledBack, Broken> {
    let mut numbers: Vec<usize> = request
        .down
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Reverse(number) => Some(*number),
            _ => None,
        })
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    for last in numbers.into_iter().rev() {
        client.batch_execute("SAVEPOINT prisma_safe_prefix")?;
        match Run::new(request, None).all(client, control, last) {
            Ok(done) => return Ok(done),
            Err(Broken::Server { failure, .. }) if !failure.is_lock() && !failure.is_disconnect() => {
                client.batch_execute("ROLLBACK TO SAVEPOINT prisma_safe_prefix")?;
            }
            Err(broken) => return Err(broken),
        }
    }
    Ok(RolledBack::default())
}
