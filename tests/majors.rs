//! The whole journey on PostgreSQL 13, 14, 16, 17 and 18, the oldest with the oldest Prisma: review, backup with its proof, rehearsal, deploy, way back, restore. The run's
//! own server, which all other tests use, is another one.

use crate::support::servers::Server;
use crate::support::{Prisma, Project};

const SCHEMA: &str = "model Song {\n  isrc  String @id\n  title String\n  plays Int    @default(0)\n}\n";
const INIT: &str = "CREATE TABLE \"Song\" (\"isrc\" TEXT NOT NULL, \"title\" TEXT NOT NULL, \"plays\" INTEGER NOT NULL DEFAULT 0, CONSTRAINT \"Song_pkey\" PRIMARY KEY (\"isrc\"));\n";

fn the_journey_goes(major: u32) {
    let server = Server::start(major, "");
    let project = Project::on(Prisma::V7).schema(SCHEMA).on_server(&server.database("app"), Some(major));
    let mut init = INIT.to_owned();
    if major >= 17 {
        init += "ALTER TABLE \"Song\" ADD COLUMN \"length\" INTEGER GENERATED ALWAYS AS (length(\"title\")) STORED;\n";
    }
    project.add_migration("20250101000000_init", &init);
    project.run(["migrate", "deploy"]).succeeds().says(&format!("PostgreSQL {major}."));
    let mut client = server.connect("app");
    client
        .batch_execute("INSERT INTO \"Song\" SELECT 'isrc ' || n, 'title ' || n, n FROM generate_series(1, 200) n")
        .unwrap();
    project.run(["backup"]).succeeds().says("restored");

    project.add_migration(
        "20250102000000_index",
        "CREATE INDEX CONCURRENTLY \"Song_title_idx\" ON \"Song\"(\"title\");\n",
    );
    project.add_migration(
        "20250103000000_drop",
        "ALTER TABLE \"Song\" DROP COLUMN \"plays\";\nALTER TABLE \"Song\" ADD COLUMN \"year\" INTEGER;\n",
    );
    project.run(["review"]).exits(3).says("drop-column");
    project.run(["migrate", "deploy"]).exits(3).says("drop-column");
    let mut dropping = "-- prisma-safe:allow drop-column(Song.plays): counted elsewhere\nALTER TABLE \"Song\" DROP COLUMN \"plays\";\nALTER TABLE \"Song\" ADD COLUMN \"year\" INTEGER;\n".to_owned();
    if major >= 17 {
        dropping += "-- prisma-safe:allow rehearsed-loss(values of Song.length): with its end\nALTER TABLE \"Song\" ALTER COLUMN \"length\" SET EXPRESSION AS (length(\"title\") + 1);\n";
    }
    project.add_migration("20250103000000_drop", &dropping);
    project.run(["rehearse", "--rollback"]).succeeds();
    project.run(["migrate", "deploy"]).succeeds().says("Rehearsed").says("restored");
    let columns = "SELECT string_agg(attname, ' ' ORDER BY attname) FROM pg_attribute WHERE attrelid = '\"Song\"'::regclass AND attnum > 0 AND NOT attisdropped";
    let mut value = |query: &str| -> String { client.query_one(query, &[]).unwrap().get(0) };
    assert_eq!(value(columns).replace("length ", ""), "isrc title year");
    assert_eq!(
        value("SELECT count(*)::text FROM pg_index WHERE indexrelid = '\"Song_title_idx\"'::regclass AND indisvalid"),
        "1"
    );
    project.run(["rollback"]).succeeds();
    assert_eq!(value(columns).replace("length ", ""), "isrc plays title");
    if major >= 17 {
        assert_eq!(value("SELECT bool_and(\"length\" = length(title))::text FROM \"Song\""), "true");
    }
    assert_eq!(value("SELECT sum(plays)::text FROM \"Song\""), "20100");
    drop(client);
    let backup = project.files("backups").into_iter().filter(|file| file.ends_with(".sql")).min().unwrap();
    project.run(["restore", backup.trim_start_matches("backups/")]).succeeds();
    let indexes: i64 = server
        .connect("app")
        .query_one("SELECT count(*) FROM pg_indexes WHERE indexname = 'Song_title_idx'", &[])
        .unwrap()
        .get(0);
    assert_eq!(indexes, 0, "the backup is of before");
}

#[test]
fn the_journey_goes_on_postgresql_14() {
    the_journey_goes(14);
}

#[test]
fn the_journey_goes_on_postgresql_16() {
    the_journey_goes(16);
}

#[test]
fn the_journey_goes_on_postgresql_17() {
    the_journey_goes(17);
}

#[test]
fn the_journey_goes_on_postgresql_18() {
    the_journey_goes(18);
}

/// The oldest of both that are supported, by the shortest way that needs all of it: a draft is rewritten, reviewed, deployed and rolled
/// back.
#[test]
fn a_rename_goes_on_postgresql_13_with_prisma_5() {
    let server = Server::start(13, "");
    let project = Project::on(Prisma::V5).schema(SCHEMA).on_server(&server.database("app"), Some(13));
    project.add_migration("20250101000000_init", INIT);
    project.run(["migrate", "deploy"]).succeeds().says("PostgreSQL 13.");
    let mut client = server.connect("app");
    client
        .batch_execute("INSERT INTO \"Song\" SELECT 'isrc ' || n, 'title ' || n, n FROM generate_series(1, 200) n")
        .unwrap();
    let mut titles = |column: &str| -> i64 {
        client
            .query_one(&format!("SELECT count(\"{column}\") FROM \"Song\" WHERE \"{column}\" = 'title ' || plays"), &[])
            .unwrap()
            .get(0)
    };

    project.set_schema(&SCHEMA.replace("title", "name "));
    project.run(["migrate", "dev", "--create-only", "--name", "name", "--rename", "Song.title:name"]).succeeds();
    let migration = project.newest_migration();
    assert!(migration.contains("RENAME COLUMN \"title\" TO \"name\"") && !migration.contains("DROP"), "{migration}");
    assert_eq!(titles("title"), 200, "it was only created");
    project.run(["review", "--pending"]).succeeds().says("breaking-rename").says("reversible without loss");
    project.run(["migrate", "deploy"]).succeeds().says("Rehearsed").says("restored").says("All migrations have been");
    assert_eq!(titles("name"), 200);
    project.prisma(["migrate", "status"]).succeeds().says("Database schema is up to date!");
    project.run(["rollback"]).succeeds();
    assert_eq!(titles("title"), 200);
}
