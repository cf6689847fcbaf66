//! Every state that a row of Prisma's history can be in, and what else a deploy finds in its way.

use super::{ADD_YEAR, YEAR, pending};
use crate::journey::{INIT, prisma_is_content, songs};
use crate::support::{Prisma, Project};

fn row(project: &Project, name: &str, finished: &str, rolled_back: &str) {
    project.database().execute(&format!(
        "INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, rolled_back_at, started_at) \
         VALUES (gen_random_uuid(), 'x', '{name}', {finished}, {rolled_back}, now() - interval '1 hour')"
    ));
}

/// Failed: refused with what to do. Rolled back: pending again. Applied under another checksum: edited, refused. Applied and
/// rolled back: pending again, which plain Prisma cannot write.
#[test]
fn rows_of_every_state() {
    let project = pending(Prisma::V7);
    let before = project.database().contents();
    row(&project, YEAR, "NULL", "NULL");
    project.run(["migrate", "deploy"]).exits(3).says(YEAR).says("resolve --rolled-back");
    project.run(["status"]).exits(1).says("1 failed");
    project.database().execute("UPDATE _prisma_migrations SET rolled_back_at = now() WHERE finished_at IS NULL");
    row(&project, YEAR, "now()", "now()");
    project.run(["status"]).exits(1).says("1 pending");
    project.run(["migrate", "deploy"]).succeeds();
    prisma_accepts(&project);
    assert_ne!(project.database().contents(), before);

    project
        .database()
        .execute(&format!("UPDATE _prisma_migrations SET checksum = 'other' WHERE migration_name = '{INIT}'"));
    project.add_migration("20250103000000_b", &ADD_YEAR.replace("year", "b"));
    project.run(["migrate", "deploy"]).exits(3).says("edited");
    project.run(["status"]).exits(1).says("changed after being applied");
}

fn prisma_accepts(project: &Project) {
    project.prisma(["migrate", "status"]).succeeds().says("up to date");
}

/// Applied in the database, gone from the folder.
#[test]
fn a_missing_migration() {
    let project = pending(Prisma::V7);
    row(&project, "20240101000000_gone", "now()", "NULL");
    project.run(["migrate", "deploy"]).succeeds().says("20240101000000_gone");
    project.run(["status"]).says("applied without a file");
}

/// A session of a deploy that was killed still works, because its server looks at its client too seldom (before PostgreSQL
/// 14 never): whoever holds the lock of a deploy may end it.
#[test]
fn what_a_killed_deploy_left_running_is_ended() {
    let project = pending(Prisma::V7);
    let mut orphan = project.database().connect();
    orphan
        .batch_execute("SET application_name = 'prisma-safe deploy'; BEGIN; SELECT pg_advisory_xact_lock(72707369)")
        .unwrap();
    let runs = std::thread::spawn(move || orphan.batch_execute("SELECT pg_sleep(50)").is_ok());
    crate::support::soon("it runs", || {
        project.database().value("SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(50)'") == "1"
    });
    project.run(["migrate", "deploy"]).succeeds().says("killed");
    assert!(!runs.join().unwrap());
    assert_eq!(project.database().count("_prisma_migrations"), 2);
}

/// `tables.external` of Prisma's configuration: tables that are none of its business do not make a database foreign.
#[test]
fn external_tables_are_prisma_s_own_setting() {
    let project = Project::prisma7().schema("model Song {\n  isrc String @id\n}\n").migration(
        INIT,
        "CREATE TABLE \"Song\" (\n    \"isrc\" TEXT NOT NULL,\n\n    CONSTRAINT \"Song_pkey\" PRIMARY KEY (\"isrc\")\n);\n",
    );
    project.database().execute("CREATE TABLE jobs (id INT)");
    project.run(["migrate", "deploy"]).exits(3).says("P3005");
    let config = project.read("prisma.config.ts").replace(
        "  datasource:",
        "  experimental: { externalTables: true },\n  tables: { external: [\"public.jobs\"] },\n  datasource:",
    );
    project.write("prisma.config.ts", &config);
    project.run(["migrate", "deploy"]).succeeds();
    prisma_is_content(Prisma::V7, &project);
}

/// The engine that a person has chosen in `.env` alone.
#[test]
fn an_engine_that_stands_in_dotenv_is_the_person_s_choice() {
    let project = songs(Prisma::V7, 10);
    super::quick(&project, "");
    project.add_migration(YEAR, ADD_YEAR);
    let env = project.read(".env");
    project.write(".env", &format!("{env}PRISMA_SCHEMA_ENGINE_BINARY=/nowhere/engine\n"));
    let project = project.env("PRISMA_SCHEMA_ENGINE_BINARY", "");
    project.run(["migrate", "deploy"]).exits(2).says("/nowhere/engine");
    let engine = Prisma::V7.fixture().join("schema-engine.mjs");
    project.write(".env", &format!("{env}PRISMA_SCHEMA_ENGINE_BINARY=\"{}\"\n", engine.display()));
    project.run(["migrate", "deploy"]).succeeds();
}
