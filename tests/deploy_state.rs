//! What a deploy finds before and leaves after, on a real PostgreSQL.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use postgres::Client;

use prisma_safe::database::history::Standing;
use prisma_safe::database::{DatabaseUrl, Fingerprint, History, activity, connect, pooler};
use prisma_safe::deploy::Baseline;
use prisma_safe::deploy::alone::{Before, Outcome};
use prisma_safe::deploy::preflight::{Concern, Plan, Preflight};
use prisma_safe::deploy::turn::{self, Patience};
use prisma_safe::deploy::verify::{Expected, verify};
use prisma_safe::error::Error;
use prisma_safe::exit::Exit;
use prisma_safe::project::Migration;
use prisma_safe::sql::Script;
use prisma_safe::ui::Shell;
use prisma_safe::ui::shell::ColorChoice;

use crate::support::{Database, soon};

fn migration(name: &str, sql: &str) -> Migration {
    Migration { name: name.into(), path: name.into(), sql: sql.into() }
}

fn concerns(database: &Database, url: &str, migrations: &[Migration]) -> Vec<(Concern, bool)> {
    let url = DatabaseUrl::parse(url).unwrap();
    let plan = Plan { url: &url, migrations, external_tables: &["ignored".into()], schemas: &[] };
    let preflight = Preflight::of(&mut database.connect(), &plan).unwrap();
    preflight.problems.iter().map(|problem| (problem.concern, problem.blocking)).collect()
}

const HISTORY: &str = "CREATE TABLE _prisma_migrations (id VARCHAR(36) PRIMARY KEY, checksum VARCHAR(64) NOT NULL, finished_at TIMESTAMPTZ, \
    migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ, started_at TIMESTAMPTZ NOT NULL DEFAULT now(), \
    applied_steps_count INTEGER NOT NULL DEFAULT 0)";

#[test]
fn an_empty_database_is_ready() {
    let database = Database::new();
    let migrations = [migration("1_init", "CREATE TABLE a (b INT)")];
    assert_eq!(concerns(&database, database.url(), &migrations), []);
    let url = DatabaseUrl::parse(database.url()).unwrap();
    let plan = Plan { url: &url, migrations: &migrations, external_tables: &[], schemas: &[] };
    let preflight = Preflight::of(&mut database.connect(), &plan).unwrap();
    assert!(preflight.server_version >= 100_000);
    assert!(!preflight.has_tables);
    assert_eq!(preflight.history, None);
    assert_eq!(preflight.standing.pending, ["1_init"]);
}

#[test]
fn tables_without_a_history_need_a_baseline() {
    let database = Database::new();
    database.execute("CREATE TABLE ignored (x INT)");
    assert_eq!(concerns(&database, database.url(), &[]), [], "external tables are none of Prisma's business");
    database.execute("CREATE VIEW v AS SELECT 1");
    assert_eq!(concerns(&database, database.url(), &[]), [(Concern::NotEmpty, true)]);
    assert_eq!(concerns(&database, &format!("{}?schema=elsewhere", database.url()), &[]), []);
}

#[test]
fn every_problem_is_found_in_one_go() {
    let database = Database::new();
    database.execute(HISTORY);
    database.execute(
        "INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at) VALUES ('1', 'other', '1_init', now()), ('2', 'x', '2_gone', now());
         INSERT INTO _prisma_migrations (id, checksum, migration_name, logs) VALUES ('3', 'x', '3_failed', E'\\n\\nDatabase error: no\\n')",
    );
    let mut prisma = database.connect();
    prisma.batch_execute("SELECT pg_advisory_lock(72707369)").unwrap();
    let url = DatabaseUrl::parse(database.url()).unwrap();
    let migrations = [migration("1_init", "CREATE TABLE a (b INT)")];
    let plan = Plan { url: &url, migrations: &migrations, external_tables: &[], schemas: &[] };
    let preflight = Preflight::of(&mut database.connect(), &plan).unwrap();
    let found: Vec<(Concern, bool)> =
        preflight.problems.iter().map(|problem| (problem.concern, problem.blocking)).collect();
    assert_eq!(
        found,
        [(Concern::Running, true), (Concern::Failed, true), (Concern::Edited, false), (Concern::Missing, false)]
    );
    let error = preflight.check().unwrap_err();
    assert_eq!(error.exit(), Exit::Refused);
    let causes = error.causes().join("\n");
    assert!(causes.contains("3_failed") && causes.contains("Database error: no"), "{causes}");
    assert!(causes.contains("resolve --rolled-back 3_failed"), "{causes}");
}

