//! One migration taken back, in one transaction: its reverse, its values, its row in Prisma's history, and the proof that the
//! database is as it was before. All of it or nothing.

use std::collections::BTreeSet;
use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use postgres::Client;
use postgres::types::Type;

use super::capsule::{self, Capsule, Rights};
use super::capture::Capture;
use super::down::{Down, Item};
use super::fallen;
use super::names;
use super::put_back::{self, PutBack, Section};
use crate::catalog::Catalog;
use crate::catalog::live::{Live, Without, differences};
use crate::database::history::{self, State};
use crate::database::{DatabaseUrl, Failure, activity, connect};
use crate::deploy::{self, Settings};
use crate::error::{Error, Explain as _, Result};
use crate::sql::{ActionKind, Atomicity, Script, StatementKind, quote_identifier, quote_literal};

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
/// How long an outcome is asked for after the connection broke at the commit.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(500);

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
                return match settled(url, request) {
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
    check_row(client, request)?;
    let transaction = transaction(client)?;
    let known = Known::before(client, request)?;
    *done = match request.row.1 {
        State::Failed => prefix(client, request, control)?,
        _ => Run::new(request).all(client, control, usize::MAX)?,
    };
    if let (State::Applied, Some((before, after))) = (request.row.1, definitions(request)) {
        let fallen = fallen::recreate(client, before, after)?;
        done.recreated = fallen.made;
        done.lost.extend(fallen.lost);
    }
    forget(client, request)?;
    done.differences = known.differences(client)?;
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

/// The history may have moved since it was read.
fn check_row(client: &mut Client, request: &Request<'_>) -> Result<(), Broken> {
    let (id, state) = request.row;
    let query = format!(
        "SELECT finished_at IS NOT NULL, rolled_back_at IS NOT NULL FROM {} WHERE id = $1 FOR UPDATE",
        history::table(request.schema)
    );
    let now = match client.query_typed_opt(&query, &[(&id, Type::TEXT)])? {
        Some(row) if row.try_get::<_, bool>(1)? => Some(State::RolledBack),
        Some(row) if row.try_get::<_, bool>(0)? => Some(State::Applied),
        Some(_) => Some(State::Failed),
        None => None,
    };
    if now == Some(state) {
        return Ok(());
    }
    Err(Error::failed(format!("the history of {} has changed meanwhile", request.migration))
        .help("look at it: prisma-safe migrate status")
        .into())
}

/// The migration is pending again for every Prisma: 7 takes a row that is marked as rolled back for none, but `migrate status`
/// of 6 calls a database up to date as long as any row names the migration. So its rows go, into a table of ours.
fn forget(client: &mut Client, request: &Request<'_>) -> Result<(), Failure> {
    let delete = format!("DELETE FROM {} WHERE migration_name = $1", history::table(request.schema));
    let migration = [(&request.migration as _, Type::TEXT)];
    if capsule::rights(client)? == Rights::Missing {
        client.query_typed(&delete, &migration)?;
        return Ok(());
    }
    let kept = capsule::prepare_history(client)?;
    let columns = "id, checksum, finished_at, migration_name, logs, rolled_back_at, started_at, applied_steps_count";
    client.query_typed(
        &format!(
            "WITH gone AS ({delete} RETURNING {columns}) INSERT INTO {kept} ({columns}, taken_back_at) \
             SELECT {columns}, pg_catalog.clock_timestamp() FROM gone"
        ),
        &migration,
    )?;
    Ok(())
}

/// What is known of the database before the migration; what has been otherwise since is no matter of the rollback's.
struct Known<'a> {
    request: &'a Request<'a>,
    compared: Compared,
    since: BTreeSet<String>,
}

impl<'a> Known<'a> {
    fn before(client: &mut Client, request: &'a Request<'a>) -> Result<Self, Failure> {
        let live = Live::read_within(client, &Without::default())?;
        let (compared, since) = match definitions(request) {
            Some((_, after)) => (Compared::Definitions, words(after, &live)),
            None => (Compared::Names, names::differences(request.replayed.1, &live)),
        };
        Ok(Self { request, compared, since })
    }

    fn differences(&self, client: &mut Client) -> Result<Vec<String>, Failure> {
        let live = Live::read_within(client, &Without::default())?;
        let now = match definitions(self.request) {
            Some((before, _)) => words(before, &live),
            None => names::differences(self.request.replayed.0, &live),
        };
        Ok(now.difference(&self.since).cloned().collect())
    }
}

