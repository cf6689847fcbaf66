//! Applying migrations to a real PostgreSQL: all of one, or nothing, whatever happens.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use postgres::Client;
use prisma_safe::catalog::Catalog;
use prisma_safe::database::{DatabaseUrl, Failure, History};
use prisma_safe::deploy::{Applied, ApplyError, Hook, NoHook, Prepared, Route, Runner, Settings};
use prisma_safe::error::Error;
use prisma_safe::project::Migration;
use prisma_safe::project::migrations::checksum;

use crate::support::proxy::{Pass, Proxy};
use crate::support::{Database, Prisma, Project};

const SONG: &str =
    "CREATE TABLE \"Song\" (\"isrc\" TEXT PRIMARY KEY, \"artist\" TEXT);\nINSERT INTO \"Song\" VALUES ('1', 'Nina');";

const IMPATIENT: Settings = Settings {
    lock_timeout: Duration::from_secs(1),
    statement_timeout: Duration::from_secs(20),
    lock_retries: 1,
    deploy_wait: Duration::from_millis(500),
    show_queries: true,
    end_idle: None,
};

fn prepared(name: &str, sql: &str) -> Prepared {
    let migration = Migration { name: name.into(), path: name.into(), sql: sql.into() };
    match Prepared::route(&migration, &Catalog::new("public"), None).unwrap() {
        Route::Atomic(prepared) => prepared,
        Route::Sections(sections) => panic!("{} sections", sections.len()),
        Route::Alone { why, .. } => panic!("{why}"),
    }
}

fn runner_at(url: &str) -> Runner {
    Runner::open(DatabaseUrl::parse(url).unwrap(), IMPATIENT, Arc::default()).unwrap()
}

fn apply(database: &Database, name: &str, sql: &str) -> Result<Applied, ApplyError> {
    runner_at(database.url()).apply(&prepared(name, sql), &mut NoHook)
}

/// The whole of an error, as a person sees it.
fn told(error: ApplyError) -> String {
    let error = Error::from(error);
    format!("{error}\n{}\n{}", error.causes().join("\n"), error.help_text().unwrap_or_default())
}

#[track_caller]
fn assert_unchanged(database: &Database, before: &str) {
    let now = database.contents();
    assert!(now == before, "something remains:\n{now}\n--- before:\n{before}");
}

#[test]
fn a_migration_and_its_row_arrive_together() {
    let database = Database::new();
    let applied = apply(&database, "1_init", SONG).unwrap();
    assert_eq!((applied.name.as_str(), applied.tries), ("1_init", 1));
    assert_eq!(database.count("Song"), 1);
    let row = database.value(
        "SELECT migration_name, checksum, finished_at >= started_at, applied_steps_count, logs, rolled_back_at, length(id) FROM _prisma_migrations",
    );
    assert_eq!(row, format!("1_init|{}|t|1|||36", checksum(SONG)));
}

#[test]
fn the_second_statement_fails_and_nothing_of_the_first_remains() {
    let database = Database::new();
    let before = database.contents();
    let error = apply(&database, "1_init", &format!("{SONG}\n\nALTER TABLE \"Song\"\n  ADD COLUMN \"artist\" TEXT;"))
        .unwrap_err();
    assert_eq!(error.failure().unwrap().code.as_ref().unwrap().code(), "42701");
    assert_eq!(error.place().unwrap().line, 4);
    let told = told(error);
    assert!(told.contains("column \"artist\" of relation \"Song\" already exists (SQLSTATE 42701)"), "{told}");
    assert_unchanged(&database, &before);
    apply(&database, "1_init", SONG).unwrap();
}

#[test]
fn the_servers_position_leads_to_the_line() {
    let database = Database::new();
    let error =
        apply(&database, "1_x", "-- ä\nCREATE TABLE a (b INT);\n\nINSERT INTO a\n-- ö\nSELECT nope;").unwrap_err();
    assert_eq!(error.place().unwrap().line, 6);
}

