//! One case: the product's own path from the review to the rollback, and beside it what the oracle sees.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use jiff::Timestamp;
use postgres::Client;

use super::dump;
use super::oracle::{self, Gone, Kind, May};
use super::pending::{self, Step};
use super::production::{self, Production};
use super::random::Random;
use super::snapshot::Snapshot;
use crate::catalog::Catalog;
use crate::catalog::live::{CatalogFile, Live, Without};
use crate::commands;
use crate::commands::review::{Folder, Holds, planned};
use crate::database::history::History;
use crate::database::{DatabaseUrl, connect};
use crate::deploy::{self, Hook, Prepared, Route};
use crate::project::Migration;
use crate::project::migrations::checksum;
use crate::rehearsal::bare::Bare;
use crate::review::recorded::Recorded;
use crate::review::{self, Review, Verdict};
use crate::rules::{Settings, Severity, settings};
use crate::sql::Script;
use crate::tools::scratch::ScratchServer;
use crate::transaction::Runner;
use crate::undo::{Capsule, Down, Keeper, Plan, Request, RolledBack, capsule, roll_back_on};

/// So many cases share a database to begin with.
const GROUP: u64 = 5;

/// What production, copy and template are called.
const SCHEMA: &str = "public";

/// What a case came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    /// The generator wrote what the server does not take.
    Unbuilt,
    /// The review says no.
    Reviewed,
    /// The rehearsal says no.
    Rehearsed,
    /// The server refuses a statement of the migration.
    Refused,
    /// It would be deployed.
    Accepted,
}

/// What came of the way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Back {
    /// Said before anything was committed.
    Announced,
    /// Refused when it was tried, and nothing changed.
    Stuck,
    Whole,
    /// It says that all is as before, and it is not.
    Other,
}

#[derive(Debug)]
pub(super) struct Case {
    pub(super) seed: u64,
    pub(super) end: End,
    pub(super) back: Option<Back>,
    /// Lost although the deploy would go on, and no statement says so.
    pub(super) silent: Vec<Gone>,
    /// How the database is unlike the one before, or why it is not taken back.
    pub(super) trip: Vec<String>,
    /// Refused for what is not lost.
    pub(super) false_alarm: Vec<String>,
    /// Between the review online and the one by a catalog file.
    pub(super) disagreements: Vec<String>,
    /// Everything about it, for whoever looks into it.
    pub(super) story: String,
}

/// The server and its template.
pub(super) struct Bench {
    server: ScratchServer,
    admin: Client,
    made: usize,
    /// The production of the last case, by its group.
    built: Option<Built>,
}

/// A production, and what is there.
struct Built {
    group: u64,
    name: String,
    url: DatabaseUrl,
    snapshot: Snapshot,
    /// As `pg_dump` writes it.
    definitions: Vec<String>,
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

fn patience() -> deploy::Settings {
    deploy::Settings {
        lock_timeout: Duration::from_secs(3),
        statement_timeout: Duration::from_secs(20),
        lock_retries: 0,
        deploy_wait: Duration::from_secs(1),
        show_queries: false,
        end_idle: None,
    }
}

struct Playing<'a> {
    original: &'a Built,
    copy: &'a DatabaseUrl,
    migrations: &'a [Migration],
    steps: &'a [Step],
    dumped: bool,
    case: &'a mut Case,
}

