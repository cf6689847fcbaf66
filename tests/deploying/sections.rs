//! Files that no single transaction takes: applied in sections, gone on with after a failure or a kill, rolled back as a whole.

use super::{deploy, quick, start};
use crate::journey::songs;
use crate::support::{Database, Prisma, Project, soon};

const MIXED: &str = "20250102000000_mixed";
const ROW: &str = "SELECT concat_ws(' ', finished_at IS NOT NULL, applied_steps_count, logs) FROM _prisma_migrations WHERE \
                   migration_name = '20250102000000_mixed' AND rolled_back_at IS NULL";

/// A project whose pending migration is this SQL; no rehearsal.
fn mixed(prisma: Prisma, sql: &str) -> Project {
    let project = songs(prisma, 100);
    quick(&project, "[deploy]\nlock-timeout-seconds = 0.5\nlock-retries = 0\n");
    project.add_migration(MIXED, sql);
    project
}

fn valid_indexes(database: &Database) -> Vec<String> {
    database.rows("SELECT indexrelid::regclass::text FROM pg_index WHERE indisvalid AND indrelid = '\"Song\"'::regclass ORDER BY 1")
}

/// The file's own timeout holds for the build: with the default limit of two minutes this test would not end.
fn a_timeout_before_a_concurrent_index(prisma: Prisma, accepting: &str) {
    let sql = format!(
        "{accepting}SET lock_timeout = '300ms';\nCREATE INDEX CONCURRENTLY \"Song_title_idx\" ON \"Song\"(\"title\");\n\
         CREATE INDEX CONCURRENTLY \"Song_plays_idx\" ON \"Song\"(\"plays\");\n"
    );
    let project = mixed(prisma, &sql);
    let mut other = project.database().connect();
    other.batch_execute("BEGIN; LOCK TABLE \"Song\" IN SHARE UPDATE EXCLUSIVE MODE").unwrap();
    project.run(["migrate", "deploy"]).exits(1).says("lock was not free").says("CREATE INDEX CONCURRENTLY");
    assert!(project.database().rows(ROW).is_empty(), "nothing of it is there, so no row says anything");
    other.batch_execute("ROLLBACK").unwrap();
    project.run(["migrate", "deploy"]).succeeds().says("in 2 sections").says("alone");
    let indexes = valid_indexes(project.database());
    assert!(indexes.contains(&"\"Song_title_idx\"".to_owned()) && indexes.contains(&"\"Song_plays_idx\"".to_owned()));
    assert_eq!(project.database().value(ROW), "t 1");
    is_up_to_date(&project);
    project.run(["migrate", "deploy"]).succeeds();
}

#[test]
fn a_timeout_before_a_concurrent_index_7() {
    a_timeout_before_a_concurrent_index(Prisma::V7, "");
}

/// Prisma 6 sends the file whole, but it is not Prisma that applies it.
#[test]
fn a_timeout_before_a_concurrent_index_6() {
    let project =
        mixed(Prisma::V6, "SET lock_timeout = '4s';\nCREATE INDEX CONCURRENTLY \"i\" ON \"Song\"(\"title\");\n");
    project
        .run(["migrate", "deploy"])
        .exits(3)
        .says("concurrently-in-transaction")
        .says("prisma-safe:allow concurrently-in-transaction(i)");
    let accepting = "-- prisma-safe:allow concurrently-in-transaction(Song_title_idx): only prisma-safe deploys\n\
                     -- prisma-safe:allow concurrently-in-transaction(Song_plays_idx): only prisma-safe deploys\n";
    a_timeout_before_a_concurrent_index(Prisma::V6, accepting);
}

