//! The server, and the databases of the cases on it.

use std::path::PathBuf;
use std::time::Duration;

use postgres::Client;

use super::dump;
use super::pending::{self, Step};
use super::production::{self, Production};
use super::random::Random;
use super::run::{Case, End, Playing, SCHEMA, snapshot};
use super::snapshot::Snapshot;
use crate::database::{DatabaseUrl, connect};
use crate::project::Migration;
use crate::project::migrations::checksum;
use crate::tools::scratch::ScratchServer;

/// So many cases share a database to begin with.
const GROUP: u64 = 5;

/// The server and its template.
pub(super) struct Bench {
    server: ScratchServer,
    admin: Client,
    made: usize,
    /// The production of the last case, by its group.
    built: Option<Built>,
}

/// A production, and what is there.
pub(super) struct Built {
    group: u64,
    name: String,
    pub(super) url: DatabaseUrl,
    pub(super) snapshot: Snapshot,
    /// As `pg_dump` writes it.
    pub(super) definitions: Vec<String>,
}

const TEMPLATE: &str = "CREATE TABLE public._prisma_migrations (
  id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL, finished_at TIMESTAMPTZ,
  migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ,
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0)";

impl Bench {
    pub(super) fn new(server: ScratchServer) -> Self {
        let mut admin = server.connect("postgres").unwrap();
        admin
            .batch_execute("CREATE ROLE proof_reader; CREATE ROLE proof_writer; SET client_min_messages = warning")
            .unwrap();
        admin.batch_execute("CREATE DATABASE proof_base TEMPLATE template0 STRATEGY wal_log").unwrap();
        server.connect("proof_base").unwrap().batch_execute(TEMPLATE).unwrap();
        Self { server, admin, made: 0, built: None }
    }

    fn database(&mut self, template: &str) -> (String, DatabaseUrl) {
        self.made += 1;
        let name = format!("proof_{}", self.made);
        // the server looks again only every 100 ms whether the template's sessions have ended
        let sessions = format!("SELECT FROM pg_stat_activity WHERE datname = '{template}'");
        while !self.admin.query(&sessions, &[]).unwrap().is_empty() {
            std::thread::sleep(Duration::from_millis(2));
        }
        self.admin.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).unwrap();
        let url = self.server.url(&name).unwrap().with_schema(SCHEMA);
        (name, url)
    }

    fn drop(&mut self, name: &str) {
        self.admin.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).unwrap();
    }

    /// Plays one case; whether `pg_dump` looks at its rollback too, which is half of the cost.
    pub(super) fn play(&mut self, seed: u64, dumped: bool) -> Case {
        // to make a database costs more than all else: a few cases in a row start from the same one
        let group = seed / GROUP;
        let mut random = Random::new(group);
        let mut production = production::build(&mut random);
        let mut random = Random::new(seed.wrapping_add(1 << 32));
        let steps = pending::steps(&mut random, &mut production.world);
        let migrations = migrations(&mut random, &production, &steps);
        let mut case = Case {
            seed,
            end: End::Unbuilt,
            back: None,
            silent: Vec::new(),
            trip: Vec::new(),
            false_alarm: Vec::new(),
            disagreements: Vec::new(),
            story: story(&production, &migrations),
        };
        let built = match self.built.take() {
            Some(built) if built.group == group => built,
            old => {
                if let Some(old) = old {
                    self.drop(&old.name);
                }
                let (name, url) = self.database("proof_base");
                if let Err(error) = build(&url, &production, &migrations[0]) {
                    case.trip.push(error);
                    self.drop(&name);
                    return case;
                }
                let (snapshot, definitions) = (snapshot(&url), dump::definitions(&url).unwrap());
                Built { group, name, url, snapshot, definitions }
            }
        };
        let (copy_name, copy) = self.database(&built.name);
        let (original, copy) = (&built, &copy);
        Playing { original, copy, migrations: &migrations, steps: &steps, dumped, case: &mut case }.play();
        self.drop(&copy_name);
        self.built = Some(built);
        case
    }
}

fn story(production: &Production, migrations: &[Migration]) -> String {
    let mut story =
        format!("-- applied\n{}-- by hand\n{}-- rows\n{}", migrations[0].sql, production.by_hand, production.rows);
    for migration in &migrations[1..] {
        story.push_str(&format!("-- pending {}\n{}", migration.name, migration.sql));
    }
    story
}

/// The applied one, and what is pending in one file or two.
fn migrations(random: &mut Random, production: &Production, steps: &[Step]) -> Vec<Migration> {
    let of = |name: &str, sql: String| Migration {
        name: name.into(),
        path: PathBuf::from(format!("/nowhere/{name}/migration.sql")),
        sql,
    };
    let mut all = vec![of("20250101000000_init", production.history.clone())];
    let first = if steps.len() > 1 && random.percent(30) { 1 } else { steps.len() };
    for (name, steps) in [("20250102000000_next", &steps[..first]), ("20250103000000_then", &steps[first..])] {
        if !steps.is_empty() {
            all.push(of(name, steps.iter().map(|step| format!("{};\n", step.sql)).collect()));
        }
    }
    all
}

fn build(url: &DatabaseUrl, production: &Production, init: &Migration) -> Result<(), String> {
    let mut client = connect(url, "proof").map_err(|error| format!("{error:?}"))?;
    let row = format!(
        "INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name, applied_steps_count)
         VALUES ('00000000-0000-0000-0000-000000000001', '{}', now(), '{}', 1)",
        checksum(&init.sql),
        init.name
    );
    let rows = format!("SET session_replication_role = replica;\n{}", production.rows);
    for sql in [&production.history, &production.by_hand, &rows, &row] {
        client.batch_execute(sql).map_err(|error| format!("{error:?}"))?;
    }
    Ok(())
}