impl Playing<'_> {
    fn play(&mut self) {
        let review = self.review();
        let pending = &self.migrations[1..];
        let scripts: Vec<Script> = pending.iter().map(|migration| Script::parse(migration.sql.as_str())).collect();
        let mut prepared = Vec::new();
        for (migration, script) in pending.iter().zip(&scripts) {
            match Prepared::route(migration, script) {
                Ok(Route::Atomic(atomic)) => prepared.push(atomic),
                Ok(Route::Alone { why, .. }) => return self.refused(why),
                Err(error) => return self.refused(format!("{error:?}")),
            }
        }
        let plans = self.plans();
        let mut keepers: Vec<Keeper<'_>> = plans.iter().map(|plan| Keeper::new(plan, SCHEMA)).collect();
        let mut hooks: Vec<&mut dyn Hook> = keepers.iter_mut().map(|keeper| keeper as &mut dyn Hook).collect();
        let bare =
            Bare { pending, scripts: &scripts, reviewed: &review.migrations, schema: SCHEMA, settings: patience() };
        let losses = match bare.rehearse((&self.original.url, self.copy), &prepared, &mut hooks) {
            Ok(losses) => losses,
            Err(error) => {
                self.case.end = if review.verdict == Verdict::Fail { End::Reviewed } else { End::Refused };
                return self.case.trip.push(format!("{error:?} {}", error.causes().join("; ")));
            }
        };
        let uncovered: Vec<String> =
            losses.iter().filter(|loss| loss.covered_by.is_none()).map(ToString::to_string).collect();
        let covered = losses.iter().filter_map(|loss| Some(format!("--   {loss}: {}\n", loss.covered_by.as_ref()?)));
        self.case.story.push_str(&format!("-- covered\n{}", covered.collect::<String>()));
        self.case.end = match (review.verdict, uncovered.is_empty()) {
            (Verdict::Fail, _) => End::Reviewed,
            (_, false) => End::Rehearsed,
            (_, true) => End::Accepted,
        };
        let before = &self.original.snapshot;
        let loose = self.mays().any(|may| matches!(may.kind, Kind::Name | Kind::Type | Kind::Column | Kind::Label));
        let gone = oracle::gone(before, &snapshot(self.copy), loose);
        if self.case.end == End::Accepted {
            self.case.silent = gone.into_iter().filter(|gone| !self.says(gone, &review)).collect();
        } else if self.case.end == End::Rehearsed && gone.is_empty() {
            self.case.false_alarm = uncovered;
        }
        let keyless = plans.iter().flat_map(|plan| &plan.planned).find(|planned| planned.keyless);
        match keyless.map(ToString::to_string) {
            Some(said) => {
                self.case.back = Some(Back::Announced);
                self.case.trip.push(said);
            }
            None => self.back(keepers),
        }
    }

    fn refused(&mut self, why: String) {
        self.case.end = End::Refused;
        self.case.trip.push(why);
    }

    fn mays(&self) -> impl Iterator<Item = &May> {
        self.steps.iter().flat_map(|step| &step.may)
    }

    /// Whether a statement says by itself that this goes; of data, a finding has to say so too.
    fn says(&self, gone: &Gone, review: &Review) -> bool {
        let column = format!("{}.{}", gone.table, gone.name);
        let found = || {
            review.findings().any(|finding| {
                finding.severity >= Severity::Warning && (finding.object == gone.table || finding.object == column)
            })
        };
        self.mays().any(|may| {
            let same = |one: &str, other: &str| one.is_empty() || other.is_empty() || one == other;
            let of = same(&may.table, &gone.table) && same(&may.name, &gone.name);
            // without a key a row with another value is another row
            let keyless = gone.what.contains("as they were") && may.table == gone.table;
            match (may.kind, gone.kind) {
                // an UPDATE with its WHERE says what it sets
                (Kind::Values, Kind::Values) => of,
                (Kind::Values, Kind::Rows) => keyless,
                (Kind::Retyped, Kind::Rows) => {
                    keyless && review.findings().any(|finding| finding.object == format!("{}.{}", may.table, may.name))
                }
                (Kind::Rows, Kind::Rows) => of && (found() || gone.table.starts_with("mat_")),
                (Kind::Retyped, Kind::Values) => of && found(),
                // what is bound to the column's type is written anew with it
                (one, other) => of && one == other && !other.is_data(),
            }
        })
    }

    fn review(&mut self) -> Review {
        let mut client = connect(&self.original.url, "proof").unwrap();
        let settings = Settings::new(&settings::Review::default(), None);
        let history = History::read(&mut client, SCHEMA).unwrap();
        let folder = Folder { migrations: self.migrations, directory: std::path::Path::new("/nowhere") };
        let definitions = commands::review::read(&mut client).unwrap();
        let holds = Holds { history: history.as_ref(), definitions: Some(&definitions) };
        let place = ("proof", SCHEMA);
        let review = planned(place, &folder, &self.migrations[1..], holds, &mut client, &settings, 0).unwrap();
        if let [_, only] = self.migrations {
            let file = CatalogFile::take(&mut client, SCHEMA).unwrap();
            self.case.disagreements = by_catalog(&file, only, &settings, &self.migrations[..1], &review);
        }
        self.case.story.push_str(&format!("-- review: {:?}\n", review.verdict));
        for finding in review.findings() {
            let line =
                format!("--   {:?} {}({}): {}\n", finding.severity, finding.rule, finding.object, finding.message);
            self.case.story.push_str(&line);
        }
        review
    }

    fn plans(&self) -> Vec<Plan> {
        let mut client = connect(&self.original.url, "proof").unwrap();
        let live = Live::read(&mut client, &Without::default()).unwrap();
        let mut catalog = Catalog::of_target(SCHEMA, &live);
        let plan = |migration: &Migration| {
            let plan = Plan::of(&mut client, migration, &catalog).unwrap();
            catalog.apply(&Script::parse(migration.sql.as_str()), &migration.name);
            plan
        };
        self.migrations[1..].iter().map(plan).collect()
    }

    /// Everything is taken back, newest first; the database must be the one before.
    fn back(&mut self, keepers: Vec<Keeper<'_>>) {
        let mut definitions: Vec<_> = keepers.into_iter().map(Keeper::definitions).collect();
        for at in (1..self.migrations.len()).rev() {
            match self.take_back(at, definitions.pop().flatten()) {
                Ok(_) => {}
                Err((back, why)) => {
                    self.case.back = Some(back);
                    return self.case.trip.extend(why);
                }
            }
        }
        let (before, after) = (&self.original.snapshot, snapshot(self.copy));
        let mut trip: Vec<String> =
            oracle::gone(before, &after, false).iter().map(|gone| format!("lost: {gone}")).collect();
        let data = |gone: &&Gone| gone.kind.is_data();
        trip.extend(oracle::gone(&after, before, false).iter().filter(data).map(|gone| format!("came: {gone}")));
        if self.dumped {
            match dump::definitions(self.copy) {
                Ok(now) => trip.extend(dump::differences(&self.original.definitions, &now)),
                Err(error) => trip.push(error),
            }
        }
        self.case.back = Some(if trip.is_empty() { Back::Whole } else { Back::Other });
        self.case.trip.extend(trip);
    }

    fn take_back(
        &mut self,
        at: usize,
        definitions: Option<(String, (Live, Live))>,
    ) -> Result<RolledBack, (Back, Vec<String>)> {
        let (migration, earlier) = (&self.migrations[at], &self.migrations[..at]);
        let mut client = connect(self.copy, "proof").unwrap();
        let history = History::read(&mut client, SCHEMA).unwrap().unwrap();
        let row = history.rows.iter().find(|row| row.name == migration.name).unwrap();
        let capsule = capsule::find(&mut client, &row.id).unwrap();
        let capsule = capsule.or_else(|| definitions.map(|(_, both)| Capsule::empty(&row.id, both)));
        let world = capsule.as_ref().and_then(|capsule| capsule.definitions.as_ref());
        let catalog = match world {
            Some((before, _)) => Catalog::of_target(SCHEMA, before),
            None => replay(earlier),
        };
        let down = Down::of(migration, &catalog);
        let mut after = catalog.clone();
        after.apply(&Script::parse(migration.sql.as_str()), &migration.name);
        if !down.impossible.is_empty() {
            return Err((Back::Announced, down.impossible));
        }
        let request = Request {
            migration: &migration.name,
            row: (&row.id, row.state()),
            schema: SCHEMA,
            down: &down,
            capsule: capsule.as_ref(),
            replayed: (&catalog, &after),
            fills: &[],
            accept_differences: false,
            dry: false,
        };
        let flag = Arc::new(AtomicBool::new(false));
        let mut runner = Runner::open(self.copy.clone(), "proof", patience(), flag).unwrap();
        roll_back_on(&mut runner, &request)
            .map_err(|error| (Back::Stuck, vec![format!("{error:?} {}", error.causes().join("; "))]))
    }
}

