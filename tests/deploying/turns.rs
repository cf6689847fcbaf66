//! Two deploys at once, and sessions in the way.

use postgres::Client;

use super::{ADD_YEAR, YEAR, pending};
use crate::journey::songs;
use crate::support::{Prisma, Project};

const PATIENT: &str = "[deploy]\nlock-timeout-seconds = 60\ndeploy-wait-seconds = 120\n";

/// A session that stops every ALTER TABLE, and no dump.
fn in_the_way(project: &Project) -> Client {
    let mut session = project.database().connect();
    session.batch_execute("BEGIN; LOCK TABLE \"Song\" IN ACCESS SHARE MODE").unwrap();
    session
}

fn waits_for_a_lock(project: &Project) -> bool {
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                 AND application_name = 'prisma-safe deploy' AND wait_event_type = 'Lock'";
    project.database().value(waits) == "1"
}

/// From one folder: the second waits, finds everything applied, and is content.
#[test]
fn two_from_one_folder() {
    let project = pending(Prisma::V7);
    super::quick(&project, PATIENT);
    let mut session = in_the_way(&project);
    let first = super::start(super::deploy(&project));
    crate::support::soon("the first one waits for the table", || waits_for_a_lock(&project));
    let mut second = super::start(super::deploy(&project));
    let seen = super::until_it_says(&mut second, "Waiting");
    assert!(seen.contains("process "), "{seen}");
    session.batch_execute("ROLLBACK").unwrap();
    super::end(first).succeeds().says(YEAR);
    super::end(second).succeeds();
    assert_eq!(project.database().count("_prisma_migrations"), 2, "nothing was applied twice");
}

/// From two folders: the second is told who runs.
#[test]
fn two_from_two_folders() {
    let project = pending(Prisma::V7);
    super::quick(&project, PATIENT);
    let other = songs(Prisma::V6, 1).env("DATABASE_URL", project.database().url());
    other.add_migration(YEAR, ADD_YEAR);
    super::quick(&other, "[deploy]\ndeploy-wait-seconds = 0.5\n");
    let mut session = in_the_way(&project);
    let first = super::start(super::deploy(&project));
    crate::support::soon("the first one waits for the table", || waits_for_a_lock(&project));
    other.run(["migrate", "deploy"]).exits(1).says("prisma-safe deploy").says("another");
    session.batch_execute("ROLLBACK").unwrap();
    super::end(first).succeeds();
    assert_eq!(project.database().count("_prisma_migrations"), 2);
}

/// Who sits idle in a transaction is ended only where the settings say so.
#[test]
fn an_idle_session_is_ended_only_when_it_is_asked_for() {
    let project = pending(Prisma::V7);
    let quick = "[deploy]\nlock-timeout-seconds = 2\nlock-retries = 0\n";
    super::quick(&project, quick);
    let mut idle = project.database().connect();
    idle.batch_execute("SET application_name = 'forgotten'; BEGIN; SELECT 1 FROM \"Song\"").unwrap();
    project.run(["migrate", "deploy"]).exits(1).says("forgotten").says("idle in transaction");
    idle.batch_execute("SELECT 1").unwrap();
    super::quick(&project, &format!("{quick}end-idle-in-transaction-seconds = 0.2\n"));
    project.run(["migrate", "deploy"]).succeeds().says("ended session").says("forgotten");
    idle.batch_execute("SELECT 1").unwrap_err();

    // a session that works is never ended, however long its transaction
    project.add_migration("20250103000000_b", "ALTER TABLE \"Song\" ADD COLUMN \"b\" INTEGER;\n");
    let mut busy = project.database().connect();
    busy.batch_execute("BEGIN; SELECT 1 FROM \"Song\"").unwrap();
    let works = std::thread::spawn(move || busy.batch_execute("SELECT pg_sleep(30)").is_ok());
    project.run(["migrate", "deploy"]).exits(1).says("active");
    project
        .database()
        .execute("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(30)'");
    assert!(!works.join().unwrap());
}
