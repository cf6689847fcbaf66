//! What can go wrong: all or nothing, and it can be tried again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use postgres::Client;
use prisma_safe::database;
use prisma_safe::deploy::Settings;
use prisma_safe::exit::Exit;
use prisma_safe::undo::{self, Down, Fill, Rights};

use super::story::{Story, rollbacks, settings};
use crate::support::proxy::{Pass, Proxy};

const INIT: &str = "CREATE TABLE album (id INT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE song (id INT PRIMARY KEY, artist TEXT NOT NULL, album INT REFERENCES album (id));
INSERT INTO album SELECT n, 'album ' || n FROM generate_series(1, 10) n;
INSERT INTO song SELECT n, 'artist ' || n, 1 + n % 10 FROM generate_series(1, 100) n;";

#[test]
fn a_rollback_whose_session_is_killed_leaves_nothing_and_can_be_run_again() {
    let mut story = Story::new(INIT);
    story.apply("2_drop", "ALTER TABLE song DROP COLUMN artist").unwrap();
    let before = story.database.contents();
    // it gets as far as the lock
    let mut holder = story.database.connect();
    holder.batch_execute("BEGIN; LOCK TABLE song IN ACCESS SHARE MODE").unwrap();
    let error = thread::scope(|scope| {
        let mut client = story.database.connect();
        scope.spawn(move || {
            let until = Instant::now() + Duration::from_secs(20);
            while Instant::now() < until {
                let killed = client
                    .query(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'prisma-safe rollback' \
                         AND wait_event_type = 'Lock' AND datname = current_database()",
                        &[],
                    )
                    .unwrap();
                if !killed.is_empty() {
                    return;
                }
                thread::sleep(Duration::from_millis(20));
            }
        });
        story.back(&[]).unwrap_err()
    });
    assert!(error.to_string().contains("2_drop was not rolled back"), "{error:?}");
    holder.batch_execute("ROLLBACK").unwrap();
    assert_eq!(story.database.contents(), before);
    let done = story.back(&[]).unwrap();
    assert_eq!(done.put_back[0].restored, 100);
    assert_eq!(story.count("song WHERE artist = 'artist ' || id"), 100);
}

/// Waits for a lock of a table for one second, and tries once more.
fn impatient() -> Settings {
    Settings { lock_timeout: Duration::from_secs(1), lock_retries: 1, ..settings() }
}

/// A column is dropped, and `holder` reads its table in an open transaction.
fn held() -> (Story, Client) {
    let mut story = Story::new(INIT);
    story.apply("2_drop", "ALTER TABLE song DROP COLUMN artist").unwrap();
    let mut holder = story.database.connect();
    let hold = "SET application_name = 'nightly report'; BEGIN; LOCK TABLE song IN ACCESS SHARE MODE";
    holder.batch_execute(hold).unwrap();
    (story, holder)
}

/// Whether a rollback in this database waits for a lock.
fn waits(client: &mut Client) -> bool {
    let asks = "SELECT FROM pg_stat_activity WHERE application_name = 'prisma-safe rollback' \
                AND wait_event_type = 'Lock' AND datname = current_database()";
    !client.query(asks, &[]).unwrap().is_empty()
}

fn wait_until(mut condition: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < until, "waited in vain");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_table_in_the_way_is_waited_for_and_then_nothing_has_changed() {
    let (story, mut holder) = held();
    let before = story.database.contents();
    let pid: i32 = holder.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
    let mut runner = rollbacks(story.database.url(), impatient(), &Arc::default());
    let error = story.back_through(&mut runner, &story.down(), &[]).unwrap_err();
    assert!(error.to_string().contains("2_drop was not rolled back: tried 2 times"), "{error:?}");
    assert!(error.to_string().contains("at down.sql line "), "{error:?}");
    let causes = error.causes().join("\n");
    assert!(causes.contains(&format!("session {pid} (nightly report")), "{causes}");
    let help = error.help_text().unwrap();
    assert!(help.contains("nothing has changed") && help.contains(&format!("pg_terminate_backend({pid})")), "{help}");
    holder.batch_execute("ROLLBACK").unwrap();
    assert_eq!(story.database.contents(), before);
}

