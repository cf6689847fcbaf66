//! Backups that go back into real databases, as people run it; data and catalog are compared.

mod faults;
mod schemas;

use std::path::Path;

use super::support::{Database, Output, Project};

const SCHEMA: &str =
    "model Song {\n  id     Int    @id @default(autoincrement())\n  artist String\n  plays  Int    @default(0)\n}\n";
const SQL: &str = "CREATE TABLE \"Song\" (\n    \"id\" SERIAL NOT NULL,\n    \"artist\" TEXT NOT NULL,\n    \"plays\" INTEGER NOT NULL DEFAULT 0,\n\n    CONSTRAINT \"Song_pkey\" PRIMARY KEY (\"id\")\n);\n";

/// A project with songs and a backup of them; its name.
pub(super) fn backed_up(rows: usize) -> (Project, String) {
    let project = Project::prisma7().schema(SCHEMA).migration("20250101000000_init", SQL).rows("Song", rows);
    let backup = backup(&project);
    (project, backup)
}

/// Takes a backup; its file's name.
pub(super) fn backup(project: &Project) -> String {
    let document = project.run(["backup", "--format", "json"]).succeeds().json();
    let path = document["path"].as_str().expect("a path");
    Path::new(path).file_name().expect("a name").to_str().expect("text").to_owned()
}

/// The databases whose names begin with this one's, without it.
pub(super) fn beside(database: &Database) -> Vec<String> {
    let name = database.name();
    database.rows(&format!("SELECT datname FROM pg_database WHERE datname LIKE '{name}!_%' ESCAPE '!' ORDER BY 1"))
}

/// Drops what a restore has set aside: the test's own database is dropped by itself.
pub(super) fn drop_beside(database: &Database) {
    for name in beside(database) {
        database.execute(&format!("DROP DATABASE \"{name}\" WITH (FORCE)"));
    }
}

fn restore(project: &Project, backup: &str, more: &[&str]) -> Output {
    project.run([&["restore", backup], more].concat())
}

#[test]
fn what_was_there_comes_back_and_what_is_there_is_kept() {
    let (project, backup) = backed_up(2000);
    let database = project.database();
    let before = database.contents();
    database.execute(&format!(
        "ALTER DATABASE {0} SET lock_timeout = '7s'; ALTER DATABASE {0} SET search_path = \"$user\", public;
         COMMENT ON DATABASE {0} IS 'the ''songs'''; REVOKE CONNECT ON DATABASE {0} FROM PUBLIC",
        database.name()
    ));
    let facts = "SELECT shobj_description(d.oid, 'pg_database'), datcollate, \
                 (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(datacl) a), pg_get_userbyid(datdba), \
                 (SELECT array_agg(setconfig) FROM pg_db_role_setting WHERE setdatabase = d.oid) \
                 FROM pg_database d WHERE datname = current_database()";
    let known = database.value(facts);
    database.execute("DELETE FROM \"Song\" WHERE id > 10; ALTER TABLE \"Song\" ADD COLUMN extra int");

    let document = restore(&project, &backup, &["--format", "json"]).succeeds().says("Backed up").json();
    crate::support::schema::assert_valid("restore", &document);
    assert_eq!(database.contents(), before);
    assert_eq!(database.value(facts), known);
    assert_eq!((&document["schemaVersion"], &document["rows"]), (&1.into(), &2001.into()));
    let old = document["old"][0].as_str().expect("a database").to_owned();
    assert_eq!(beside(database), std::slice::from_ref(&old));
    assert!(project.path(document["preRestoreBackup"].as_str().expect("a backup")).exists());
    // the old one is what it was, and its way out works as it is told
    let kept: i64 = postgres::Client::connect(&database.url().replace(database.name(), &old), postgres::NoTls)
        .expect("the old database")
        .query_one("SELECT count(extra) + count(*) FROM \"Song\"", &[])
        .expect("rows")
        .get(0);
    assert_eq!(kept, 10);
    database.execute(document["sql"][0].as_str().expect("SQL"));
    assert_eq!(beside(database), Vec::<String>::new());
}

#[test]
fn sessions_are_ended_and_come_back_to_the_restored_database() {
    let (project, backup) = backed_up(10);
    let mut session = project.database().connect();
    session.batch_execute("BEGIN; UPDATE \"Song\" SET artist = 'x'").expect("an update");
    restore(&project, &backup, &[]).succeeds();
    assert!(session.batch_execute("COMMIT").is_err());
    assert_eq!(project.database().value("SELECT count(*) FROM \"Song\" WHERE artist = 'x'"), "0");
    drop_beside(project.database());
}