#[test]
fn missing_privileges_are_told_before_anything_happens() {
    let database = Database::new();
    let role = format!("poor_{}", database.name());
    database.execute(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'poor'; CREATE SCHEMA closed; REVOKE CREATE ON SCHEMA public FROM PUBLIC"
    ));
    let mut url = url::Url::parse(database.url()).unwrap();
    url.set_username(&role).unwrap();
    url.set_password(Some("poor")).unwrap();
    let ask = |url: &str| {
        let url = DatabaseUrl::parse(url).unwrap();
        let plan = Plan { url: &url, migrations: &[], external_tables: &[], schemas: &[] };
        let preflight = Preflight::of(&mut connect(&url, "test").unwrap(), &plan).map_err(|error| error.to_string());
        preflight.map(|preflight| preflight.problems.into_iter().map(|problem| problem.concern).collect::<Vec<_>>())
    };
    assert_eq!(ask(url.as_str()).unwrap(), [Concern::Privilege]);
    assert_eq!(ask(&format!("{url}?schema=closed")).unwrap(), [Concern::Privilege]);
    assert_eq!(ask(&format!("{url}?schema=nowhere")).unwrap(), [Concern::Privilege]);
    database.execute(&format!("GRANT CREATE ON SCHEMA public TO {role}"));
    assert_eq!(ask(url.as_str()).unwrap(), []);
    database.execute(HISTORY);
    assert_eq!(ask(url.as_str()).unwrap(), [Concern::Privilege]);
    database.execute(&format!("GRANT SELECT ON _prisma_migrations TO {role}"));
    assert_eq!(ask(url.as_str()).unwrap(), [Concern::Privilege]);
    database.execute(&format!("GRANT INSERT, UPDATE ON _prisma_migrations TO {role}"));
    assert_eq!(ask(url.as_str()).unwrap(), []);
    database.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn a_history_is_read_from_its_schema() {
    let database = Database::new();
    assert_eq!(History::read(&mut database.connect(), "public").unwrap(), None);
    database.execute(HISTORY);
    database.execute("INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at) VALUES ('1', 'c', '1_init', '2025-01-21 12:00:00+02')");
    let history = History::read(&mut database.connect(), "public").unwrap().unwrap();
    assert_eq!(history.rows[0].started_at, "2025-01-21 10:00:00 UTC");
    let Standing { failed, pending, .. } = history.compare(&[migration("1_init", ""), migration("2_x", "")]);
    assert_eq!((failed.len(), pending), (1, vec!["2_x".to_owned()]));
    assert_eq!(History::read(&mut database.connect(), "other").unwrap(), None);
}

fn exclude_others(client: &mut Client, url: &str, time: Duration) -> Result<bool, Error> {
    let url = DatabaseUrl::parse(url).expect("a URL");
    let (interrupt, shell) = (AtomicBool::new(false), Shell::new(true, 0, ColorChoice::Never, true, &|_| None));
    turn::exclude_others(
        client,
        &url,
        &Patience { time, interrupt: &interrupt, shell: &shell, show_queries: true, end_orphans: false },
    )
}

#[test]
fn deploys_exclude_each_other() {
    let database = Database::new();
    let (mut one, mut two) = (database.connect(), database.connect());
    let url = database.url().to_owned();
    assert!(!exclude_others(&mut one, &url, Duration::ZERO).unwrap());
    let error = exclude_others(&mut two, &url, Duration::ZERO).unwrap_err();
    assert_eq!(error.exit(), Exit::Failed);
    assert!(error.causes()[0].contains("session "), "{error:?}");
    assert_eq!(activity::lock_holders(&mut two, activity::DEPLOY_LOCK).unwrap().len(), 1);
    let pid: i32 = two.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
    let second = std::thread::spawn(move || exclude_others(&mut two, &url, Duration::from_secs(60)).unwrap());
    let asked = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND query LIKE '%coalesce(a.pid%'");
    soon("it has asked in vain, and looks who it is", || database.value(&asked) == "1");
    drop(one);
    assert!(second.join().unwrap(), "it waited");
}

