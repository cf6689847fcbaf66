//! The server, and the databases of the cases on it.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Duration;

use postgres::Client;

use super::dump;
use super::pending::{self, Step};
use super::production::{self, Production};
use super::random::Random;
use super::run::{Case, End, Playing, SCHEMA};
use super::snapshot::Snapshot;
use crate::catalog::live::{CatalogFile, Live};
use crate::conservation::Census;
use crate::database::{DatabaseUrl, connect};
use crate::env::Env;
use crate::project::Migration;
use crate::project::migrations::checksum;
use crate::review::against;
use crate::tools::scratch::{ScratchServer, small_with_room};

/// So many cases share a production.
pub(super) const GROUP: u64 = 5;

/// What the server's files may grow to.
const ROOM: u64 = 1 << 30;

/// The server and its template.
pub(super) struct Bench {
    server: ScratchServer,
    admin: Client,
    made: usize,
    strategy: &'static str,
}

/// A production, and what is there.
pub(super) struct Built {
    name: String,
    pub(super) client: Client,
    pub(super) url: DatabaseUrl,
    pub(super) snapshot: Snapshot,
    pub(super) live: Live,
    pub(super) file: CatalogFile,
    pub(super) census: Census,
    /// As `pg_dump` writes it.
    pub(super) definitions: Vec<String>,
}

const TEMPLATE: &str = "CREATE TABLE public._prisma_migrations (
  id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL, finished_at TIMESTAMPTZ,
  migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ,
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0)";

impl Bench {
    pub(super) fn new() -> Self {
        let server = small_with_room(ROOM, &Env::read()).unwrap();
        let mut admin = server.connect("postgres").unwrap();
        admin
            .batch_execute("CREATE ROLE proof_reader; CREATE ROLE proof_writer; SET client_min_messages = warning")
            .unwrap();
        let version = "SELECT current_setting('server_version_num')::int4 >= 150000";
        // versions before always copy files
        let strategy = if admin.query_one(version, &[]).unwrap().get(0) { "STRATEGY file_copy" } else { "" };
        let mut bench = Self { server, admin, made: 0, strategy };
        bench.copy("template0", "proof_base");
        bench.server.connect("proof_base").unwrap().batch_execute(TEMPLATE).unwrap();
        bench
    }

    fn database(&mut self, template: &str) -> (String, DatabaseUrl) {
        self.made += 1;
        let name = format!("proof_{}", self.made);
        // the server looks again only every 100 ms whether the template's sessions have ended
        let sessions = format!("SELECT FROM pg_stat_activity WHERE datname = '{template}'");
        while !self.admin.query(&sessions, &[]).unwrap().is_empty() {
            std::thread::sleep(Duration::from_millis(2));
        }
        self.copy(template, &name);
        let url = self.server.url(&name).unwrap().with_schema(SCHEMA);
        (name, url)
    }

    fn copy(&mut self, template: &str, name: &str) {
        self.admin.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template} {}", self.strategy)).unwrap();
    }

    fn drop(&mut self, name: &str) {
        self.admin.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).unwrap();
    }

    /// Plays cases of one group, whose production is the same; `dumped` says whether `pg_dump` looks at a rollback too.
    pub(super) fn play(&mut self, seeds: Range<u64>, dumped: impl Fn(u64) -> bool, mut tell: impl FnMut(Case)) {
        let mut random = Random::new(seeds.start / GROUP);
        let production = production::build(&mut random);
        let mut made: Vec<Made> = seeds.map(|seed| Made::new(seed, &production)).collect();
        let (name, url) = self.database("proof_base");
        if let Err(error) = build(&url, &production, &made[0].migrations[0]) {
            self.drop(&name);
            made[0].case.trip.push(error);
            return made.into_iter().for_each(|made| tell(made.case));
        }
        // no session may be connected to a database that is copied, so all copies come first
        let copies: Vec<(String, DatabaseUrl)> = made.iter().map(|_| self.database(&name)).collect();
        let mut client = connect(&url, "proof").unwrap();
        let snapshot = Snapshot::read(&mut client).unwrap();
        let live = against::definitions(&mut client).unwrap();
        let file = CatalogFile::take(&mut client, SCHEMA).unwrap();
        let census = Census::read(&mut client).unwrap();
        let definitions = dump::definitions(&url).unwrap();
        let mut built = Built { name, client, url, snapshot, live, file, census, definitions };
        for (mut made, (name, copy)) in made.into_iter().zip(copies) {
            let (original, dumped) = (&mut built, dumped(made.case.seed));
            let Made { migrations, steps, case } = &mut made;
            let client = connect(&copy, "proof").unwrap();
            let mut second = None;
            let again = &mut |built: &mut Built| {
                built.client = self.server.connect("postgres").unwrap();
                let (name, url) = self.database(&built.name);
                built.client = connect(&built.url, "proof").unwrap();
                second = Some(name);
                url
            };
            let play =
                AssertUnwindSafe(|| Playing { original, copy, client, again, migrations, steps, dumped, case }.play());
            if catch_unwind(play).is_err() {
                made.case.end = End::Panicked;
                built.client = connect(&built.url, "proof").unwrap();
            }
            self.drop(&name);
            if let Some(second) = second {
                self.drop(&second);
            }
            tell(made.case);
        }
        drop(built.client);
        self.drop(&built.name);
    }
}

/// A case that is to be played.
struct Made {
    migrations: Vec<Migration>,
    steps: Vec<Step>,
    case: Case,
}

impl Made {
    fn new(seed: u64, production: &Production) -> Self {
        let mut random = Random::new(seed.wrapping_add(1 << 32));
        let steps = pending::steps(&mut random, &mut production.world.clone());
        let migrations = migrations(&mut random, production, &steps);
        let case = Case {
            seed,
            end: End::Unbuilt,
            back: None,
            silent: Vec::new(),
            excused: Vec::new(),
            trip: Vec::new(),
            false_alarm: Vec::new(),
            disagreements: Vec::new(),
            story: story(production, &migrations),
        };
        Self { migrations, steps, case }
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
        sql: sql.into(),
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