/// Also rehearsed, by default settings.
#[test]
fn a_new_value_is_used_in_the_file_that_adds_it() {
    let project = songs(Prisma::V7, 100);
    project.database().execute("CREATE TYPE \"Task\" AS ENUM ('A', 'B'); CREATE TABLE \"Rule\" (task \"Task\" PRIMARY KEY, paused boolean NOT NULL)");
    project.add_migration(
        MIXED,
        "ALTER TYPE \"Task\" ADD VALUE 'C';\n\
         INSERT INTO \"Rule\" (\"task\", \"paused\") SELECT 'C', true WHERE NOT EXISTS (SELECT FROM \"Rule\" WHERE \"task\" = 'C');\n",
    );
    project
        .run(["migrate", "deploy"])
        .succeeds()
        .says("new-enum-value-used")
        .says("line 1 in one transaction; line 2 in one transaction");
    assert_eq!(project.database().rows("SELECT task, paused FROM \"Rule\""), ["C|t"]);
    assert_eq!(project.database().value(ROW), "t 1");
    project.run(["migrate", "deploy"]).succeeds();
}

/// The same word in another enum is no use of it: one transaction.
#[test]
fn the_same_word_in_another_type_stays_in_one_transaction() {
    let project = mixed(
        Prisma::V7,
        "CREATE TYPE \"Recall\" AS ENUM ('C', 'D');\nALTER TYPE \"Task\" ADD VALUE 'C';\n\
         CREATE TABLE \"Ticket\" (id INT PRIMARY KEY, state \"Recall\" NOT NULL DEFAULT 'C');\n\
         ALTER TABLE \"Log\" ALTER COLUMN \"task\" SET DEFAULT 'C';\n",
    );
    project.database().execute("CREATE TYPE \"Task\" AS ENUM ('A', 'B'); CREATE TABLE \"Log\" (task text)");
    project.run(["migrate", "deploy"]).succeeds().says("in one transaction").says_nothing_of("new-enum-value-used");
}

#[test]
fn an_index_is_dropped_and_built_beside_another_change() {
    let project = mixed(
        Prisma::V7,
        "ALTER TABLE \"Song\" ADD COLUMN \"year\" INTEGER;\nSET statement_timeout = 0;\nDROP INDEX CONCURRENTLY \"Song_artist_idx\";\n\
         CREATE INDEX CONCURRENTLY \"Song_artist_idx\" ON \"Song\"(\"artist\", \"year\");\nUPDATE \"Song\" SET \"year\" = 1999 WHERE \"isrc\" = 'isrc 1';\n",
    );
    project.run(["migrate", "deploy"]).succeeds().says("in 4 sections");
    assert!(valid_indexes(project.database()).contains(&"\"Song_artist_idx\"".to_owned()));
    assert_eq!(project.database().value("SELECT count(*) FROM \"Song\" WHERE \"year\" = 1999"), "1");
}

/// A file's own transactions are no longer joined: the third fails, the first two stay, and the next deploy goes on.
#[test]
fn own_transactions_stay_apart_and_are_gone_on_with() {
    let project = mixed(
        Prisma::V7,
        "BEGIN; ALTER TABLE \"Song\" ADD COLUMN \"year\" INTEGER; COMMIT;\n\
         BEGIN; ALTER TABLE \"Song\" ADD CONSTRAINT c CHECK (\"plays\" >= 0) NOT VALID; COMMIT;\n\
         BEGIN; ALTER TABLE \"Song\" ADD COLUMN \"label\" TEXT; ALTER TABLE \"Song\" VALIDATE CONSTRAINT c; COMMIT;\n",
    );
    // the probes look at what the file itself adds only when it is applied
    project.database().execute("UPDATE \"Song\" SET plays = -1 WHERE isrc = 'isrc 1'");
    project
        .run(["migrate", "deploy"])
        .exits(1)
        .says("sections 1 to 2 are applied and stay (2 of 3)")
        .says("it goes on at line 3")
        .says(&format!("prisma-safe rollback {MIXED}"));
    let columns = "SELECT column_name FROM information_schema.columns WHERE table_name = 'Song' AND column_name IN ('year', 'label') ORDER BY 1";
    assert_eq!(project.database().rows(columns), ["year"], "the third section is there as a whole or not at all");
    assert_eq!(project.database().value(ROW), "f 2 prisma-safe: 2 of 3 sections applied");
    project
        .run(["status"])
        .exits(1)
        .says("sections 1 to 2 of 3")
        .says("(line 1 in one transaction; line 2 in one transaction)")
        .says("the next is section 3 (line 3 in one transaction): `prisma-safe deploy` goes on there")
        .says_nothing_of("--resume");
    project.database().execute("UPDATE \"Song\" SET plays = 1 WHERE plays < 0");
    project.run(["migrate", "deploy"]).succeeds().says("2 of them applied already");
    assert_eq!(project.database().rows(columns), ["label", "year"]);
    assert_eq!(project.database().value(ROW), "t 1");
    is_up_to_date(&project);
}