fn definitions<'a>(request: &Request<'a>) -> Option<&'a (Live, Live)> {
    request.capsule?.definitions.as_ref()
}

fn words(left: &Live, right: &Live) -> BTreeSet<String> {
    differences(left, right).iter().map(ToString::to_string).collect()
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
        match Run::new(request).all(client, control, last) {
            Ok(done) => return Ok(done),
            Err(Broken::Server { failure, .. }) if !failure.is_lock() && !failure.is_disconnect() => {
                client.batch_execute("ROLLBACK TO SAVEPOINT prisma_safe_prefix")?;
            }
            Err(broken) => return Err(broken),
        }
    }
    Ok(RolledBack::default())
}

/// The reverse as it runs.
struct Run<'a> {
    request: &'a Request<'a>,
    section: Section,
    done: RolledBack,
    /// The captures that are put back, by their place in the capsule, and their reports' places.
    placed: Vec<(usize, usize)>,
}

impl<'a> Run<'a> {
    fn new(request: &'a Request<'a>) -> Self {
        Self { request, section: Section::default(), done: RolledBack::default(), placed: Vec::new() }
    }

    /// Takes back the statements up to `last`.
    fn all(mut self, client: &mut Client, control: &BTreeSet<usize>, last: usize) -> Result<RolledBack, Broken> {
        let mut number = 0;
        for item in &self.request.down.items {
            match item {
                Item::Reverse(of) => {
                    number = *of;
                    self.section = Section::default();
                }
                _ if number > last => {}
                Item::PutBack(of) => self.put_back(client, *of)?,
                Item::Sql { line, .. } if control.contains(line) => {}
                Item::Sql { sql, line } => self.sql(client, sql, *line)?,
            }
        }
        // a mark that somebody has taken out
        let statements: BTreeSet<usize> = self.captures().map(|(_, capture)| capture.statement).collect();
        for statement in statements.into_iter().rev() {
            self.put_back(client, statement)?;
        }
        self.give_rights(client)?;
        Ok(self.done)
    }

