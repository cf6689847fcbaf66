//! `backfill`: batches beside everyone else's work, also after a kill.

use std::process::Stdio;

use super::{SONG, SONG_SQL, deployed};
use crate::support::schema::assert_valid;
use crate::support::{Project, soon};

/// So many songs, with the expand of a rename deployed.
fn expanded(rows: u32) -> Project {
    let project = Project::prisma7().schema(SONG).migration("20250101000000_init", SONG_SQL).applied();
    project.database().execute(&super::ROWS.replace("1, 500", &format!("1, {rows}")));
    project.run(["phases", "rename", "Song.artist:artist_name"]).succeeds();
    deployed(&project);
    project
}

const FILLED: &str = "SELECT count(*) FROM \"Song\" WHERE artist = artist_name";

#[test]
fn a_killed_run_is_gone_on_with() {
    let project = expanded(30_000);
    let database = project.database();
    project.run(["backfill", "--dry-run", "--format", "json"]).succeeds().json();
    let sample = project.run(["backfill", "--dry-run", "--format", "json"]).succeeds().json();
    assert_valid("backfill-sample", &sample);
    assert_eq!(sample["sample"][0]["after"], sample["sample"][0]["from"]);
    assert_eq!(database.value(FILLED), "0");
    // slow enough to be killed in between, twice
    for _ in 0..2 {
        let before: u32 = database.value(FILLED).parse().unwrap();
        let arguments = ["backfill", "--target", "2ms", "--load", "0.05"];
        let program = env!("CARGO_BIN_EXE_prisma-safe");
        let mut run = project.command(program, arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        soon("some rows are filled", || database.value(FILLED).parse::<u32>().unwrap() > before + 200);
        run.kill().unwrap();
        run.wait().unwrap();
        let sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'prisma-safe backfill' AND datname = current_database()";
        soon("its sessions are gone", || database.value(sessions) == "0");
    }
    let before: u64 = database.value(FILLED).parse().unwrap();
    assert!(before < 30_000);
    let done = project.run(["backfill", "--format", "json"]).succeeds().says("Resuming").json();
    assert_valid("backfill", &done);
    assert_eq!((done["filled"].as_u64(), database.value(FILLED).as_str()), (Some(30_000 - before), "30000"));
    // nothing is left to do, and nothing is done
    let again = project.run(["backfill", "--format", "json"]).succeeds().json();
    assert_eq!((again["filled"].as_u64(), &again["resumedAfter"]), (Some(0), &serde_json::Value::Null));
}

#[test]
fn it_fills_beside_writers_and_passes_over_what_they_hold() {
    let project = expanded(20_000);
    let database = project.database();
    let mut holder = database.connect();
    holder.batch_execute("BEGIN; UPDATE \"Song\" SET plays = 9 WHERE id BETWEEN 100 AND 200").unwrap();
    let program = env!("CARGO_BIN_EXE_prisma-safe");
    let run = project
        .command(program, ["backfill", "--workers", "3", "--target", "10ms"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut writer = database.connect();
    let mut written = 0;
    soon("all but the held rows are filled", || {
        for id in [7, 150 + 50 * 200, 19_999] {
            written += 1;
            writer.execute("UPDATE \"Song\" SET artist = $1 WHERE id = $2", &[&format!("w{written}"), &id]).unwrap();
        }
        database.value(FILLED).parse::<u32>().unwrap() >= 20_000 - 101
    });
    holder.batch_execute("COMMIT").unwrap();
    assert!(run.wait_with_output().unwrap().status.success());
    assert_eq!(database.value(FILLED), "20000");
    let long = "SELECT count(*) FROM _prisma_safe.backfill_batches";
    assert_eq!(database.value(long), "0");
}

#[test]
fn rows_that_cannot_be_filled_are_named() {
    let project = Project::prisma7().schema(SONG).migration("20250101000000_init", SONG_SQL).applied();
    project.database().execute(super::ROWS);
    project.run(["phases", "retype", "Song.duration", "Int"]).succeeds();
    deployed(&project);
    let database = project.database();
    // written where no trigger looked
    database
        .execute("SET session_replication_role = replica; UPDATE \"Song\" SET duration = 'long' WHERE id IN (77, 300)");
    // the old release still writes such a row
    database.execute("UPDATE \"Song\" SET plays = 3 WHERE id = 77");
    project.run(["backfill"]).exits(1).says("the row id = 77 cannot be filled").says("invalid input syntax");
    let refused =
        project.run(["backfill", "--keep-going", "--format", "json"]).exits(1).says("2 rows could not be filled");
    let document = refused.json();
    assert_valid("backfill", &document);
    assert_eq!(document["refused"].as_array().map(Vec::len), Some(2), "{document:#}");
    assert_eq!(database.value("SELECT count(*) FROM \"Song\" WHERE duration_int IS NOT NULL"), "498");
    // the new release may set it right, and so may the old one
    database.execute(
        "UPDATE \"Song\" SET duration_int = 4 WHERE id = 77; UPDATE \"Song\" SET duration = '5' WHERE id = 300",
    );
    project.run(["backfill"]).succeeds();
    assert_eq!(
        database.rows("SELECT duration, duration_int FROM \"Song\" WHERE id IN (77, 300) ORDER BY id"),
        ["4|4", "5|5"]
    );
}

/// A table that Prisma does not need a key for has none: places are keys.
#[test]
fn a_table_without_a_key_is_filled_by_its_places() {
    const SCHEMA: &str = "model Line {\n  no   Int?    @unique\n  text String\n}\n";
    const SQL: &str = "CREATE TABLE \"Line\" (\"no\" INTEGER, \"text\" TEXT NOT NULL);\nCREATE UNIQUE INDEX \"Line_no_key\" ON \"Line\"(\"no\");\n";
    let project = Project::prisma7()
        .schema(&SCHEMA.replace("Int?    ", "Int     "))
        .migration("20250101000000_init", &SQL.replace("INTEGER,", "INTEGER NOT NULL,"))
        .applied();
    project.database().execute("ALTER TABLE \"Line\" ALTER COLUMN no DROP NOT NULL; INSERT INTO \"Line\" SELECT n, 'text ' || n FROM generate_series(1, 20000) n; DELETE FROM \"Line\" WHERE no % 3 = 0; UPDATE \"Line\" SET no = NULL WHERE no % 5 = 0");
    project.run(["phases", "rename", "Line.text:words"]).succeeds();
    project.prisma(["migrate", "deploy"]).succeeds();
    project.run(["backfill", "--dry-run"]).succeeds().says("ctid = (0,1): NULL -> \"text 1\"");
    project.run(["backfill", "--workers", "2"]).succeeds().says("filled 13,334 rows");
    assert_eq!(project.database().value("SELECT count(*) FROM \"Line\" WHERE text <> words OR words IS NULL"), "0");
}

/// Many sessions at work, or a standby behind: it waits, and says why.
#[test]
fn it_pauses_where_the_server_is_busy() {
    let project = expanded(2_000);
    let database = project.database();
    let busy = database.connect();
    let cancel = busy.cancel_token();
    let sleeping = std::thread::spawn(move || {
        let mut busy = busy;
        let _ = busy.batch_execute("SELECT pg_sleep(600)");
    });
    let mut other = database.connect();
    let other_cancel = other.cancel_token();
    let also = std::thread::spawn(move || {
        let _ = other.batch_execute("SELECT pg_sleep(600)");
    });
    let active = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%' AND datname = current_database()";
    soon("two sessions are at work", || database.value(active) == "2");
    let program = env!("CARGO_BIN_EXE_prisma-safe");
    let mut run = project
        .command(program, ["backfill", "--max-active", "1"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'prisma-safe backfill' AND datname = current_database() AND query LIKE '%pg_stat_replication%'";
    soon("it asks how busy the server is", || database.value(waits).parse::<u32>().unwrap() > 0);
    assert_eq!(database.value(FILLED), "0");
    cancel.cancel_query(postgres::NoTls).unwrap();
    other_cancel.cancel_query(postgres::NoTls).unwrap();
    sleeping.join().unwrap();
    also.join().unwrap();
    soon("the rows are filled", || database.value(FILLED) == "2000");
    assert!(run.wait().unwrap().success());
}