/// What the review online finds and the one by a catalog file does not.
fn by_catalog(
    file: &CatalogFile,
    migration: &Migration,
    settings: &Settings,
    applied: &[Migration],
    online: &Review,
) -> Vec<String> {
    let recorded = Recorded::new(file, "catalog.json", Timestamp::now());
    let review = review::review(review::Request {
        migrations: std::slice::from_ref(migration),
        world: Some(Catalog::of_target_after(SCHEMA, &file.definitions(), applied)),
        earlier: &[],
        default_schema: SCHEMA,
        live: Some(&recorded),
        identity: None,
        settings,
        standing: Vec::new(),
    });
    let of = |review: &Review| -> BTreeSet<(String, String)> {
        review.findings().map(|finding| (finding.rule.to_owned(), finding.object.clone())).collect()
    };
    let (there, here) = (of(online), of(&review));
    // without the rows it is more careful, and never less
    let missed = there.difference(&here).map(|(rule, object)| format!("only online: {rule}({object})"));
    let mut disagreements: Vec<String> = missed.collect();
    // what only rows can tell is left open, and open is no pass
    if review.verdict == Verdict::Pass && online.verdict == Verdict::Fail {
        disagreements.push(format!("by catalog {:?}, online {:?}", review.verdict, online.verdict));
    }
    disagreements
}

fn replay(migrations: &[Migration]) -> Catalog {
    let mut catalog = Catalog::new(SCHEMA);
    for migration in migrations {
        catalog.apply(&Script::parse(migration.sql.as_str()), &migration.name);
    }
    catalog
}

fn snapshot(url: &DatabaseUrl) -> Snapshot {
    Snapshot::read(&mut connect(url, "proof").unwrap()).unwrap()
}
