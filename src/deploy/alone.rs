//! Migrations that cannot run in a transaction go through Prisma's engine, one at a time, with our patience in the
//! connection's start-up options. Afterwards the database itself says what became of them.

pub(super) mod leftovers;

use std::time::Duration;

use postgres::Client;
use postgres::types::Type;

use self::leftovers::Leftovers;
use super::{APPLICATION_NAME, Settings};
use crate::database::health::{Blemish, Health, drop_index};
use crate::database::history::{self, Row, State};
use crate::database::{DatabaseUrl, Failure, Fingerprint, History, connect};
use crate::engine::{DeployRequest, Engine};
use crate::error::{Error, Explain as _, Result};
use crate::guard::Pass;
use crate::sql::Script;
use crate::transaction::{Seen, Watch, Watched, blocked_by, jitter, milliseconds, pause_after, retry_words};
use crate::ui::Shell;
use crate::wait::sleep;

/// `CONCURRENTLY` waits for every older transaction while it blocks nothing, and what it has built is lost when it gives up:
/// it is given at least this long.
const CONCURRENT_LOCK_TIMEOUT: Duration = Duration::from_secs(120);
/// What the engine's session calls itself: it travels in the options, which take no space.
const ENGINE_NAME: &str = "prisma-safe-engine";

/// Lock and statement timeout of Prisma's engine, in milliseconds.
fn limits(settings: &Settings, concurrently: bool) -> (i32, i32) {
    let (lock, statement) = match concurrently {
        true => (settings.lock_timeout.max(CONCURRENT_LOCK_TIMEOUT), Duration::ZERO),
        false => (settings.lock_timeout, settings.statement_timeout),
    };
    // no limit stays none
    let lock = if settings.lock_timeout.is_zero() { Duration::ZERO } else { lock };
    (milliseconds(lock), milliseconds(statement))
}

/// The URL for Prisma's engine: lock and statement timeouts as start-up options. A pooler drops or refuses them, so it must
/// be the direct URL.
pub fn engine_url(url: &DatabaseUrl, settings: &Settings, concurrently: bool) -> DatabaseUrl {
    let (lock, statement) = limits(settings, concurrently);
    url.with_options(&format!(
        "-c lock_timeout={lock} -c statement_timeout={statement} -c application_name={ENGINE_NAME}"
    ))
}

/// Whether the limits arrive, asked on a connection like the engine's own.
///
/// # Errors
/// Exit status 3 if they do not: the engine would wait without end, and everyone behind it.
pub fn demand_limits(url: &DatabaseUrl, settings: &Settings, concurrently: bool) -> Result<()> {
    const ASK: &str = "SELECT name::text, setting::text FROM pg_catalog.pg_settings WHERE name IN ('lock_timeout', 'statement_timeout') ORDER BY 1";
    let refused = || {
        Error::refused("the timeouts do not reach the server, so Prisma's engine would wait there without end")
            .help("a pooler drops or refuses start-up options: use the direct URL")
    };
    let mut twin = connect(&engine_url(url, settings, concurrently), APPLICATION_NAME)
        .map_err(|error| refused().because(error))?;
    let (lock, statement) = limits(settings, concurrently);
    let mut arrived = Vec::new();
    for row in twin.query_typed(ASK, &[]).map_err(Failure::from).explain(|| "could not ask for the timeouts".into())? {
        let value: String =
            row.try_get(1).map_err(Failure::from).explain(|| "could not ask for the timeouts".into())?;
        arrived.push(value);
    }
    let wanted = [lock.to_string(), statement.to_string()];
    if arrived == wanted {
        return Ok(());
    }
    Err(refused().because(format!(
        "asked for {} ms, the server has {} ms",
        wanted.join(" and "),
        arrived.join(" and ")
    )))
}

/// A migration that goes to Prisma's engine.
#[derive(Debug, Clone, Copy)]
pub struct Alone<'a> {
    /// The target.
    pub url: &'a DatabaseUrl,
    /// How patient to be.
    pub settings: &'a Settings,
    /// The deploy it belongs to.
    pub request: &'a DeployRequest,
    /// The directory's name.
    pub name: &'a str,
    /// Its text.
    pub script: &'a Script,
    /// Where is said why it waits.
    pub shell: &'a Shell,
    /// Lets the engine through the guard of the database.
    pub pass: &'a Pass,
}