#[test]
fn an_enum_recreated_by_prisma_is_undone_with_the_rest() {
    let database = Database::new();
    apply(
        &database,
        "1_init",
        "CREATE TYPE \"Role\" AS ENUM ('USER', 'ADMIN');\nCREATE TABLE u (role \"Role\" DEFAULT 'USER');",
    )
    .unwrap();
    let before = database.contents();
    let change = "-- AlterEnum
BEGIN;
CREATE TYPE \"Role_new\" AS ENUM ('USER');
ALTER TABLE u ALTER COLUMN role DROP DEFAULT;
ALTER TABLE u ALTER COLUMN role TYPE \"Role_new\" USING (role::text::\"Role_new\");
ALTER TYPE \"Role\" RENAME TO \"Role_old\";
ALTER TYPE \"Role_new\" RENAME TO \"Role\";
DROP TYPE \"Role_old\";
ALTER TABLE u ALTER COLUMN role SET DEFAULT 'USER';
COMMIT;
";
    apply(&database, "2_enum", &format!("{change}\nALTER TABLE nowhere ADD x INT;")).unwrap_err();
    assert_unchanged(&database, &before);
    apply(&database, "2_enum", change).unwrap();
    assert_eq!(database.value("SELECT string_agg(enumlabel, ',') FROM pg_enum"), "USER");
}

#[test]
fn a_held_lock_ends_the_wait_and_its_holder_is_named() {
    let database = Database::new();
    apply(&database, "1_init", SONG).unwrap();
    let before = database.contents();
    let mut holder = database.connect();
    holder
        .batch_execute("SET application_name = 'nightly report'; BEGIN; LOCK TABLE \"Song\" IN ACCESS SHARE MODE")
        .unwrap();
    let pid: i32 = holder.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
    let start = Instant::now();
    let error = apply(&database, "2_x", "CREATE TABLE x (y INT);\nALTER TABLE \"Song\" ADD plays INT;").unwrap_err();
    // two tries of 1 s and a pause of at most 1.5 s, on a machine that may be busy
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    let ApplyError::Locked { tries, blockers, .. } = &error else { panic!("{error:?}") };
    assert_eq!((*tries, blockers.len(), blockers[0].pid), (2, 1, pid));
    let told = told(error);
    assert!(
        told.contains("nightly report") && told.contains("idle in transaction") && told.contains("line 2"),
        "{told}"
    );
    holder.batch_execute("ROLLBACK").unwrap();
    assert_unchanged(&database, &before);
}

/// Copies a column before it goes, and keeps a table that the script drops.
#[derive(Default)]
struct Capture {
    tries: usize,
}

impl Hook for Capture {
    fn before(&mut self, client: &mut Client, migration: &Prepared) -> Result<(), Failure> {
        self.tries += 1;
        assert_eq!(migration.name, "2_drop");
        Ok(client.batch_execute("CREATE TABLE kept AS SELECT isrc, artist FROM \"Song\"")?)
    }

    fn instead(&mut self, client: &mut Client, statement: &Range<usize>) -> Result<bool, Failure> {
        let drops_table = statement.start > 0;
        if drops_table {
            client.batch_execute("CREATE SCHEMA aside; ALTER TABLE public.old SET SCHEMA aside")?;
        }
        Ok(drops_table)
    }

    fn after(&mut self, client: &mut Client) -> Result<(), Failure> {
        Ok(client.batch_execute("CREATE TABLE public.done (x INT)")?)
    }
}

#[test]
fn what_a_hook_does_is_committed_with_the_migration_or_undone_with_it() {
    let database = Database::new();
    apply(&database, "1_init", &format!("{SONG} CREATE TABLE old (x INT); INSERT INTO old VALUES (7);")).unwrap();
    let before = database.contents();
    let drops = "ALTER TABLE \"Song\" DROP artist;\nDROP TABLE old;";
    let mut hook = Capture::default();
    let failing = prepared("2_drop", &format!("{drops}\nSELECT 1 / 0;"));
    runner_at(database.url()).apply(&failing, &mut hook).unwrap_err();
    assert_unchanged(&database, &before);

    let mut holder = database.connect();
    holder.batch_execute("BEGIN; LOCK TABLE \"Song\" IN ACCESS SHARE MODE").unwrap();
    runner_at(database.url()).apply(&prepared("2_drop", drops), &mut hook).unwrap_err();
    holder.batch_execute("ROLLBACK").unwrap();
    assert_eq!(hook.tries, 3, "one failed, one and its retry waited in vain");
    assert_unchanged(&database, &before);

    runner_at(database.url()).apply(&prepared("2_drop", drops), &mut hook).unwrap();
    assert_eq!(database.rows("SELECT isrc, artist FROM kept"), ["1|Nina"]);
    assert_eq!(database.rows("SELECT x FROM aside.old"), ["7"]);
    assert_eq!(database.rows("SELECT x FROM done"), [""; 0]);

    // what cannot be kept stops the migration
    let error = runner_at(database.url()).apply(&prepared("2_drop", "SELECT 1;"), &mut hook).unwrap_err();
    assert!(matches!(error, ApplyError::AppliedMeanwhile { .. }), "{error:?}");
    database.execute("UPDATE _prisma_migrations SET rolled_back_at = now() WHERE migration_name = '2_drop'");
    let error = runner_at(database.url()).apply(&prepared("2_drop", "SELECT 1;"), &mut hook).unwrap_err();
    assert!(matches!(error, ApplyError::Uncaptured { .. }), "{error:?}");
    assert_eq!(database.count("_prisma_migrations"), 2);
}

