//! Copies of a guarded database: dumps, restores, and what becomes of the guard in them.

use std::process::Command;

use prisma_safe::env::Env;
use prisma_safe::tools::scratch::server_programs;

use super::{guarded, refused};
use crate::restore::{backup, beside, drop_beside};
use crate::support::postgres::{PASSWORDS, USER};
use crate::support::{Database, Prisma, Project};

fn state(project: &Project) -> String {
    let document = project.run(["guard", "status", "--format", "json"]).json();
    document["state"].as_str().expect("a word").to_owned()
}

/// The old database is gone and a backup stands in its place: guarded as the old one was.
#[test]
fn a_restore_is_guarded_again() {
    let project = guarded(Prisma::V7);
    let database = project.database();
    project.run(["guard", "on", "--tables", "all"]).succeeds();
    let backup = backup(&project);
    database.execute("DELETE FROM \"Song\" WHERE isrc <> 'isrc 1'");
    project.run(["restore", &backup]).succeeds().says_nothing_of("no guard");
    assert_eq!(database.count("Song"), 10);
    assert_eq!(state(&project), "on");
    refused(database, "DROP TABLE \"Song\"");
    refused(database, "TRUNCATE \"Song\"");
    refused(database, "DELETE FROM _prisma_migrations");
    drop_beside(database);
}

#[test]
fn so_is_one_that_swaps_schemas() {
    let project = guarded(Prisma::V7);
    let database = project.database();
    let backup = backup(&project);
    database.execute("DELETE FROM \"Song\" WHERE isrc <> 'isrc 1'");
    project.run(["restore", &backup, "--swap", "schemas"]).succeeds();
    assert_eq!((database.count("Song"), beside(database).len()), (10, 0));
    assert_eq!(state(&project), "on");
    refused(database, "DROP TABLE \"Song\"");
    // what was set aside is nobody's production any more
    for schema in database.rows("SELECT nspname FROM pg_namespace WHERE nspname LIKE '!_prisma!_safe!_old%' ESCAPE '!'")
    {
        database.execute(&format!("DROP SCHEMA \"{schema}\" CASCADE"));
    }
    assert_eq!(state(&project), "on");
}

/// A table beside the live one, and a backup into an empty database, meet no guard.
#[test]
fn what_is_restored_elsewhere_is_not_guarded() {
    let project = guarded(Prisma::V7);
    let backup = backup(&project);
    project.run(["restore", &backup, "--table", "Song"]).succeeds();
    assert_eq!(project.database().value("SELECT count(*) FROM _prisma_safe_side.\"Song\""), "10");
    let other = Database::new();
    project.run(["restore", &backup, "--into", other.url()]).succeeds();
    assert_eq!(other.count("Song"), 10);
    other.execute("DROP TABLE \"Song\"");
    assert_eq!(other.value("SELECT count(*) FROM pg_event_trigger"), "0");
    assert_eq!(state(&project), "on");
}

/// Loads a file of the project, all of it or nothing.
#[track_caller]
fn psql(project: &Project, into: &Database, file: &str) {
    let programs = server_programs(&Env::read()).expect("PostgreSQL");
    let url = url::Url::parse(into.url()).expect("a URL");
    let loaded = Command::new(programs.join("psql"))
        .args([
            "--no-psqlrc",
            "--quiet",
            "--set=ON_ERROR_STOP=1",
            "--single-transaction",
            "--host=127.0.0.1",
            "--username",
            USER,
        ])
        .arg(format!("--port={}", url.port().expect("a port")))
        .args(["--dbname", into.name(), "--file"])
        .arg(project.path(file))
        .env("PGPASSWORD", PASSWORDS[0])
        .output()
        .expect("psql beside the server");
    assert!(loaded.status.success(), "{}", String::from_utf8_lossy(&loaded.stderr));
}

/// PostgreSQL's own programs dump and load it; the guard sleeps in the copy until somebody wakes it.
#[test]
fn pg_dump_and_psql_bring_it_along_asleep() {
    let project = guarded(Prisma::V7);
    project.run(["guard", "on", "--tables", "all"]).succeeds();
    let database = project.database();
    let other = Database::new();
    project.write("dump.sql", &database.contents());
    psql(&project, &other, "dump.sql");
    assert_eq!(other.count("Song"), 10);
    other.execute("ALTER TABLE \"Song\" ADD made int; TRUNCATE \"Song\"; DELETE FROM _prisma_migrations");
    project.run(["guard", "status", "--url", other.url()]).exits(1).says("sleeps").says("guard on");
    project.run(["guard", "on", "--url", other.url()]).succeeds();
    refused(&other, "DROP TABLE \"Song\"");
    project.run(["guard", "status", "--url", other.url()]).succeeds().says("every table");

    // a backup of prisma-safe, read by psql alone, has none of its tables: there it can only sleep
    let backup = format!("backups/{}", backup(&project));
    let another = Database::new();
    psql(&project, &another, &backup);
    another.execute("ALTER TABLE \"Song\" ADD made int; DELETE FROM _prisma_migrations; DROP TABLE \"Song\"");
    project.run(["guard", "status", "--url", another.url()]).exits(1).says("guard_setting is missing");
    project.run(["guard", "on", "--url", another.url()]).succeeds();
    refused(&another, "CREATE TABLE made (id int)");

    // so it does in a copy of the files' own kind
    let copy = database.copy();
    copy.execute("DROP TABLE \"Song\" CASCADE; DROP SCHEMA _prisma_safe CASCADE");
    assert_eq!(copy.value("SELECT count(*) FROM pg_event_trigger"), "0");
    refused(database, "DROP TABLE \"Song\"");
}
