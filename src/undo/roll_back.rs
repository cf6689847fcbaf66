//! One migration rolled back, in one transaction: its reverse, its values, its row in Prisma's history, and the proof that the
//! database is as it was before. All of it or nothing.

mod body;
mod comparison;
mod convert;
mod refusal;
mod row;
mod run;

use std::fmt;
use std::time::Duration;

use self::body::{RollingBack, Stop, script_control};
use super::capsule::Capsule;
use super::down::Down;
use super::put_back::PutBack;
use crate::catalog::Catalog;
use crate::database::Session;
use crate::database::activity::list;
use crate::database::history::State;
use crate::error::{Error, Result};
use crate::transaction::{Committed, Failed, Place, Runner, blocked_by, or_end};

/// What is rolled back, and how.
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
    /// Differences to the database before the migration are reported, and do not stop it.
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
    /// How many tries it needed.
    pub tries: u32,
    /// Sessions that were in the way, idle in a transaction, and were ended (`deploy.end-idle-in-transaction-seconds`).
    pub ended: Vec<Session>,
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

/// Rolls one migration back, as patient as the runner is: it waits for locks as a deploy does, and tries again when one was not
/// free.
///
/// # Errors
/// Exit status 1 if the server refuses it or the result is not the database before; 4 if rows written since need a value; 130
/// after Ctrl-C. Nothing has changed then, unless the connection broke at the very commit and the server stays out of reach: the
/// error says so.
pub fn roll_back_on(runner: &mut Runner, request: &Request<'_>) -> Result<RolledBack> {
    let mut done = roll_back_all_on(runner, std::slice::from_ref(request))?;
    done.pop().ok_or_else(|| Error::failed("nothing was rolled back"))
}

/// The same for several migrations, newest first, in one transaction: where one of them cannot be rolled back, none is.
///
/// # Errors
/// Those of [`roll_back_on`].
pub fn roll_back_all_on(runner: &mut Runner, requests: &[Request<'_>]) -> Result<Vec<RolledBack>> {
    let controls = requests.iter().map(|request| script_control(request.down)).collect::<Result<Vec<_>>>()?;
    let mut body = RollingBack { requests, controls: &controls, at: 0 };
    let result = runner.run(&mut body);
    let at = body.at;
    let Committed { done, took, tries, ended } = result.map_err(|failed| told(failed, requests, at))?;
    let mut ended = Some(ended);
    let with = |done| RolledBack { took, tries, ended: ended.take().unwrap_or_default(), ..done };
    Ok(done.into_iter().map(with).collect())
}

fn at(place: Option<&Place>) -> String {
    place.map_or_else(String::new, |place| format!(" at down.sql line {}: {}", place.line, place.statement))
}

/// Why it was not rolled back, and what to do.
fn told(failed: Failed<Stop>, requests: &[Request<'_>], at_request: usize) -> Error {
    const NOTHING: &str = "nothing has changed";
    let name = requests.get(at_request).map_or("the migration", |request| request.migration);
    let not = |why: &str| Error::failed(format!("{name} was not rolled back{why}"));
    match failed {
        Failed::Stopped(Stop(error)) | Failed::Unconnected(error) => error,
        Failed::Interrupted => Error::cancelled(),
        Failed::Refused { place, failure } => not(&at(place.as_ref()))
            .because(failure)
            .help(format!("{NOTHING}; correct down.sql, or restore the backup: prisma-safe restore")),
        Failed::Locked { place, failure, blockers, tries, waited } => {
            let tried = if tries == 1 { "once".into() } else { format!("{tries} times") };
            let seconds = waited.as_secs_f64();
            not(&format!(": tried {tried} in {seconds:.0} s, a lock was not free{}", at(place.as_ref())))
                .because(format!("{failure}\n{}", blocked_by(&blockers)))
                .help(format!(
                    "{NOTHING}; roll back again when these sessions are done{}; more patience: \
                     deploy.lock-timeout-seconds and deploy.lock-retries in prisma-safe.toml",
                    or_end(&blockers)
                ))
        }
        Failed::CatalogChanged { blockers } => not(": someone changed the schema while it waited for a lock")
            .because(blocked_by(&blockers))
            .help(format!("{NOTHING}; look at what was changed, then roll back again")),
        Failed::Busy { holders } => not(": a migration is being applied to this database")
            .because(format!("Prisma's lock is held by\n{}", list(&holders)))
            .help(format!("{NOTHING}; wait for it, then roll back again{}", or_end(&holders))),
        Failed::Cut { failure } => not(": the connection was cut")
            .because(failure)
            .help(format!("{NOTHING}: the database has undone everything; roll back again")),
        Failed::Unknown { failure } => {
            Error::failed(format!("the connection broke while the rollback of {name} was committed")).because(failure).help(
                "`prisma-safe migrate status` tells whether it is pending again; if not, nothing has changed: roll back again",
            )
        }
        Failed::Torn => Error::failed(format!("down.sql ended the transaction of the rollback of {name} by itself"))
            .help("parts of it stay in the database: look at what is there, and finish or undo it by hand"),
    }
}