#[test]
fn a_fingerprint_sees_the_schema_and_not_the_rows() {
    let database = Database::new();
    database.execute(
        "CREATE TYPE e AS ENUM ('a'); CREATE TABLE t (x INT); CREATE INDEX i ON t (x); CREATE TABLE u (x INT)",
    );
    let take = || Fingerprint::take(&mut database.connect()).unwrap();
    let start = take();
    database.execute("INSERT INTO t SELECT generate_series(1, 1000); ANALYZE t");
    database.execute("VACUUM t");
    assert_eq!(take(), start);
    let mut last = start;
    for change in [
        "ALTER TABLE t ADD y INT",
        "ALTER TABLE t ALTER y SET DEFAULT 1",
        "ALTER TABLE t ALTER y SET DEFAULT 2",
        "DROP INDEX i; CREATE INDEX i ON t (x) WHERE x > 1",
        "ALTER TABLE u ALTER x SET NOT NULL",
        "ALTER TABLE t RENAME y TO z",
        "ALTER TABLE t ADD CONSTRAINT c CHECK (x > 0) NOT VALID",
        "ALTER TABLE t VALIDATE CONSTRAINT c",
        "ALTER TYPE e ADD VALUE 'b'",
        "DROP INDEX i; CREATE INDEX i ON t (x)",
        "CREATE VIEW v AS SELECT x FROM t",
        "CREATE OR REPLACE VIEW v AS SELECT x FROM u",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'",
    ] {
        database.execute(change);
        let now = take();
        assert_ne!(now, last, "{change}");
        last = now;
    }
}

#[test]
fn a_fingerprint_waits_for_no_lock() {
    let database = Database::new();
    database.execute(
        "CREATE TABLE t (x INT DEFAULT 1, y INT GENERATED ALWAYS AS (x + 1) STORED, CHECK (x > 0)); \
         CREATE INDEX i ON t ((x + 1)) WHERE x > 1; CREATE VIEW v AS SELECT x FROM t",
    );
    let (mut holder, mut taker) = (database.connect(), database.connect());
    holder.batch_execute("BEGIN; LOCK t, v IN ACCESS EXCLUSIVE MODE").unwrap();
    taker.batch_execute("SET lock_timeout = '100ms'").unwrap();
    Fingerprint::take(&mut taker).unwrap();
}

#[test]
fn no_pooler_is_seen_where_there_is_none() {
    let database = Database::new();
    let behaviour = pooler::probe(&DatabaseUrl::parse(database.url()).unwrap(), "test").unwrap();
    assert!(behaviour.options_arrive && !behaviour.sessions_mix, "{behaviour:?}");
}

#[test]
fn verification_follows_renamed_tables_and_finds_what_broke() {
    let database = Database::new();
    database.execute(HISTORY);
    database.execute("CREATE TABLE a (x INT); INSERT INTO a VALUES (1), (1); CREATE TABLE gone (x INT); CREATE TABLE untouched (x INT); ALTER TABLE untouched ADD CHECK (x > 0) NOT VALID");
    let mut client = database.connect();
    let script = Script::parse("ALTER TABLE a RENAME TO b; DROP TABLE gone; CREATE TABLE c (y INT);");
    let baseline = Baseline::take(&mut client, "public", [&script], &[]).unwrap();
    database.execute(script.text());
    database.execute("INSERT INTO b VALUES (2); ALTER TABLE b ADD CONSTRAINT positive CHECK (x > 0) NOT VALID");
    let applied = ["1_x".to_owned()];
    let expected = Expected { applied: &applied, ..Expected::default() };
    let verified = verify(&mut client, "public", &baseline, &expected).unwrap();
    assert_eq!(verified.unfinished, ["1_x"]);
    assert_eq!(verified.unvalidated.iter().map(ToString::to_string).collect::<Vec<_>>(), ["positive of public.b"]);
    let told: Vec<String> = verified.tables.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["public.a, now public.b: 2 rows before, 3 rows now", "public.gone: gone, had 0 rows", "public.c: new, 0 rows",]
    );
}