impl Alone<'_> {
    /// Lets Prisma's engine apply it, and asks the database afterwards. Where only a lock was missing and nothing of it
    /// remains, it is tried again. Gives how many tries it needed.
    ///
    /// # Errors
    /// Exit status 1 unless it is applied and sound; 3 if the timeouts do not arrive.
    pub fn apply(&self, client: &mut Client, engine: &mut Engine<'_>) -> Result<u32> {
        let concurrently = self.script.works_concurrently();
        demand_limits(self.url, self.settings, concurrently)?;
        let leftovers = Leftovers::of(self.script, &self.url.schema());
        self.sweep(&leftovers, client)?;
        let fingerprint = self.fingerprint(client)?;
        let mut watch = Watch::open(self.url, *self.settings);
        let mut tries = 0;
        let result = loop {
            tries += 1;
            engine.redirect(&engine_url(&self.pass.engine_url(self.url)?, self.settings, concurrently))?;
            let before = Before::take(client)?;
            let interrupt = engine.interrupt();
            let mut work = || self.request.apply_up_to(self.name, engine);
            let (answer, seen) = match &mut watch {
                Some(watch) => watch.during(Watched::Application(ENGINE_NAME), &interrupt, work),
                None => (work(), Seen::default()),
            };
            let cause = answer?.err();
            let outcome = match before.outcome(client, &self.url.schema(), self.name)? {
                // `IF NOT EXISTS` takes what an earlier try has left for done
                Outcome::Applied => match leftovers.find(client)? {
                    invalid if invalid.is_empty() => Outcome::Applied,
                    invalid => Outcome::Invalid(invalid),
                },
                outcome => outcome,
            };
            let locked = match &outcome {
                Outcome::Failed { row, .. } => lacked_lock(row, cause.as_ref().map(ToString::to_string)),
                _ => false,
            };
            let interrupted = engine.interrupted();
            if let Outcome::Failed { row, .. } = &outcome
                && locked
                && !interrupted
                && tries <= self.settings.lock_retries
            {
                self.sweep(&leftovers, client)?;
                if self.fingerprint(client)? == fingerprint {
                    mark_rolled_back(client, &self.url.schema(), row)?;
                    let pause = pause_after(tries, jitter());
                    self.shell.status("Waiting", retry_words(pause, tries, self.settings.lock_retries, &seen.blockers));
                    if !sleep(pause, &interrupt) {
                        break Err(Error::cancelled());
                    }
                    continue;
                }
            }
            break match (outcome.check(self.name), cause) {
                (Err(error), Some(cause)) if locked => {
                    Err(error.because(format!("{cause}\n{}", blocked_by(&seen.blockers))))
                }
                (Err(error), Some(cause)) => Err(error.because(cause)),
                (outcome, _) => outcome.map(|()| tries),
            };
        };
        engine.redirect(self.url)?;
        result
    }

    /// Takes away what an earlier try has left of this file's own indexes, so that they can be built.
    fn sweep(&self, leftovers: &Leftovers, client: &mut Client) -> Result<()> {
        for index in leftovers.find(client)? {
            self.shell.status("Dropping", format!("the invalid index {index}, left by an earlier try"));
            leftovers::drop(client, &index, self.settings)?;
        }
        Ok(())
    }

    fn fingerprint(&self, client: &mut Client) -> Result<Fingerprint> {
        Fingerprint::take(client).explain(|| format!("could not look at the catalog before migration {}", self.name))
    }
}

/// Whether it was a lock that the engine did not get: told by SQLSTATE, or by the server's words where the engine leaves the
/// number out.
fn lacked_lock(row: &Row, cause: Option<String>) -> bool {
    let told = [row.logs.as_deref().unwrap_or_default(), cause.as_deref().unwrap_or_default()].join("\n");
    ["55P03", "40P01", "lock timeout", "deadlock detected"].iter().any(|sign| told.contains(sign))
}

/// Says in Prisma's history that nothing of a failed try remains, as `migrate resolve --rolled-back` does.
fn mark_rolled_back(client: &mut Client, schema: &str, row: &Row) -> Result<()> {
    let update = format!(
        "UPDATE {} SET rolled_back_at = pg_catalog.clock_timestamp() WHERE id = $1 AND finished_at IS NULL",
        history::table(schema)
    );
    let marked = client.execute_typed(&update, &[(&row.id, Type::TEXT)]).map_err(Failure::from);
    marked.map(drop).explain(|| format!("could not mark the failed try of {} as rolled back", row.name))
}

/// The database before such a migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    health: Health,
}

