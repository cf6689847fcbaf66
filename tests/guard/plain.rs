//! Plain Prisma and psql meet the guard: nothing of what they destroy is destroyed; what an application does goes on.

use super::{ADD_YEAR, YEAR, guarded, refused};
use crate::journey::SONG;
use crate::support::{Prisma, Project};

/// Nothing in the database is another, and it says whom to ask.
#[track_caller]
fn is_refused(project: &Project, arguments: &[&str]) {
    let before = project.database().contents();
    let output = project.prisma(arguments);
    assert_ne!(output.status, 0, "{output}");
    output.says("prisma-safe guards this database").says("prisma-safe migrate deploy");
    assert_eq!(project.database().contents(), before, "{arguments:?}");
}

fn plain_prisma_changes_nothing(prisma: Prisma) {
    let project = guarded(prisma);
    // Prisma 6 reads no .env for `db execute`
    let url = project.database().url().to_owned();
    let project = project.env("DATABASE_URL", &url);
    project.set_schema(&SONG.replace("model Song {", "model Song {\n  extra String?"));
    is_refused(&project, &["db", "push", "--force-reset"]);
    is_refused(&project, &["db", "push", "--accept-data-loss"]);
    is_refused(&project, &["migrate", "reset", "--force"]);
    project.add_migration(YEAR, ADD_YEAR);
    is_refused(&project, &["migrate", "deploy"]);
    is_refused(&project, &["migrate", "resolve", "--applied", YEAR]);
    project.write("drop.sql", "DROP TABLE \"Song\" CASCADE;\n");
    let schema = ["--schema", "prisma/schema.prisma"];
    let execute = ["db", "execute", "--file", "drop.sql"];
    is_refused(&project, &[&execute[..], if prisma == Prisma::V6 { &schema } else { &[] }].concat());
    assert_eq!(project.database().count("Song"), 10);
    // nothing has to be resolved: the deployment goes on as if nobody had tried
    project.run(["migrate", "deploy"]).succeeds();
    project.prisma(["migrate", "status"]).succeeds();
}

#[test]
fn plain_prisma_changes_nothing_7() {
    plain_prisma_changes_nothing(Prisma::V7);
}

#[test]
fn plain_prisma_changes_nothing_6() {
    plain_prisma_changes_nothing(Prisma::V6);
}

#[test]
fn no_way_around_it_changes_a_schema() {
    let project = guarded(Prisma::V7);
    let database = project.database();
    database_prepared(&project);
    let before = database.contents();
    for sql in [
        "DROP SCHEMA public CASCADE",
        "DROP SCHEMA IF EXISTS \"public\" CASCADE",
        "ALTER SCHEMA public RENAME TO gone",
        "DROP TABLE \"Song\" CASCADE",
        "DROP TABLE IF EXISTS \"Song\" CASCADE",
        "ALTER TABLE \"Song\" SET SCHEMA other",
        "/* temp */ ALTER TABLE \"Song\" DROP COLUMN title",
        "DO $$ BEGIN ALTER TABLE \"Song\" DROP COLUMN title; END $$",
        "DO $$ BEGIN ALTER TABLE \"Song\" SET SCHEMA other; END $$",
        "DO $$ BEGIN EXECUTE 'DROP ' || 'SCHEMA pub' || 'lic CASCADE'; END $$",
        "DO $$ BEGIN ALTER SCHEMA public RENAME TO gone; END $$",
        "CREATE INDEX CONCURRENTLY made ON \"Song\" (title)",
        "CREATE INDEX CONCURRENTLY made_in_other ON \"Song\" (title)",
        "DROP INDEX CONCURRENTLY \"named_other\"",
        "CREATE TABLE made (id int)",
        "CREATE TABLE made AS SELECT 1",
        "SELECT 1 AS id INTO made",
        "CREATE TYPE made AS ENUM ('a')",
        "CREATE FUNCTION made() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE EXTENSION citext",
        // parts of a table that have no schema of their own
        "CREATE RULE made AS ON INSERT TO \"Song\" DO INSTEAD NOTHING",
        "ALTER RULE made ON loud RENAME TO other",
        "DROP RULE made ON loud",
        "CREATE POLICY made ON \"Song\"",
        "ALTER POLICY mine ON \"Song\" USING (true)",
        "DROP POLICY mine ON \"Song\"",
        "ALTER TRIGGER mine ON \"Song\" RENAME TO other",
        "DROP TRIGGER mine ON \"Song\"",
        "CREATE TABLE other.made () INHERITS (\"Song\")",
        "SET session_replication_role = replica; DROP TABLE \"Song\" CASCADE",
        "DELETE FROM _prisma_migrations",
        "TRUNCATE _prisma_migrations",
        "ALTER TABLE _prisma_migrations DISABLE TRIGGER ALL",
        "DROP SCHEMA _prisma_safe CASCADE",
        "DO $$ BEGIN DROP SCHEMA _prisma_safe CASCADE; END $$",
        "DROP FUNCTION _prisma_safe.guard_start() CASCADE",
        "DROP TABLE _prisma_safe.guard_token",
        "DROP OWNED BY CURRENT_USER CASCADE",
    ] {
        let words = refused(database, sql);
        for word in ["prisma-safe guards this database", "guard open --for 10m", "superuser", "Nothing was changed"] {
            assert!(words.contains(word), "{sql}: {words}");
        }
    }
    assert_eq!(database.contents(), before);
}

