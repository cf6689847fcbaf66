//! Every state that a row of Prisma's history can be in, and what else a deploy finds in its way.

use super::{ADD_YEAR, YEAR, pending};
use crate::journey::{INIT, prisma_is_content, songs};
use crate::support::postgres::USER;
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

/// A baseline that sorts behind every later migration is said while its name can still be changed, and afterwards with the command.
#[test]
fn a_baseline_that_would_run_last() {
    let init = "CREATE TABLE \"Song\" (\n    \"isrc\" TEXT NOT NULL,\n\n    CONSTRAINT \"Song_pkey\" PRIMARY KEY (\"isrc\")\n);\n";
    let project = Project::prisma7().schema("model Song {\n  isrc String @id\n}\n").migration("init", init);
    project.database().execute(init);
    let refused = project.run(["migrate", "deploy"]).exits(3).says("P3005");
    refused.says("rename its directory to 0_init").says("migrate resolve --applied 0_init");
    project.prisma(["migrate", "resolve", "--applied", "init"]).succeeds();
    project.set_schema("model Song {\n  isrc String @id\n  year Int?\n}\n");
    let mend = "UPDATE \"_prisma_migrations\" SET migration_name = '0_init' WHERE migration_name = 'init';";
    project.run(["migrate", "dev", "--create-only", "--name", "year"]).says("will not run last").says(mend);
    // the help, followed
    std::fs::rename(project.path("prisma/migrations/init"), project.path("prisma/migrations/0_init")).unwrap();
    project.database().execute(mend);
    for name in project.migrations().iter().filter(|name| name.ends_with("_year")) {
        std::fs::remove_dir_all(project.path(&format!("prisma/migrations/{name}"))).unwrap();
    }
    project.run(["migrate", "dev", "--create-only", "--name", "year"]).succeeds();
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

/// A role of its own that deploys; `grants` are SQL with `{role}` and `{name}`.
fn as_a_role(project: Project, grants: &str) -> (Project, String) {
    let name = project.database().name().to_owned();
    let role = format!("deployer_{name}");
    let grants = grants.replace("{role}", &role).replace("{name}", &name);
    project.database().execute(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'deployer'; GRANT ALL ON SCHEMA public TO {role}; {grants}"
    ));
    let mut url = url::Url::parse(project.database().url()).expect("a URL");
    url.set_username(&role).expect("a user");
    url.set_password(Some("deployer")).expect("a password");
    (project.env("DATABASE_URL", url.as_str()), role)
}

fn leave(project: &Project, role: &str) {
    project
        .database()
        .execute(&format!("REASSIGN OWNED BY {role} TO CURRENT_USER; DROP OWNED BY {role}; DROP ROLE {role}"));
}

/// Whose the tables are is asked before anything is reviewed, dumped or rehearsed.
#[test]
fn somebody_else_s_table_is_refused_at_once() {
    let project = pending(Prisma::V7);
    let grants = "GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}; ALTER TABLE _prisma_migrations OWNER TO {role}";
    let (project, role) = as_a_role(project, grants);
    let before = project.database().contents();
    let output = project.run(["migrate", "deploy"]).exits(3).says("public.Song belongs to").says("GRANT");
    assert!(!output.stderr.contains("Reviewing"), "{}", output.stderr);
    assert_eq!(project.database().contents(), before);
    project.database().execute(&format!("GRANT {USER} TO {role}"));
    project.run(["migrate", "deploy"]).succeeds();
    leave(&project, &role);
}

/// A role that owns its tables and may not make a schema: what is destroyed is not kept, and that is said; with
/// `undo.otherwise = "refuse"` nothing happens.
#[test]
fn a_role_that_may_not_make_a_schema_keeps_nothing_and_says_so() {
    let project = songs(Prisma::V7, 10);
    let drop = "-- prisma-safe:allow drop-column(Song.plays): a test\nALTER TABLE \"Song\" DROP COLUMN \"plays\";\n";
    project.add_migration(YEAR, drop);
    let grants = "ALTER TABLE \"Song\" OWNER TO {role}; ALTER TABLE _prisma_migrations OWNER TO {role}";
    let (project, role) = as_a_role(project, grants);
    super::quick(&project, "[undo]\notherwise = \"refuse\"\n");
    let before = project.database().contents();
    project.run(["migrate", "deploy"]).exits(3).says("cannot be kept").says("GRANT CREATE ON DATABASE");
    assert_eq!(project.database().contents(), before);
    super::quick(&project, "");
    project.run(["migrate", "deploy"]).succeeds().says("cannot be kept").says("from the backup");
    project.run(["rollback", YEAR]).exits(3).says("may create no schema");
    let owner = project.database().url().to_owned();
    let project = project.env("DATABASE_URL", &owner);
    project.run(["rollback", YEAR]).succeeds();
    assert_eq!(project.database().value("SELECT count(*) FROM \"Song\" WHERE plays IS NOT NULL"), "10");
    leave(&project, &role);
}