#[test]
fn a_lock_that_is_given_back_lets_the_next_try_succeed() {
    let (story, mut holder) = held();
    let (url, down) = (story.database.url().to_owned(), story.down());
    let done = thread::scope(|scope| {
        let rollback = scope.spawn(|| {
            // so many tries that the test does not depend on how fast the machine is
            let patient = Settings { lock_retries: 20, ..impatient() };
            story.back_through(&mut rollbacks(&url, patient, &Arc::default()), &down, &[])
        });
        let mut client = story.database.connect();
        wait_until(|| waits(&mut client));
        wait_until(|| !waits(&mut client));
        holder.batch_execute("ROLLBACK").unwrap();
        rollback.join().unwrap().unwrap()
    });
    assert!(done.tries > 1, "{}", done.tries);
    assert_eq!(story.count("song WHERE artist = 'artist ' || id"), 100);
}

#[test]
fn nothing_is_rolled_back_on_a_schema_that_changed_since_the_first_try() {
    let (story, mut holder) = held();
    let (url, down) = (story.database.url().to_owned(), story.down());
    let error = thread::scope(|scope| {
        let rollback = scope.spawn(|| {
            let mut runner = rollbacks(&url, impatient(), &Arc::default());
            story.back_through(&mut runner, &down, &[]).unwrap_err()
        });
        let mut client = story.database.connect();
        wait_until(|| waits(&mut client));
        client.batch_execute("CREATE TABLE meanwhile (x INT)").unwrap();
        rollback.join().unwrap()
    });
    assert!(error.to_string().contains("someone changed the schema while it waited for a lock"), "{error:?}");
    holder.batch_execute("ROLLBACK").unwrap();
    assert_eq!(
        story
            .database
            .rows("SELECT attname FROM pg_attribute WHERE attrelid = 'song'::regclass AND attname = 'artist'"),
        [""; 0]
    );
}

#[test]
fn an_interruption_cancels_what_runs_and_leaves_nothing() {
    let (story, mut holder) = held();
    let (url, down, before) = (story.database.url().to_owned(), story.down(), story.database.contents());
    let interrupt = Arc::new(AtomicBool::new(false));
    let (error, took) = thread::scope(|scope| {
        let rollback = scope.spawn(|| {
            // it would wait for the lock long after the test is over
            let endless = Settings { lock_timeout: Duration::ZERO, ..impatient() };
            story.back_through(&mut rollbacks(&url, endless, &interrupt), &down, &[]).unwrap_err()
        });
        let mut client = story.database.connect();
        wait_until(|| waits(&mut client));
        let start = Instant::now();
        interrupt.store(true, Ordering::Relaxed);
        (rollback.join().unwrap(), start.elapsed())
    });
    assert_eq!(error.exit(), Exit::Cancelled);
    assert!(took < Duration::from_secs(5), "{took:?}");
    holder.batch_execute("ROLLBACK").unwrap();
    assert_eq!(story.database.contents(), before);
}

#[test]
fn a_commit_whose_answer_is_lost_is_found_rolled_back() {
    let mut story = Story::new(INIT);
    story.apply("2_drop", "ALTER TABLE song DROP COLUMN artist").unwrap();
    let proxy = Proxy::once(story.database.url(), &["COMMIT\0"], Pass::Unanswered);
    let mut runner = rollbacks(proxy.url(), settings(), &Arc::default());
    let done = story.back_through(&mut runner, &story.down(), &[]).unwrap();
    assert_eq!(done.put_back[0].restored, 100);
    assert_eq!(story.count("song WHERE artist = 'artist ' || id"), 100);
}

#[test]
fn values_whose_partner_is_gone_are_orphans() {
    let mut story = Story::new(INIT);
    story.apply("2_drop", "ALTER TABLE song DROP COLUMN album; DROP TABLE album;").unwrap();
    // the albums come back whole, so nothing is orphaned
    let done = story.back(&[]).unwrap();
    assert_eq!(
        done.put_back.iter().map(|each| (each.restored, each.orphaned)).collect::<Vec<_>>(),
        [(10, 0), (100, 0)]
    );
    // one album goes while the songs do not know theirs
    story.apply("2_drop", "ALTER TABLE song DROP COLUMN album;").unwrap();
    story.database.execute("DELETE FROM album WHERE id = 3");
    let done = story.back(&[]).unwrap();
    assert_eq!((done.put_back[0].restored, done.put_back[0].orphaned), (90, 10));
    assert_eq!(story.count("song WHERE album IS NULL"), 10);
    // deleted songs whose album is gone since
    story.apply("2_delete", "DELETE FROM song WHERE id <= 20").unwrap();
    story.database.execute("DELETE FROM song WHERE album = 4; DELETE FROM album WHERE id = 4");
    let done = story.back(&[]).unwrap();
    assert_eq!((done.put_back[0].restored, done.put_back[0].orphaned), (18, 2));
}

