//! Migrations that cannot run in a transaction go through Prisma's engine, one at a time, with our patience in the
//! connection's start-up options. Afterwards the database itself says what became of them.

use std::time::Duration;

use postgres::Client;

use super::{Settings, milliseconds};
use crate::database::health::{Blemish, Health, drop_index};
use crate::database::history::{Row, State};
use crate::database::{DatabaseUrl, Failure, History};
use crate::engine::{DeployRequest, Engine};
use crate::error::{Error, Explain as _, Result};

/// `CONCURRENTLY` waits for every older transaction while it stops nobody, and what it has built is lost when it gives up:
/// it is given at least this long.
const CONCURRENT_LOCK_TIMEOUT: Duration = Duration::from_secs(120);

/// The URL for Prisma's engine: lock and statement timeouts as start-up options. A pooler drops or refuses them, so it must
/// be the direct URL.
pub fn engine_url(url: &DatabaseUrl, settings: &Settings, concurrently: bool) -> DatabaseUrl {
    let (lock, statement) = match concurrently {
        true => (settings.lock_timeout.max(CONCURRENT_LOCK_TIMEOUT), Duration::ZERO),
        false => (settings.lock_timeout, settings.statement_timeout),
    };
    // no limit stays none
    let lock = if settings.lock_timeout.is_zero() { Duration::ZERO } else { lock };
    url.with_options(&format!(
        "-c lock_timeout={} -c statement_timeout={}",
        milliseconds(lock),
        milliseconds(statement)
    ))
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
    /// Whether a statement works `CONCURRENTLY`.
    pub concurrently: bool,
}

impl Alone<'_> {
    /// Lets Prisma's engine apply it, and asks the database afterwards.
    ///
    /// # Errors
    /// Exit status 1 unless it is applied and sound.
    pub fn apply(&self, client: &mut Client, engine: &mut Engine<'_>) -> Result<()> {
        let before = Before::take(client)?;
        engine.redirect(&engine_url(self.url, self.settings, self.concurrently))?;
        let answer = self.request.apply_up_to(self.name, engine)?;
        engine.redirect(self.url)?;
        let outcome = before.outcome(client, &self.url.schema(), self.name)?.check(self.name);
        match (outcome, answer) {
            (Err(error), Err(cause)) => Err(error.because(cause)),
            (outcome, _) => outcome,
        }
    }
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
                "it runs outside of a transaction, so parts of it may be in the database: see what is there and undo it, then: prisma-safe migrate resolve --rolled-back {migration}"
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
        };
        let options = |settings: &Settings, concurrently| {
            engine_url(&url, settings, concurrently).client_config("t").get_options().unwrap().to_owned()
        };
        assert_eq!(options(&settings, false), "-c x=1 -c lock_timeout=3000 -c statement_timeout=300000");
        assert_eq!(options(&settings, true), "-c x=1 -c lock_timeout=120000 -c statement_timeout=0");
        settings.lock_timeout = Duration::ZERO;
        assert_eq!(options(&settings, true), "-c x=1 -c lock_timeout=0 -c statement_timeout=0");
    }

    #[test]
    fn a_left_over_index_comes_with_its_cure() {
        let index = Blemish { table: "public.\"Song\"".into(), name: "public.\"Song_artist_idx\"".into() };
        let error = Outcome::Invalid(vec![index]).check("2_idx").unwrap_err();
        assert!(error.help_text().unwrap().contains("DROP INDEX CONCURRENTLY public.\"Song_artist_idx\";"));
        assert!(Outcome::Applied.check("2_idx").is_ok());
    }
}
