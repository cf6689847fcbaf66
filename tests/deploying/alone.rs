//! Migrations that go to Prisma's engine, with our timeouts in its connection.

use crate::journey::{prisma_is_content, songs};
use crate::support::proxy::{Pass, Proxy, holds};
use crate::support::{Prisma, Project};

const INDEX: &str = "20250102000000_title_key";

fn vacuuming(prisma: Prisma) -> Project {
    let project = songs(prisma, 100);
    super::quick(&project, "[deploy]\nlock-timeout-seconds = 0.5\nlock-retries = 1\n");
    project.add_migration("20250102000000_vacuum", "VACUUM \"Song\";\n");
    project
}

/// The timeout that our settings name ends the engine's wait, the session in the way is named, and a later try goes on.
fn a_lock_is_waited_for_within_the_limit(prisma: Prisma) {
    let project = vacuuming(prisma);
    let mut other = project.database().connect();
    other.batch_execute("SET application_name = 'nightly'; BEGIN; SELECT 1 AS secret FROM \"Song\" LIMIT 1").unwrap();
    // VACUUM skips nothing that it was told by name, and waits for this lock
    other.batch_execute("LOCK TABLE \"Song\" IN SHARE UPDATE EXCLUSIVE MODE").unwrap();
    // the backup waits for no such lock
    let output = project.run(["migrate", "deploy", "--hide-queries"]).exits(1).says("nightly").says("try 2 of 2");
    assert!(!output.stderr.contains("LOCK TABLE"), "{}", output.stderr);
    let failed = "SELECT count(*) FROM _prisma_migrations WHERE finished_at IS NULL AND rolled_back_at IS NULL";
    assert_eq!(project.database().value(failed), "1", "the last try stands in the history");
    other.batch_execute("ROLLBACK").unwrap();
    project.run(["migrate", "deploy"]).exits(3).says("resolve --rolled-back 20250102000000_vacuum");
    project.run(["migrate", "resolve", "--rolled-back", "20250102000000_vacuum"]).succeeds();
    project.run(["migrate", "deploy"]).succeeds();
    prisma_is_content(prisma, &project);
}

#[test]
fn a_lock_is_waited_for_within_the_limit_7() {
    a_lock_is_waited_for_within_the_limit(Prisma::V7);
}

#[test]
fn a_lock_is_waited_for_within_the_limit_6() {
    a_lock_is_waited_for_within_the_limit(Prisma::V6);
}

/// Nothing remains of a try that only lacked a lock: the next one goes through, and Prisma's history tells both.
#[test]
fn the_next_try_goes_through() {
    let project = vacuuming(Prisma::V7);
    super::quick(&project, "[deploy]\nlock-timeout-seconds = 0.5\nlock-retries = 20\n");
    let mut other = project.database().connect();
    other.batch_execute("BEGIN; LOCK TABLE \"Song\" IN SHARE UPDATE EXCLUSIVE MODE").unwrap();
    let child = super::start(super::deploy(&project));
    let tries = "SELECT count(*) FROM _prisma_migrations WHERE rolled_back_at IS NOT NULL";
    crate::support::soon("a try has failed", || project.database().value(tries) != "0");
    other.batch_execute("ROLLBACK").unwrap();
    super::end(child).succeeds();
    prisma_is_content(Prisma::V7, &project);
}

/// An index that an earlier try left invalid is taken away and built anew; another one of the same kind is left alone.
fn an_invalid_index_of_its_own_is_built_anew(prisma: Prisma) {
    let project = songs(prisma, 100);
    super::quick(&project, "");
    project.database().execute("UPDATE \"Song\" SET title = 'twice' WHERE isrc IN ('isrc 1', 'isrc 2')");
    project.add_migration(
        INDEX,
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"Song_title_key\" ON \"Song\"(\"title\");\n",
    );
    project.run(["migrate", "deploy"]).exits(3).says("add-unique");
    let sql = project.newest_migration();
    project.add_migration(INDEX, &format!("-- prisma-safe:allow add-unique(Song_title_key): a test\n{sql}"));
    project.run(["migrate", "deploy"]).exits(1).says("Song_title_key");
    let invalid = "SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid ORDER BY 1";
    assert_eq!(project.database().rows(invalid), ["\"Song_title_key\""]);
    let twin = "CREATE UNIQUE INDEX CONCURRENTLY foreign_one ON \"Song\"(title)";
    project.database().connect().batch_execute(twin).unwrap_err();

    project.database().execute("UPDATE \"Song\" SET title = isrc");
    project.run(["migrate", "resolve", "--rolled-back", INDEX]).succeeds();
    project.run(["migrate", "deploy"]).succeeds().says("Song_title_key");
    assert_eq!(project.database().rows(invalid), ["foreign_one"]);
}

#[test]
fn an_invalid_index_of_its_own_is_built_anew_7() {
    an_invalid_index_of_its_own_is_built_anew(Prisma::V7);
}

#[test]
fn an_invalid_index_of_its_own_is_built_anew_6() {
    an_invalid_index_of_its_own_is_built_anew(Prisma::V6);
}

/// A pooler that forges or drops the options: asked on a twin, and refused before the engine has begun.
#[test]
fn timeouts_that_do_not_arrive_are_refused() {
    let project = songs(Prisma::V7, 10);
    super::quick(&project, "");
    project.add_migration("20250102000000_vacuum", "VACUUM \"Song\";\n");
    let before = project.database().contents();
    let proxy = Proxy::before(project.database().url(), || {
        Box::new(|bytes| {
            if holds(bytes, "lock_timeout=3000") {
                let at = bytes.windows(17).position(|window| window == b"lock_timeout=3000").unwrap();
                bytes[at + 13] = b'9';
            }
            Pass::On
        })
    });
    let project = project.env("DATABASE_URL", proxy.url());
    project.run(["migrate", "deploy"]).exits(3).says("timeouts do not reach").says("9000");
    assert_eq!(project.database().contents(), before);
}