/// Prisma has nothing to apply; that its schema lacks what a test adds is the test's doing.
fn is_up_to_date(project: &Project) {
    project.prisma(["migrate", "status"]).succeeds().says("up to date");
}

/// Killed while an index is built: what was before it stays, the half index is swept away, and nothing is done twice.
#[test]
fn a_kill_inside_a_section_is_gone_on_from() {
    let project = mixed(
        Prisma::V7,
        "CREATE TABLE \"Once\" (id INT PRIMARY KEY);\nCREATE INDEX CONCURRENTLY \"Song_title_idx\" ON \"Song\"(\"title\");\n\
         INSERT INTO \"Once\" VALUES (1);\n",
    );
    quick(&project, "");
    // an old snapshot is all that CONCURRENTLY waits for at its end
    let mut other = project.database().connect();
    other.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM \"Song\"").unwrap();
    let mut child = start(deploy(&project));
    let building =
        "SELECT count(*) FROM pg_index WHERE NOT indisvalid AND indexrelid::regclass::text = '\"Song_title_idx\"'";
    soon("the index is being built", || project.database().value(building) == "1");
    child.kill().expect("a kill");
    child.wait().expect("an end");
    let gone = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'prisma-safe deploy' AND datname = current_database()";
    soon("the server has noticed", || project.database().value(gone) == "0");
    other.batch_execute("ROLLBACK").unwrap();
    assert_eq!(project.database().value(ROW), "f 1 prisma-safe: 1 of 3 sections applied; section 2 begun");
    // Prisma alone does not go past it
    project.prisma(["migrate", "deploy"]).exits(1).says("P3009");
    project.run(["migrate", "deploy"]).succeeds().says("1 of them applied already").says("Song_title_idx");
    assert!(valid_indexes(project.database()).contains(&"\"Song_title_idx\"".to_owned()));
    assert_eq!(project.database().count("Once"), 1);
    assert_eq!(project.database().value(ROW), "t 1");
}

/// Killed after the index was built and before anybody had noted it: it is not built a second time.
#[test]
fn what_was_done_before_a_kill_is_not_repeated() {
    let project = mixed(
        Prisma::V7,
        "CREATE TABLE \"Once\" (id INT PRIMARY KEY);\nCREATE INDEX CONCURRENTLY \"Song_title_idx\" ON \"Song\"(\"title\");\n\
         INSERT INTO \"Once\" VALUES (1);\n",
    );
    // the state that such a kill leaves
    let checksum = prisma_safe::project::migrations::checksum(&project.newest_migration());
    project.database().execute(&format!(
        "CREATE TABLE \"Once\" (id INT PRIMARY KEY); CREATE INDEX \"Song_title_idx\" ON \"Song\"(\"title\");
         INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, applied_steps_count, logs)
         VALUES ('c0ffee', '{checksum}', '{MIXED}', now(), 1, 'prisma-safe: 1 of 3 sections applied; section 2 begun')"
    ));
    project.run(["migrate", "deploy"]).succeeds();
    assert_eq!(project.database().count("Once"), 1);
    assert_eq!(project.database().value(ROW), "t 1");
}