#[test]
fn the_history_is_the_backups_and_what_is_pending_is_said() {
    let (project, backup) = backed_up(10);
    project.add_migration("20250202000000_more", "ALTER TABLE \"Song\" ADD COLUMN \"more\" TEXT;\n");
    project.run(["migrate", "deploy"]).succeeds();
    restore(&project, &backup, &[]).succeeds().says("pending now: 20250202000000_more");
    project.prisma(["migrate", "status"]).exits(1).says("have not yet been applied").says("20250202000000_more");
    project.run(["migrate", "deploy"]).succeeds();
    assert_eq!(project.database().value("SELECT count(*) FROM _prisma_migrations WHERE finished_at IS NOT NULL"), "2");
    drop_beside(project.database());
}

#[test]
fn production_asks_for_consent_to_exactly_this() {
    let (project, backup) = backed_up(10);
    let project = project.production();
    let refused = restore(&project, &backup, &[]).exits(3).says("is production").says("--confirm ");
    let (_, hash) = refused.stderr.split_once("--confirm ").expect("a hash");
    let hash = hash.split_whitespace().next().expect("a hash").to_owned();
    restore(&project, &backup, &["--confirm", "0123456789abcdef"]).exits(3);
    assert_eq!(beside(project.database()), Vec::<String>::new());
    restore(&project, &backup, &["--confirm", &hash]).succeeds();
    // the same consent is none for the database that is there now
    restore(&project, &backup, &["--confirm", &hash]).exits(3);
    drop_beside(project.database());
}

#[test]
fn a_database_that_is_gone_is_made_anew() {
    let (project, backup) = backed_up(50);
    let name = project.database().name().to_owned();
    let other = Database::new();
    let before = project.database().contents();
    other.execute(&format!("DROP DATABASE {name} WITH (FORCE)"));
    restore(&project, &backup, &[]).succeeds().says_nothing_of("Backing up");
    assert_eq!(project.database().contents(), before);
    assert_eq!(beside(project.database()), Vec::<String>::new());
}

#[test]
fn another_database_takes_it_only_if_it_is_empty() {
    let (project, backup) = backed_up(50);
    let other = Database::new();
    restore(&project, &backup, &["--into", other.url()]).succeeds();
    assert_eq!(other.contents(), project.database().contents());
    assert_eq!(beside(&other), Vec::<String>::new());
    restore(&project, &backup, &["--into", other.url()]).exits(3).says("is not empty");
}

#[test]
fn one_table_comes_beside_the_live_one_and_its_sql_merges_it() {
    let (project, backup) = backed_up(100);
    let database = project.database();
    let before = database.rows("SELECT * FROM \"Song\" ORDER BY id");
    database.execute("DELETE FROM \"Song\" WHERE id <= 20; UPDATE \"Song\" SET artist = 'wrong' WHERE id = 50");
    database.execute("ALTER TABLE \"Song\" ADD COLUMN later int DEFAULT 7");
    let document = restore(&project, &backup, &["--table", "Song", "--format", "json"]).succeeds().json();
    assert_eq!(document["table"], "\"_prisma_safe_side\".\"Song\"");
    assert_eq!(database.count("Song"), 80);
    restore(&project, &backup, &["--table", "Song"]).exits(1).says("DROP TABLE \"_prisma_safe_side\".\"Song\"");
    for sql in document["sql"].as_array().expect("SQL") {
        database.execute(sql.as_str().expect("text"));
    }
    assert_eq!(database.rows("SELECT id, artist, plays FROM \"Song\" ORDER BY id"), before);
    assert_eq!(database.value("SELECT count(*) FROM pg_tables WHERE schemaname = '_prisma_safe_side'"), "0");
    restore(&project, &backup, &["--table", "Sing"]).exits(2).says("it holds: ").says("Song");
}

#[test]
fn prisma_6_is_no_other() {
    let project = Project::prisma6().schema(SCHEMA).migration("20250101000000_init", SQL).rows("Song", 20);
    let backup = backup(&project);
    project.database().execute("DROP TABLE \"Song\"");
    restore(&project, &backup, &[]).succeeds();
    assert_eq!(project.database().count("Song"), 20);
    project.prisma(["migrate", "status"]).succeeds().says("up to date");
    drop_beside(project.database());
}
