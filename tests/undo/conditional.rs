//! `IF NOT EXISTS` over what was there: the rollback leaves it alone, and brings back what the migration did to it.

use super::{INIT, SONG};
use crate::support::Project;

#[test]
fn what_was_there_before_stays() {
    let project = Project::prisma7().schema(SONG).migration("20250101000000_init", INIT).applied();
    project.write("prisma-safe.toml", "[rehearsal]\nmode = \"off\"\nreason = \"the way back is what matters\"\n");
    let database = project.database();
    database.execute(
        r#"CREATE SCHEMA other; CREATE SEQUENCE counter START 7;
        CREATE TABLE "Zone" ("code" TEXT PRIMARY KEY, "name" TEXT);
        INSERT INTO "Zone" SELECT 'z' || g, 'zone ' || g FROM generate_series(1, 30) g;
        CREATE INDEX "Zone_name_idx" ON "Zone" ("name");
        CREATE VIEW v AS SELECT code FROM "Zone"; CREATE MATERIALIZED VIEW m AS SELECT count(*) FROM "Zone";"#,
    );
    let before = database.application();
    project.add_migration(
        "20250102000000_next",
        r#"-- prisma-safe:allow truncate-table(Zone): filled anew
        CREATE SCHEMA IF NOT EXISTS other;
        CREATE SEQUENCE IF NOT EXISTS counter;
        CREATE TABLE IF NOT EXISTS "Zone" ("code" TEXT PRIMARY KEY, "name" TEXT);
        ALTER TABLE "Zone" ADD COLUMN IF NOT EXISTS "name" TEXT, ADD COLUMN IF NOT EXISTS "note" TEXT;
        CREATE INDEX IF NOT EXISTS "Zone_name_idx" ON "Zone" ("name");
        CREATE MATERIALIZED VIEW IF NOT EXISTS m AS SELECT 1;
        CREATE OR REPLACE VIEW v AS SELECT code, name FROM "Zone";
        CREATE TABLE IF NOT EXISTS "New" ("id" INT PRIMARY KEY);
        TRUNCATE "Zone";"#,
    );
    project.run(["migrate", "deploy"]).succeeds();
    assert_eq!(database.count("Zone"), 0);
    let back = project.run(["rollback"]).succeeds().says("Verified").says_nothing_of("cannot be reversed");
    back.says("DROP TABLE \"New\"").says_nothing_of("DROP TABLE \"Zone\"").says_nothing_of("DROP MATERIALIZED VIEW");
    assert_eq!(database.application(), before);
}