/// Many tries: whenever the other session gets its turn, another try follows.
const PERSISTENT: Settings = Settings { lock_retries: 20, ..IMPATIENT };

fn apply_persistently(database: &Database, name: &str, sql: &str) -> Result<Applied, ApplyError> {
    let url = DatabaseUrl::parse(database.url()).unwrap();
    Runner::open(url, PERSISTENT, Arc::default()).unwrap().apply(&prepared(name, sql), &mut NoHook)
}

/// Whether a deploy waits for a lock now.
fn sees_waiting(client: &mut Client) -> bool {
    let query = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'prisma-safe deploy' \
                 AND datname = current_database() AND wait_event_type = 'Lock')";
    client.query_one(query, &[]).unwrap().get(0)
}

#[test]
fn a_lock_that_is_given_back_lets_the_next_try_succeed() {
    let database = Database::new();
    apply(&database, "1_init", SONG).unwrap();
    let (mut holder, mut observer) = (database.connect(), database.connect());
    holder.batch_execute("BEGIN; LOCK TABLE \"Song\" IN ACCESS SHARE MODE").unwrap();
    let released = thread::spawn(move || {
        wait_until(|| sees_waiting(&mut observer));
        // the first try is over
        wait_until(|| !sees_waiting(&mut observer));
        holder.batch_execute("ROLLBACK").unwrap();
    });
    let applied = apply_persistently(&database, "2_x", "ALTER TABLE \"Song\" ADD plays INT;").unwrap();
    assert!(applied.tries >= 2, "{applied:?}");
    released.join().unwrap();
}

#[test]
fn nothing_is_tried_again_on_a_schema_that_changed() {
    let database = Database::new();
    apply(&database, "1_init", SONG).unwrap();
    let (mut holder, mut other) = (database.connect(), database.connect());
    holder.batch_execute("BEGIN; LOCK TABLE \"Song\" IN ACCESS SHARE MODE").unwrap();
    let changed = thread::spawn(move || {
        wait_until(|| sees_waiting(&mut other));
        other.batch_execute("CREATE TABLE other (x INT)").unwrap();
    });
    let error = apply_persistently(&database, "2_x", "ALTER TABLE \"Song\" ADD plays INT;").unwrap_err();
    assert!(matches!(error, ApplyError::CatalogChanged { .. }), "{error:?}");
    changed.join().unwrap();
    assert_eq!(database.count("_prisma_migrations"), 1);
}

#[test]
fn a_running_prisma_is_waited_for_and_named() {
    let database = Database::new();
    let mut prisma = database.connect();
    prisma.batch_execute("SET application_name = 'schema engine'; SELECT pg_advisory_lock(72707369)").unwrap();
    let error = apply(&database, "1_init", SONG).unwrap_err();
    assert!(matches!(error, ApplyError::Busy { .. }), "{error:?}");
    assert!(told(error).contains("schema engine"));
    prisma.batch_execute("SELECT pg_advisory_unlock_all()").unwrap();
    apply(&database, "1_init", SONG).unwrap();
    // Prisma's engine needs it next
    let held = "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database AND datname = current_database() WHERE locktype = 'advisory'";
    assert_eq!(database.value(held), "0");
}

