//! Migrations applied and rolled back by the library alone: a database and no Prisma, so that there is time for many.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use postgres::types::Type;
use prisma_safe::catalog::Catalog;
use prisma_safe::catalog::live::Live;
use prisma_safe::database::history::State;
use prisma_safe::database::{DatabaseUrl, History};
use prisma_safe::deploy::{ApplyError, NoHook, Prepared, Route, Runner, Settings};
use prisma_safe::error::Result;
use prisma_safe::project::Migration;
use prisma_safe::sql::Script;
use prisma_safe::transaction::Runner as Rollbacks;
use prisma_safe::undo::{Capsule, Down, Fill, Keeper, Plan, Request, RolledBack, capsule, roll_back, roll_back_on};

use crate::support::Database;

/// A database and the migrations it has seen.
pub(crate) struct Story {
    pub(crate) database: Database,
    migrations: Vec<Migration>,
    /// Of migrations that destroy nothing, by the id of their row.
    definitions: BTreeMap<String, (Live, Live)>,
}

/// As patient as the tests are.
pub(crate) fn settings() -> Settings {
    let config = prisma_safe::config::Config::load(std::path::Path::new("/nonexistent")).unwrap().deploy;
    Settings { lock_timeout: Duration::from_secs(2), lock_retries: 3, ..config.settings() }
}

/// Runs rollbacks at a URL.
pub(crate) fn rollbacks(url: &str, settings: Settings, interrupt: &Arc<AtomicBool>) -> Rollbacks {
    let url = DatabaseUrl::parse(url).unwrap();
    Rollbacks::open(url, roll_back::APPLICATION_NAME, settings, Arc::clone(interrupt)).unwrap()
}

impl Story {
    /// A database with its first migration.
    pub(crate) fn new(sql: &str) -> Self {
        let mut story = Self { database: Database::new(), migrations: Vec::new(), definitions: BTreeMap::new() };
        let migration = migration("1_init", sql);
        story.runner().apply(&prepared(&migration), &mut NoHook).map_err(prisma_safe::error::Error::from).unwrap();
        story.migrations.push(migration);
        story
    }

    pub(crate) fn url(&self) -> DatabaseUrl {
        DatabaseUrl::parse(self.database.url()).unwrap()
    }

    fn runner(&self) -> Runner {
        Runner::open(self.url(), settings(), Arc::default()).unwrap()
    }

    pub(crate) fn before(&self, name: &str) -> Catalog {
        let earlier: Vec<(&str, Script)> = self
            .migrations
            .iter()
            .take_while(|each| each.name != name)
            .map(|each| (each.name.as_str(), Script::parse(each.sql.as_str())))
            .collect();
        Catalog::replay("public", earlier.iter().map(|(name, script)| (*name, script)))
    }

    /// Applies a migration as a deploy does.
    pub(crate) fn apply(&mut self, name: &str, sql: &str) -> std::result::Result<(), ApplyError> {
        let migration = migration(name, sql);
        let plan = Plan::of(&mut self.database.connect(), &migration, &self.before(name)).unwrap();
        let mut keeper = Keeper::new(&plan, "public");
        self.runner().apply(&prepared(&migration), &mut keeper)?;
        self.definitions.extend(keeper.definitions());
        self.migrations.push(migration);
        Ok(())
    }

    /// A migration that failed after some of its statements.
    pub(crate) fn fail(&mut self, name: &str, sql: &str, ran: &[&str]) {
        for statement in ran {
            let _ = self.database.connect().batch_execute(statement);
        }
        self.database.execute(&format!(
            "INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES (gen_random_uuid(), 'x', '{name}')"
        ));
        self.migrations.push(migration(name, sql));
    }

    /// The reverse of the last migration.
    pub(crate) fn down(&self) -> Down {
        let last = self.migrations.last().unwrap();
        Down::of(last, &self.before(&last.name))
    }

    /// Takes the last migration back.
    pub(crate) fn back(&mut self, fills: &[Fill]) -> Result<RolledBack> {
        let done = self.back_by(&self.down(), fills)?;
        self.migrations.pop();
        Ok(done)
    }

    /// The same by a reverse of one's own.
    pub(crate) fn back_by(&self, down: &Down, fills: &[Fill]) -> Result<RolledBack> {
        self.back_through(&mut rollbacks(self.database.url(), settings(), &Arc::default()), down, fills)
    }

    /// The same over a runner of one's own.
    pub(crate) fn back_through(&self, runner: &mut Rollbacks, down: &Down, fills: &[Fill]) -> Result<RolledBack> {
        let migration = self.migrations.last().unwrap();
        let mut client = self.database.connect();
        let history = History::read(&mut client, "public")?.unwrap();
        let row =
            history.rows.iter().rfind(|row| row.name == migration.name && row.state() != State::RolledBack).unwrap();
        let capsule: Option<Capsule> = capsule::find(&mut client, &row.id).unwrap();
        let read = || Some(Capsule::empty(&row.id, self.definitions.get(&row.id)?.clone()));
        let capsule = capsule.or_else(read);
        let before = self.before(&migration.name);
        let mut after = before.clone();
        after.apply(&Script::parse(migration.sql.as_str()), &migration.name);
        let request = Request {
            migration: &migration.name,
            row: (&row.id, row.state()),
            schema: "public",
            down,
            capsule: capsule.as_ref(),
            replayed: (&before, &after),
            fills,
            accept_differences: false,
            dry: false,
        };
        roll_back_on(runner, &request)
    }

    /// The first column of the first row.
    pub(crate) fn count(&self, condition: &str) -> i64 {
        let query = format!("SELECT count(*) FROM {condition}");
        self.database
            .connect()
            .query_typed_one(&query, &[] as &[(&(dyn postgres::types::ToSql + Sync), Type)])
            .unwrap()
            .get(0)
    }
}

fn migration(name: &str, sql: &str) -> Migration {
    Migration { name: name.into(), path: name.into(), sql: sql.into() }
}

fn prepared(migration: &Migration) -> Prepared {
    match Prepared::route(migration, &Catalog::new("public"), None).unwrap() {
        Route::Atomic(prepared) => prepared,
        Route::Sections(sections) => panic!("{} sections", sections.len()),
        Route::Alone { why, .. } => panic!("{why}"),
    }
}