/// A file that was changed after a part of it was applied is no file to go on with.
#[test]
fn a_changed_file_is_not_gone_on_with() {
    let project = mixed(
        Prisma::V7,
        "CREATE TABLE \"Once\" (id INT PRIMARY KEY);\nVACUUM \"Song\";\nINSERT INTO \"Once\" VALUES (1), (1);\n",
    );
    project.run(["migrate", "deploy"]).exits(1).says("sections 1 to 2 are applied");
    let sql = project.newest_migration().replace("(1), (1)", "(1)");
    project.add_migration(MIXED, &sql);
    project.run(["migrate", "deploy"]).exits(3).says(&format!("prisma-safe rollback {MIXED}"));
    project.run(["rollback", MIXED, "--yes"]).succeeds();
    project.run(["migrate", "deploy"]).succeeds();
    assert_eq!(project.database().count("Once"), 1);
}

/// What each section destroys is kept in its own transaction, and one rollback gives all of it back.
#[test]
fn each_section_keeps_what_it_destroys() {
    let project = mixed(
        Prisma::V7,
        "-- prisma-safe:allow drop-column(Song.artist): a test\n-- prisma-safe:allow drop-table(Old): a test\n\
         ALTER TABLE \"Song\" DROP COLUMN \"artist\";\nCREATE INDEX CONCURRENTLY \"Song_title_idx\" ON \"Song\"(\"title\");\n\
         DROP TABLE \"Old\";\n",
    );
    project
        .database()
        .execute("CREATE TABLE \"Old\" (id INT PRIMARY KEY, v TEXT); INSERT INTO \"Old\" VALUES (1, 'one')");
    let before = project.database().rows("SELECT isrc, artist FROM \"Song\" ORDER BY 1");
    project.run(["migrate", "deploy"]).succeeds().says("Keeping");
    assert_eq!(project.database().value("SELECT to_regclass('\"Old\"') IS NULL"), "t");
    project.run(["rollback", MIXED, "--yes"]).succeeds();
    assert_eq!(project.database().rows("SELECT isrc, artist FROM \"Song\" ORDER BY 1"), before);
    assert_eq!(project.database().rows("SELECT id, v FROM \"Old\""), ["1|one"]);
    assert!(!valid_indexes(project.database()).contains(&"\"Song_title_idx\"".to_owned()));
}

/// What a file's own transaction sets for itself ends with it, as it does with Prisma: the next statement means the table that it meant.
#[test]
fn what_a_files_own_transaction_sets_ends_with_it() {
    let project = songs(Prisma::V7, 100);
    project.database().execute("UPDATE \"Song\" SET plays = r.n FROM (SELECT isrc, row_number() OVER () AS n FROM \"Song\") r WHERE r.isrc = \"Song\".isrc; CREATE SCHEMA other; CREATE TABLE other.\"Song\" (LIKE \"Song\"); INSERT INTO other.\"Song\" SELECT * FROM \"Song\"");
    let counts = "SELECT (SELECT count(*) FROM \"Song\") || ' ' || (SELECT count(*) FROM other.\"Song\")";
    project.add_migration(
        MIXED,
        "BEGIN;\nSET LOCAL search_path = other;\nCREATE TABLE note (id INT PRIMARY KEY);\nCOMMIT;\nDELETE FROM \"Song\" WHERE plays > 60;\n",
    );
    let review = project.run(["review", "--pending", "--format", "json"]).json().to_string();
    assert!(review.contains("\"Song\"") && !review.contains("other.Song"), "{review}");
    project.run(["backup"]).succeeds();
    project.run(["migrate", "deploy"]).succeeds().says("in 2 sections");
    assert_eq!(project.database().value(counts), "60 100");
    assert_eq!(project.database().value("SELECT count(*) FROM other.note"), "0");
    project.run(["rollback"]).succeeds();
    assert_eq!(project.database().value(counts), "100 100");
    // a path for the session stands behind one for the transaction
    project.add_migration(
        MIXED,
        "SET search_path = other, public;\nBEGIN;\nSET LOCAL search_path = public;\nDELETE FROM \"Song\" WHERE plays > 90;\nCOMMIT;\nDELETE FROM \"Song\" WHERE plays > 80;\n",
    );
    project.run(["migrate", "deploy"]).succeeds();
    assert_eq!(project.database().value(counts), "90 80");
}