#[test]
fn the_history_decides_under_the_lock() {
    let database = Database::new();
    apply(&database, "1_init", SONG).unwrap();
    assert!(matches!(apply(&database, "1_init", SONG).unwrap_err(), ApplyError::AppliedMeanwhile { .. }));
    database.execute("INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('x', 'y', '2_broken')");
    let error = apply(&database, "3_next", "CREATE TABLE x (y INT)").unwrap_err();
    assert!(told(error).contains("2_broken"));
    database.execute("UPDATE _prisma_migrations SET rolled_back_at = now() WHERE id = 'x'");
    apply(&database, "2_broken", "CREATE TABLE x (y INT)").unwrap();
}

#[test]
fn a_session_ended_in_the_middle_leaves_nothing() {
    let database = Database::new();
    let before = database.contents();
    let error =
        apply(&database, "1_init", &format!("{SONG}\nSELECT pg_terminate_backend(pg_backend_pid());")).unwrap_err();
    assert!(matches!(error, ApplyError::Cut { .. }), "{error:?}");
    assert_unchanged(&database, &before);
}

#[test]
fn a_session_ended_at_commit_is_found_to_have_left_nothing() {
    let database = Database::new();
    database.execute(
        "CREATE TABLE t (x INT);
         CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
         CREATE CONSTRAINT TRIGGER die AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()",
    );
    let before = database.contents();
    let error = apply(&database, "1_x", "CREATE TABLE a (b INT); INSERT INTO t VALUES (1);").unwrap_err();
    assert!(matches!(error, ApplyError::Cut { .. }), "{error:?}");
    assert_unchanged(&database, &before);
}

#[test]
fn a_commit_whose_answer_is_lost_is_found_applied() {
    let database = Database::new();
    let proxy = Proxy::once(database.url(), &["COMMIT\0"], Pass::Unanswered);
    let applied = runner_at(proxy.url()).apply(&prepared("1_init", SONG), &mut NoHook).unwrap();
    assert_eq!(applied.name, "1_init");
    let history = History::read(&mut database.connect(), "public").unwrap().unwrap();
    assert_eq!(history.rows.len(), 1);
    assert!(history.rows[0].finished_at.is_some());
}

#[test]
fn a_statement_does_not_outlive_its_client() {
    let database = Database::new();
    let before = database.contents();
    let proxy = Proxy::plain(database.url());
    let mut runner = runner_at(proxy.url());
    let client = thread::spawn(move || {
        runner.apply(&prepared("1_x", "CREATE TABLE a (b INT);\nSELECT pg_sleep(60);"), &mut NoHook)
    });
    let sleeping = || database.value("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60)%'");
    wait_until(|| sleeping() == "1");
    proxy.cut();
    let error = client.join().unwrap().unwrap_err();
    assert!(matches!(error, ApplyError::Cut { .. }), "{error:?}");
    wait_until(|| sleeping() == "0");
    assert_unchanged(&database, &before);
}

