//! Migrations that run outside of any transaction: alone in their file, over our own session, or, where a file cannot be taken
//! apart, through Prisma's engine with our timeouts in its connection.

use crate::journey::songs;
use crate::support::proxy::{Pass, Proxy, holds};
use crate::support::{Prisma, Project};

const INDEX: &str = "20250102000000_title_key";

const WHOLE: &str = "20250102000000_whole";
/// A file that controls its transaction by itself is not taken apart.
const WHOLE_SQL: &str = "SET TRANSACTION READ WRITE;\nALTER TABLE \"Song\" ADD COLUMN \"year\" INTEGER;\n";

fn by_prisma(prisma: Prisma) -> Project {
    let project = songs(prisma, 100);
    super::quick(&project, "[deploy]\nlock-timeout-seconds = 0.5\nlock-retries = 1\n");
    project.add_migration(WHOLE, WHOLE_SQL);
    project
}

/// The timeout that our settings name ends the engine's wait, the session in the way is named, and a later try goes on.
fn a_lock_is_waited_for_within_the_limit(prisma: Prisma) {
    let project = by_prisma(prisma);
    let mut other = project.database().connect();
    other.batch_execute("SET application_name = 'nightly'; BEGIN; SELECT 1 AS secret FROM \"Song\" LIMIT 1").unwrap();
    let output = project.run(["migrate", "deploy", "--hide-queries"]).exits(1).says("nightly").says("try 2 of 2");
    assert!(!output.stderr.contains("AS secret"), "{}", output.stderr);
    let failed = "SELECT count(*) FROM _prisma_migrations WHERE finished_at IS NULL AND rolled_back_at IS NULL";
    assert_eq!(project.database().value(failed), "1", "the last try stands in the history");
    other.batch_execute("ROLLBACK").unwrap();
    project.run(["migrate", "deploy"]).exits(3).says("resolve --rolled-back 20250102000000_whole");
    project.run(["migrate", "resolve", "--rolled-back", "20250102000000_whole"]).succeeds();
    project.run(["migrate", "deploy"]).succeeds();
    project.prisma(["migrate", "status"]).succeeds().says("up to date");
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
    let project = by_prisma(Prisma::V7);
    super::quick(&project, "[deploy]\nlock-timeout-seconds = 0.5\nlock-retries = 20\n");
    let mut other = project.database().connect();
    other.batch_execute("BEGIN; LOCK TABLE \"Song\" IN ACCESS SHARE MODE").unwrap();
    let child = super::start(super::deploy(&project));
    let tries = "SELECT count(*) FROM _prisma_migrations WHERE rolled_back_at IS NOT NULL";
    crate::support::soon("a try has failed", || project.database().value(tries) != "0");
    other.batch_execute("ROLLBACK").unwrap();
    super::end(child).succeeds();
    project.prisma(["migrate", "status"]).succeeds().says("up to date");
}

/// Many of them go over one session, and Prisma finds nothing left.
fn files_of_one_statement_need_no_engine(prisma: Prisma) {
    let project = songs(prisma, 100);
    super::quick(&project, "");
    project.add_migration("20250102000000_vacuum", "VACUUM \"Song\";\n");
    for at in 1..=5 {
        let name = format!("2025010300000{at}_index");
        let sql = format!("CREATE INDEX CONCURRENTLY \"Song_{at}_idx\" ON \"Song\"(\"title\");\n");
        project.add_migration(&name, &sql);
    }
    project.add_migration("20250104000000_drop", "DROP INDEX CONCURRENTLY \"Song_1_idx\";\n");
    let output = project
        .run(["-v", "migrate", "deploy"])
        .succeeds()
        .says("outside of a transaction")
        .says_nothing_of("through Prisma's engine");
    assert!(output.stderr.contains("VACUUM"), "{}", output.stderr);
    let valid = "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = indexrelid WHERE indisvalid AND relname LIKE 'Song__\\_idx'";
    assert_eq!(project.database().value(valid), "4");
    let history = "SELECT DISTINCT applied_steps_count, finished_at IS NOT NULL, logs FROM _prisma_migrations";
    assert_eq!(project.database().rows(history), ["1|t|"]);
    project.prisma(["migrate", "status"]).succeeds().says("up to date");
}

#[test]
fn files_of_one_statement_need_no_engine_7() {
    files_of_one_statement_need_no_engine(Prisma::V7);
}

#[test]
fn files_of_one_statement_need_no_engine_6() {
    files_of_one_statement_need_no_engine(Prisma::V6);
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
    project.run(["migrate", "deploy"]).exits(1).says("Song_title_key").says("Dropping");
    let invalid = "SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid ORDER BY 1";
    assert!(project.database().rows(invalid).is_empty(), "what failed is taken away at once");
    assert_eq!(project.database().value("SELECT count(*) FROM _prisma_migrations"), "1", "nothing of it is there");
    // as a kill leaves it
    let own = "CREATE UNIQUE INDEX CONCURRENTLY \"Song_title_key\" ON \"Song\"(title)";
    project.database().connect().batch_execute(own).unwrap_err();
    let twin = "CREATE UNIQUE INDEX CONCURRENTLY foreign_one ON \"Song\"(title)";
    project.database().connect().batch_execute(twin).unwrap_err();

    project.database().execute("UPDATE \"Song\" SET title = isrc");
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
    project.add_migration(WHOLE, WHOLE_SQL);
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