/// What became of such a migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The history has it as applied, and no index is invalid that was not before.
    Applied,
    /// The history has it as applied, but these indexes are invalid.
    Invalid(Vec<Blemish>),
    /// It failed: the history has a failed row, and these indexes are left over.
    Failed { row: Row, invalid: Vec<Blemish> },
    /// The history does not know it: the engine never began.
    NotBegun,
}

impl Before {
    /// Looks before the engine runs.
    ///
    /// # Errors
    /// The server's own.
    pub fn take(client: &mut Client) -> Result<Self> {
        let health = Health::read(client).explain(|| "could not look at the database before the migration".into())?;
        Ok(Self { health })
    }

    /// Looks after the engine has run.
    ///
    /// # Errors
    /// The server's own.
    pub fn outcome(&self, client: &mut Client, schema: &str, migration: &str) -> Result<Outcome> {
        let mut look = || -> Result<Outcome, Failure> {
            let history = History::fetch(client, schema)?.unwrap_or_default();
            let invalid: Vec<Blemish> = Health::read(client)?.since(&self.health).invalid_indexes.into_iter().collect();
            let row = history.rows.iter().rev().find(|row| row.name == migration && row.state() == State::Failed);
            Ok(match (history.state(migration), row) {
                (_, Some(row)) => Outcome::Failed { row: row.clone(), invalid },
                (Some(State::Applied), None) if invalid.is_empty() => Outcome::Applied,
                (Some(State::Applied), None) => Outcome::Invalid(invalid),
                _ => Outcome::NotBegun,
            })
        };
        look().explain(|| format!("could not find out what became of migration {migration}"))
    }
}

impl Outcome {
    /// Success, or what to do.
    ///
    /// # Errors
    /// Exit status 1 unless it is applied and sound.
    pub fn check(&self, migration: &str) -> Result<()> {
        let drops = |invalid: &[Blemish]| invalid.iter().map(drop_index).collect::<Vec<_>>().join("\n");
        match self {
            Self::Applied => Ok(()),
            Self::Invalid(invalid) => Err(Error::failed(format!("migration {migration} left an invalid index behind")).help(
                format!("it costs every write and serves no query. Take it away, then create it in a new migration:\n{}", drops(invalid)),
            )),
            Self::Failed { invalid, .. } if !invalid.is_empty() => {
                Err(Error::failed(format!("migration {migration} failed and left an invalid index behind")).help(format!(
                    "take it away, mark the migration as rolled back, and deploy again:\n{}\nprisma-safe migrate resolve --rolled-back {migration}",
                    drops(invalid)
                )))
            }
            Self::Failed { .. } => Err(Error::failed(format!("migration {migration} failed")).help(format!(
                "it runs outside of a transaction, so parts of it may be in the database: `prisma-safe status` tells how far it came and which command repairs it (prisma-safe rollback {migration}, or migrate resolve --rolled-back {migration} if nothing of it is there)"
            ))),
            Self::NotBegun => Err(Error::failed(format!("migration {migration} was not begun")).help("nothing of it is in the database: deploy again")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_travels_in_the_url() {
        let url = DatabaseUrl::parse("postgresql://u:p@h/d?schema=a&options=-c%20x%3D1").unwrap();
        let mut settings = Settings {
            lock_timeout: Duration::from_secs(3),
            statement_timeout: Duration::from_secs(300),
            lock_retries: 0,
            deploy_wait: Duration::ZERO,
            show_queries: true,
            end_idle: None,
        };
        let options = |settings: &Settings, concurrently| {
            engine_url(&url, settings, concurrently).client_config("t").get_options().unwrap().to_owned()
        };
        assert_eq!(
            options(&settings, false),
            "-c x=1 -c lock_timeout=3000 -c statement_timeout=300000 -c application_name=prisma-safe-engine"
        );
        assert_eq!(
            options(&settings, true),
            "-c x=1 -c lock_timeout=120000 -c statement_timeout=0 -c application_name=prisma-safe-engine"
        );
        settings.lock_timeout = Duration::ZERO;
        assert_eq!(
            options(&settings, true),
            "-c x=1 -c lock_timeout=0 -c statement_timeout=0 -c application_name=prisma-safe-engine"
        );
    }

    #[test]
    fn a_left_over_index_comes_with_its_cure() {
        let index = Blemish { table: "public.\"Song\"".into(), name: "public.\"Song_artist_idx\"".into() };
        let error = Outcome::Invalid(vec![index]).check("2_idx").unwrap_err();
        assert!(error.help_text().unwrap().contains("DROP INDEX CONCURRENTLY public.\"Song_artist_idx\";"));
        assert!(Outcome::Applied.check("2_idx").is_ok());
    }
}