#[test]
fn a_failed_migration_is_taken_back_as_far_as_it_came() {
    let up = "CREATE TABLE tag (id INT PRIMARY KEY);\nCREATE UNIQUE INDEX CONCURRENTLY song_album ON song (album);\nALTER TABLE song ADD COLUMN x INT;";
    for ran in 0..=2 {
        let mut story = Story::new(INIT);
        let before = story.database.contents();
        let statements: Vec<&str> = up.split('\n').take(ran).collect();
        // the index fails on duplicates and is left invalid
        story.fail("2_fail", up, &statements);
        let done = story.back(&[]).unwrap();
        assert_eq!(done.statements, ran);
        story.database.execute("DROP SCHEMA _prisma_safe CASCADE");
        assert_eq!(story.database.contents(), before);
    }
}

#[test]
fn what_does_not_lead_back_is_not_committed() {
    let mut story = Story::new(INIT);
    story.apply("2_drop", "ALTER TABLE song DROP COLUMN artist").unwrap();
    let before = story.database.contents();
    let down = Down::parse("ALTER TABLE song ADD COLUMN artist VARCHAR(20);".into(), None).unwrap();
    let error = story.back_by(&down, &[]).unwrap_err();
    assert!(error.causes().join("\n").contains("public.song.artist has the type"), "{error:?}");
    assert_eq!(story.database.contents(), before);
    // what somebody has changed meanwhile is no difference of the rollback's
    story.database.execute("CREATE INDEX later ON song (id, album)");
    story.back(&[]).unwrap();
    assert_eq!(story.count("song WHERE artist = 'artist ' || id"), 100);
}

#[test]
fn rows_written_since_need_a_value_for_what_is_required_again() {
    let mut story = Story::new(INIT);
    story.apply("2_drop", "ALTER TABLE song DROP COLUMN artist").unwrap();
    story.database.execute("INSERT INTO song VALUES (101, 1), (102, 1)");
    let error = story.back(&[]).unwrap_err();
    assert_eq!(error.exit(), Exit::Decision);
    assert!(error.to_string().contains("2 rows have no value for song.artist"), "{error:?}");
    let fill = Fill { table: "song".into(), column: "artist".into(), value: "it's nobody".into() };
    let done = story.back(&[fill]).unwrap();
    assert_eq!(done.filled, [("song.artist".to_owned(), 2)]);
    assert_eq!(story.count("song WHERE artist = 'it''s nobody'"), 2);
}

#[test]
fn capsules_go_when_their_time_is_over() {
    let mut story = Story::new(INIT);
    story
        .apply("2_drop", "ALTER TABLE song DROP COLUMN artist; ALTER TABLE song DROP COLUMN album; DROP TABLE album;")
        .unwrap();
    let mut client = story.database.connect();
    let week = Duration::from_secs(7 * 86_400);
    assert_eq!(undo::prune(&mut client, Timestamp::now(), week).unwrap(), []);
    let later = Timestamp::now() + jiff::SignedDuration::from_secs(8 * 86_400);
    let gone = undo::prune(&mut client, later, week).unwrap();
    assert_eq!(gone.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["2_drop"]);
    let left = story.database.rows("SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = '_prisma_safe' AND relkind = 'r' ORDER BY 1");
    assert_eq!(left, ["capsules", "captures"]);
    assert_eq!(undo::prune(&mut client, later, week).unwrap(), []);
    // without the capsule the structure comes back, and the values are asked for
    assert_eq!(story.back(&[]).unwrap_err().exit(), Exit::Decision);
}

#[test]
fn nobody_else_may_look_into_a_capsule_and_who_may_make_none_is_told() {
    let mut story = Story::new(INIT);
    let role = format!("reader_{}", std::process::id());
    story.database.execute(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'x'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"
    ));
    story.apply("2_drop", "DROP TABLE album CASCADE; ALTER TABLE song DROP COLUMN artist;").unwrap();
    let mut url = url::Url::parse(story.database.url()).unwrap();
    url.set_username(&role).unwrap();
    url.set_password(Some("x")).unwrap();
    let mut client = database::connect(&database::DatabaseUrl::parse(url.as_str()).unwrap(), "test").unwrap();
    assert_eq!(undo::rights(&mut client).unwrap(), Rights::Missing);
    for storage in story.database.rows("SELECT quote_ident(storage) FROM _prisma_safe.captures") {
        assert!(client.query(&format!("SELECT * FROM _prisma_safe.{storage}"), &[]).is_err());
    }
    drop(client);
    story.database.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}