fn database_prepared(project: &Project) {
    // made while nobody guards
    let database = project.database();
    project.run(["guard", "open", "--for", "1m", "--reason", "a test"]).succeeds();
    database
        .execute("CREATE SCHEMA other; CREATE TABLE other.t (id int); CREATE INDEX named_other ON \"Song\" (title); \
             CREATE POLICY mine ON \"Song\"; CREATE VIEW loud AS SELECT 1 AS n; CREATE MATERIALIZED VIEW counted AS SELECT 1; CREATE RULE made AS ON INSERT TO loud DO INSTEAD NOTHING; \
             CREATE TRIGGER mine BEFORE UPDATE ON \"Song\" FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()");
    project.run(["guard", "on"]).succeeds();
}

#[test]
fn the_application_goes_on() {
    let project = guarded(Prisma::V7);
    let database = project.database();
    database_prepared(&project);
    for sql in [
        "INSERT INTO \"Song\" SELECT 'new', title, artist FROM \"Song\" LIMIT 1; UPDATE \"Song\" SET title = 'x'; DELETE FROM \"Song\" WHERE isrc = 'new'",
        "CREATE TEMP TABLE a (id serial PRIMARY KEY, n int); CREATE INDEX ON a (n); ALTER TABLE a ADD m int; DROP TABLE a",
        "DROP TABLE IF EXISTS a; CREATE TEMPORARY TABLE a AS SELECT * FROM \"Song\"; SELECT 1 INTO TEMP b; DISCARD TEMP",
        "DO $$ BEGIN CREATE TEMP TABLE c (n int) ON COMMIT DROP; CREATE INDEX ON c (n); ALTER TABLE c ADD m int; END $$",
        "CREATE TABLE IF NOT EXISTS \"Song\" (id int); CREATE SCHEMA IF NOT EXISTS public",
        "CREATE TABLE other.made (id int); ALTER TABLE other.made ADD n int; DROP TABLE other.made",
        "CREATE SCHEMA third; CREATE TABLE third.x (id int); ALTER TABLE third.x SET SCHEMA other; DROP SCHEMA third; DROP TABLE other.x",
        "CREATE TABLE other.refers (song text REFERENCES \"Song\"); ALTER TABLE other.refers DROP CONSTRAINT refers_song_fkey; DROP TABLE other.refers",
        "CREATE TABLE other.refers (song text REFERENCES public.\"Song\"); DROP TABLE other.refers",
        "REFRESH MATERIALIZED VIEW counted; CREATE RULE r AS ON INSERT TO other.t DO INSTEAD NOTHING; DROP RULE r ON other.t",
        "SET search_path = other; CREATE TABLE made (id int); CREATE INDEX ON made (id); DROP TABLE made",
        "TRUNCATE \"Song\" CASCADE; INSERT INTO \"Song\" VALUES ('1', 'one', '')",
        "GRANT SELECT ON \"Song\" TO PUBLIC; COMMENT ON TABLE \"Song\" IS 'songs'",
        "ANALYZE \"Song\"; REINDEX TABLE \"Song\"",
    ] {
        database.execute(sql);
    }
    for sql in ["VACUUM \"Song\"", "CREATE INDEX CONCURRENTLY i ON other.t (id)", "DROP INDEX CONCURRENTLY other.i"] {
        database.execute(sql);
    }
    assert_eq!(database.count("Song"), 1);
}

/// TRUNCATE and a DELETE of everything are refused to all but the application, where that was chosen.
#[test]
fn tables_are_not_emptied() {
    let project = guarded(Prisma::V7);
    let database = project.database();
    let (application, url) = super::role(database, "app");
    database.execute(&format!("GRANT ALL ON ALL TABLES IN SCHEMA public TO {application}"));
    project.run(["guard", "on", "--tables", "Nothing"]).exits(2).says("Nothing");
    project.run(["guard", "on", "--tables", "Song", "--application", &application]).succeeds().says("Song");
    for sql in ["TRUNCATE \"Song\" CASCADE", "DELETE FROM \"Song\"", "DELETE FROM \"Song\" WHERE true"] {
        assert!(refused(database, sql).contains("Song"), "{sql}");
    }
    assert_eq!(database.count("Song"), 10);
    database.execute("DELETE FROM \"Song\" WHERE isrc <> 'isrc 1'");
    // the last row, by its condition, and nothing of nothing
    database.execute("DELETE FROM \"Song\" WHERE isrc = 'isrc 1'; DELETE FROM \"Song\"");
    database.execute("INSERT INTO \"Song\" VALUES ('1', 'a', ''), ('2', 'b', '')");
    let mut client = postgres::Client::connect(&url, postgres::NoTls).expect("a connection");
    client.batch_execute("DELETE FROM \"Song\"; TRUNCATE \"Song\" CASCADE").expect("the application's own");

    // a new table is covered by the deployment that makes it; rows that go with others are not counted
    project.run(["guard", "on", "--tables", "all"]).succeeds();
    let pair = "CREATE TABLE \"Play\" (id int PRIMARY KEY, song text REFERENCES \"Song\" (isrc) ON DELETE CASCADE);\n";
    project.add_migration(YEAR, pair);
    project.run(["migrate", "deploy"]).succeeds();
    database.execute(
        "INSERT INTO \"Song\" VALUES ('1', 'a', ''), ('2', 'b', ''); INSERT INTO \"Play\" VALUES (1, '1'), (2, '1')",
    );
    refused(database, "DELETE FROM \"Play\"");
    database.execute("DELETE FROM \"Song\" WHERE isrc = '1'");
    assert_eq!(database.count("Play"), 0);
    drop(client);
    database.execute(&format!("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {application}; DROP ROLE {application}"));
}