/// Numbers are taken all the time: what is handed out between two questions is no sequence that is behind.
#[test]
fn a_sequence_that_others_count_on_is_not_behind() {
    let database = Database::new();
    database.execute(HISTORY);
    database.execute("CREATE TABLE ledger (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY)");
    let mut client = database.connect();
    let baseline = Baseline::take(&mut client, "public", [], &[]).unwrap();
    let look = |client: &mut Client| verify(client, "public", &baseline, &Expected::default()).unwrap().behind;
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for mut writer in [database.connect(), database.connect()] {
            let stop = &stop;
            scope.spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    writer.batch_execute("INSERT INTO ledger DEFAULT VALUES").unwrap();
                }
            });
        }
        let found: Vec<_> = (0..100).flat_map(|_| look(&mut client)).collect();
        stop.store(true, Ordering::SeqCst);
        assert_eq!(found, []);
    });
    database.execute("INSERT INTO ledger (id) OVERRIDING SYSTEM VALUE VALUES (1000000)");
    assert_eq!(look(&mut client).len(), 1);
}

#[test]
fn a_failed_concurrent_index_is_found_with_its_cure() {
    let database = Database::new();
    database.execute(HISTORY);
    database.execute("CREATE TABLE \"Song\" (artist TEXT); INSERT INTO \"Song\" VALUES ('a'), ('a')");
    let mut client = database.connect();
    let before = Before::take(&mut client).unwrap();
    assert_eq!(before.outcome(&mut client, "public", "2_idx").unwrap(), Outcome::NotBegun);
    // what Prisma's engine does: its row first, then the statement, which fails
    database.execute("INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('1', 'c', '2_idx')");
    database
        .connect()
        .batch_execute("CREATE UNIQUE INDEX CONCURRENTLY \"Song_artist_key\" ON \"Song\" (artist)")
        .unwrap_err();
    let outcome = before.outcome(&mut client, "public", "2_idx").unwrap();
    assert!(matches!(&outcome, Outcome::Failed { invalid, .. } if invalid.len() == 1), "{outcome:?}");
    let error = outcome.check("2_idx").unwrap_err();
    let cure = error.help_text().unwrap().lines().find(|line| line.starts_with("DROP")).unwrap().to_owned();
    assert_eq!(cure, "DROP INDEX CONCURRENTLY public.\"Song_artist_key\";");
    database.execute(&cure);
    database.execute("DELETE FROM \"Song\"; UPDATE _prisma_migrations SET finished_at = now()");
    assert_eq!(before.outcome(&mut client, "public", "2_idx").unwrap(), Outcome::Applied);
}

#[test]
fn connecting_fails_in_plain_words() {
    let database = Database::new();
    let good = url::Url::parse(database.url()).unwrap();
    let told = |change: &dyn Fn(&mut url::Url)| {
        let mut url = good.clone();
        change(&mut url);
        let Err(error) = connect(&DatabaseUrl::parse(url.as_str()).unwrap(), "test") else { panic!("connected") };
        format!("{error}: {}; {}", error.causes().join("; "), error.help_text().unwrap_or_default())
    };
    let wrong = told(&|url| url.set_password(Some("wr0ng")).unwrap());
    assert!(wrong.contains("refused the login of music") && !wrong.contains("wr0ng"), "{wrong}");
    let absent = told(&|url| url.set_path("/absent"));
    assert!(absent.contains("the database absent does not exist"), "{absent}");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nobody = told(&|url| url.set_port(Some(port)).unwrap());
    assert!(nobody.contains("could not reach the database server at 127.0.0.1"), "{nobody}");
    let tls = told(&|url| url.set_query(Some("sslmode=require")));
    assert!(tls.contains("no secure connection") && tls.contains("does not support TLS"), "{tls}");
    let unknown = told(&|url| url.set_host(Some("db.invalid")).unwrap());
    assert!(unknown.contains("could not reach the database server at db.invalid"), "{unknown}");
}