fn wait_until(mut condition: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < until, "waited in vain");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn an_interruption_cancels_and_undoes() {
    let database = Database::new();
    database.execute("CREATE TABLE a (b INT DEFAULT 1)");
    let before = database.contents();
    let interrupt = Arc::new(AtomicBool::new(false));
    let mut runner =
        Runner::open(DatabaseUrl::parse(database.url()).unwrap(), IMPATIENT, Arc::clone(&interrupt)).unwrap();
    let running = thread::spawn(move || {
        runner.apply(&prepared("1_x", "ALTER TABLE a ADD c INT;\nSELECT pg_sleep(15);"), &mut NoHook)
    });
    wait_until(|| {
        database.value("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(15)%'") == "1"
    });
    // the onlooker's first look is over: it took the catalog's fingerprint, while the transaction has the table
    let looked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                  AND application_name = 'prisma-safe watch' AND query LIKE 'SELECT coalesce(a.pid%'";
    wait_until(|| database.value(looked) == "1");
    // whoever looks on is cut off, and looks on again
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'prisma-safe watch' \
               AND datname = current_database()";
    assert_eq!(database.value(cut), "1");
    let sees = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'prisma-safe watch' AND datname = current_database()";
    wait_until(|| database.value(sees) == "1");
    let start = Instant::now();
    interrupt.store(true, Ordering::Relaxed);
    let error = running.join().unwrap().unwrap_err();
    assert!(matches!(error, ApplyError::Interrupted { .. }), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_unchanged(&database, &before);
}

#[test]
fn what_a_script_sets_does_not_reach_the_next() {
    let database = Database::new();
    let mut runner = runner_at(database.url());
    runner
        .apply(&prepared("1_x", "CREATE SCHEMA other; SET search_path = other; SET lock_timeout = 1; SET standard_conforming_strings = off; CREATE TABLE here (x INT);"), &mut NoHook)
        .unwrap();
    runner.apply(&prepared("2_y", "CREATE TABLE there (x INT); CREATE TABLE settings AS SELECT current_setting('lock_timeout') AS l, current_setting('standard_conforming_strings') AS s"), &mut NoHook).unwrap();
    assert_eq!(
        database.rows(
            "SELECT relnamespace::regnamespace FROM pg_class WHERE relname IN ('here', 'there') ORDER BY relname"
        ),
        ["other", "public"]
    );
    assert_eq!(database.value("SELECT l, s FROM settings"), "1s|on");
    assert_eq!(database.value("SELECT count(*) FROM _prisma_migrations WHERE finished_at IS NOT NULL"), "2");
}

#[test]
fn the_urls_schema_is_where_things_go() {
    let database = Database::new();
    let url = format!("{}?schema=My%20App&connection_limit=1", database.url());
    runner_at(&url).apply(&prepared("1_init", SONG), &mut NoHook).unwrap();
    assert_eq!(
        database.rows(
            "SELECT relname FROM pg_class WHERE relnamespace = '\"My App\"'::regnamespace AND relkind = 'r' ORDER BY 1"
        ),
        ["Song", "_prisma_migrations"]
    );
}

#[test]
fn a_commit_of_its_own_is_noticed() {
    let database = Database::new();
    let error = apply(&database, "1_x", "CREATE TABLE a (b INT);\nDO $$ BEGIN COMMIT; END $$;").unwrap_err();
    // the server allows it only outside of a transaction block
    assert_eq!(error.failure().unwrap().code.as_ref().unwrap().code(), "2D000");
    assert_eq!(database.rows("SELECT relname FROM pg_class WHERE relname = 'a'"), [""; 0]);
}

#[test]
fn a_constraint_checked_at_commit_undoes_everything() {
    let database = Database::new();
    database.execute(
        "CREATE TABLE p (id INT PRIMARY KEY); CREATE TABLE c (p INT REFERENCES p DEFERRABLE INITIALLY DEFERRED)",
    );
    let before = database.contents();
    let error = apply(&database, "1_x", "CREATE TABLE a (b INT); INSERT INTO c VALUES (1);").unwrap_err();
    assert_eq!(error.failure().unwrap().code.as_ref().unwrap().code(), "23503");
    assert_unchanged(&database, &before);
}

/// Prisma sees what it would have done itself, down to the history's table.
fn prisma_accepts_what_was_applied(prisma: Prisma) {
    let sql = "CREATE TABLE \"Song\" (\n    \"isrc\" TEXT NOT NULL,\n\n    CONSTRAINT \"Song_pkey\" PRIMARY KEY (\"isrc\")\n);\n";
    let project =
        || Project::on(prisma).schema("model Song {\n  isrc String @id\n}\n").migration("20250101000000_init", sql);
    let (ours, theirs) = (project(), project());
    theirs.prisma(["migrate", "deploy"]).succeeds();
    apply(ours.database(), "20250101000000_init", sql).unwrap();
    assert_eq!(ours.database().catalog(), theirs.database().catalog());
    let row = "SELECT migration_name, checksum, applied_steps_count, logs IS NULL OR logs = '', rolled_back_at FROM _prisma_migrations";
    assert_eq!(ours.database().rows(row), theirs.database().rows(row));
    ours.prisma(["migrate", "status"]).succeeds().says("Database schema is up to date!");
    ours.prisma(["migrate", "deploy"]).succeeds().says("No pending migrations to apply.");
}

#[test]
fn prisma_7_accepts_what_was_applied() {
    prisma_accepts_what_was_applied(Prisma::V7);
}

#[test]
fn prisma_6_accepts_what_was_applied() {
    prisma_accepts_what_was_applied(Prisma::V6);
}