    fn captures(&self) -> impl Iterator<Item = (usize, &'a Capture)> + use<'a> {
        self.request.capsule.into_iter().flat_map(|capsule| capsule.captures.iter().enumerate())
    }

    fn put_back(&mut self, client: &mut Client, statement: usize) -> Result<(), Broken> {
        let mut own: Vec<_> = self.captures().filter(|(_, capture)| capture.statement == statement).collect();
        own.reverse();
        for (at, capture) in own {
            if self.placed.iter().any(|(placed, _)| *placed == at) {
                continue;
            }
            let report = put_back::put_back(client, capture, &self.section)?;
            self.placed.push((at, self.done.put_back.len()));
            self.done.put_back.push(report);
        }
        Ok(())
    }

    /// A table that is made anew belongs to whom it belonged, and may be used by whom it was used. Last: afterwards we may have
    /// no say in it.
    fn give_rights(&mut self, client: &mut Client) -> Result<(), Failure> {
        let placed = self.captures().filter(|(at, _)| self.placed.iter().any(|(placed, _)| placed == at));
        let rights: Vec<&String> = placed.flat_map(|(_, capture)| &capture.rights).collect();
        for right in rights {
            if !fallen::attempt(client, right)? {
                self.done.lost.push(right.clone());
            }
        }
        Ok(())
    }

    fn sql(&mut self, client: &mut Client, sql: &str, line: usize) -> Result<(), Broken> {
        let script = Script::parse(sql);
        let kinds = script.statements().iter().map(|statement| &statement.kind);
        let actions: Vec<(String, &ActionKind)> = kinds
            .flat_map(|kind| match kind {
                StatementKind::AlterTable { table, actions, .. } => {
                    let name = table.schema.iter().chain([&table.name]);
                    let name = name.map(|part| quote_identifier(part)).collect::<Vec<_>>().join(".");
                    actions.iter().map(|action| (name.clone(), &action.kind)).collect::<Vec<_>>()
                }
                _ => Vec::new(),
            })
            .collect();
        for (table, action) in &actions {
            if let ActionKind::SetNotNull { column } = action {
                self.fill(client, table, column)?;
            }
        }
        let foreign = actions.iter().any(|(_, action)| matches!(action, ActionKind::AddConstraint(_)));
        if foreign {
            client.batch_execute("SAVEPOINT prisma_safe_key")?;
        }
        let mut result = client.batch_execute(sql).map_err(Failure::from);
        if foreign && result.as_ref().is_err_and(is_orphan) {
            client.batch_execute("ROLLBACK TO SAVEPOINT prisma_safe_key")?;
            self.release(client, sql)?;
            result = client.batch_execute(sql).map_err(Failure::from);
        }
        result.map_err(|failure| Broken::Server { failure, place: Some((line, shortened(sql))) })?;
        self.section.push(sql);
        self.done.statements += 1;
        Ok(())
    }

    /// Values whose partner is gone cannot stay.
    fn release(&mut self, client: &mut Client, sql: &str) -> Result<(), Broken> {
        let captures: Vec<_> = self.captures().collect();
        let placed: Vec<_> =
            self.placed.iter().filter_map(|(at, report)| Some((captures.get(*at)?.1, *report))).collect();
        let own: Vec<_> = placed.iter().map(|(capture, _)| *capture).collect();
        for (at, rows) in put_back::release_orphans(client, sql, self.request.schema, &own)? {
            if let Some(report) = placed.get(at).and_then(|(_, report)| self.done.put_back.get_mut(*report)) {
                report.orphaned += rows;
                report.restored = report.restored.saturating_sub(rows);
            }
        }
        Ok(())
    }

    /// Rows that were written since have no value for a column that is required again.
    fn fill(&mut self, client: &mut Client, table: &str, column: &str) -> Result<(), Broken> {
        let quoted = quote_identifier(column);
        let ask = format!("SELECT count(*) FROM {table} WHERE {quoted} IS NULL");
        let rows: i64 = client.query_typed_one(&ask, &[])?.try_get(0)?;
        if rows == 0 {
            return Ok(());
        }
        let plain = table.rsplit_once('.').map_or(table, |(_, name)| name).trim_matches('"').replace("\"\"", "\"");
        let given = self.request.fills.iter().find(|fill| fill.table == plain && fill.column == column);
        let Some(fill) = given else {
            let were = if rows == 1 { "row has" } else { "rows have" };
            let whose =
                if self.request.capsule.is_some() { "written since the migration" } else { "without a kept value" };
            return Err(Error::decision(format!(
                "{rows} {were} no value for {plain}.{column}, which is required again ({whose})"
            ))
            .help(format!("nothing has changed; give them one: --fill '{plain}.{column}=VALUE'"))
            .into());
        };
        // the literal takes the column's type
        let update = format!("UPDATE {table} SET {quoted} = {} WHERE {quoted} IS NULL", quote_literal(&fill.value));
        client.batch_execute(&update)?;
        self.done.filled.push((format!("{plain}.{column}"), rows.unsigned_abs()));
        Ok(())
    }
}

fn is_orphan(failure: &Failure) -> bool {
    failure.code.as_ref().is_some_and(|code| *code == postgres::error::SqlState::FOREIGN_KEY_VIOLATION)
}

fn shortened(sql: &str) -> String {
    const SHOWN: usize = 100;
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    console::truncate_str(&line, SHOWN, "…").into_owned()
}

/// Whether a rollback whose commit was cut has happened: asked on a new connection, until the lost one has ended.
fn settled(url: &DatabaseUrl, request: &Request<'_>) -> Result<bool> {
    let until = Instant::now() + PATIENCE;
    loop {
        match look(url, request) {
            Ok(Some(done)) => return Ok(done),
            Err(error) if Instant::now() >= until => return Err(error),
            Ok(None) if Instant::now() >= until => {
                return Err(Error::failed("the transaction of the rollback still hangs on the server"));
            }
            _ => thread::sleep(POLL),
        }
    }
}

/// `None` while the lost transaction runs: it holds Prisma's lock.
fn look(url: &DatabaseUrl, request: &Request<'_>) -> Result<Option<bool>> {
    let mut client = connect(url, APPLICATION_NAME)?;
    let mut ask = || -> Result<Option<bool>, Failure> {
        if !deploy::try_lock(&mut client)? {
            return Ok(None);
        }
        let query = format!("SELECT FROM {} WHERE id = $1", history::table(request.schema));
        Ok(Some(client.query_typed_opt(&query, &[(&request.row.0, Type::TEXT)])?.is_none()))
    };
    ask().explain(|| "could not find out what became of the rollback".into())
}
