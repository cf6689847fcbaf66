//! Another session holds a lock on the table.

use std::time::{Duration, Instant};

use super::{backups, songs};
use crate::support::Prisma;

#[test]
fn the_deploy_gives_up_within_its_limit_and_names_the_blocking_session() {
    let project = songs(Prisma::V7, 100);
    project.write(
        "prisma-safe.toml",
        "[deploy]\nlock-timeout-seconds = 0.5\nlock-retries = 1\n[backup]\nlock-wait-seconds = 2\n",
    );
    project.add_migration("20250102000000_year", "ALTER TABLE \"Song\" ADD COLUMN \"year\" INTEGER;\n");
    let before = project.database().contents();
    let mut other = project.database().connect();
    other
        .batch_execute("SET application_name = 'nightly-report'; BEGIN; SELECT count(*) FROM \"Song\"")
        .expect("a lock");
    let pid: i32 = other.query_one("SELECT pg_backend_pid()", &[]).expect("a row").get(0);

    let start = Instant::now();
    project.run(["migrate", "deploy"]).exits(1).says("nightly-report").says(&pid.to_string());
    assert!(start.elapsed() < Duration::from_secs(60), "gave up after {:?}", start.elapsed());

    other.batch_execute("ROLLBACK").expect("a released lock");
    assert_eq!(project.database().contents(), before);
    assert_eq!(backups(&project).len(), 2, "the backup was whole: {:?}", backups(&project));
    project.run(["migrate", "deploy"]).succeeds();
}

/// A dump that cannot get its locks stops the deploy: nothing was touched.
#[test]
fn a_backup_that_cannot_get_its_locks_stops_the_deploy() {
    let project = songs(Prisma::V7, 100);
    project.write("prisma-safe.toml", "[backup]\nlock-wait-seconds = 1\n");
    project.add_migration("20250102000000_year", "ALTER TABLE \"Song\" ADD COLUMN \"year\" INTEGER;\n");
    let before = project.database().contents();
    let mut other = project.database().connect();
    other.batch_execute("BEGIN; LOCK TABLE \"Song\" IN ACCESS EXCLUSIVE MODE").expect("a lock");
    project.run(["migrate", "deploy"]).exits(1);
    other.batch_execute("ROLLBACK").expect("a released lock");
    assert_eq!(project.database().contents(), before);
    assert!(backups(&project).is_empty(), "{:?}", backups(&project));
}

/// Two deploys at once: the second says who runs.
#[test]
fn another_deploy_is_running() {
    let project = songs(Prisma::V7, 10);
    project.add_migration("20250102000000_year", "ALTER TABLE \"Song\" ADD COLUMN \"year\" INTEGER;\n");
    let before = project.database().contents();
    let mut other = project.database().connect();
    // Prisma's own lock, as `prisma migrate deploy` elsewhere holds it
    other.batch_execute("SELECT pg_advisory_lock(72707369)").expect("the lock");
    let pid: i32 = other.query_one("SELECT pg_backend_pid()", &[]).expect("a row").get(0);
    project.run(["migrate", "deploy"]).exits(1).says(&pid.to_string());
    drop(other);
    assert_eq!(project.database().contents(), before);
}
