//! What runs through prisma-safe passes the guard.

use postgres::error::SqlState;

use super::{ADD_YEAR, YEAR, guarded, hash, production, refused, role};
use crate::deploying::{end, start, until_it_says};
use crate::journey::{backups, songs};
use crate::support::schema::assert_valid;
use crate::support::{Prisma, Project, soon};

const INDEX: &str = "20250103000000_index";
const CONCURRENTLY: &str = "CREATE INDEX CONCURRENTLY \"Song_title_idx\" ON \"Song\" (\"title\");\n";
const DROP: &str = "20250104000000_drop";
const DROP_PLAYS: &str =
    "-- prisma-safe:allow drop-column(Song.plays): nobody counts\nALTER TABLE \"Song\" DROP COLUMN \"plays\";\n";

const COLUMNS: &str = "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute \
    WHERE attrelid = '\"Song\"'::regclass AND attnum > 0 AND NOT attisdropped";

#[track_caller]
fn is_on(project: &Project) {
    let document = project.run(["guard", "status", "--format", "json"]).succeeds().json();
    assert_valid("guard", &document);
    assert_eq!(document["state"], "on", "{document}");
}

/// Atomic files, one that Prisma's engine runs, a loss that is kept, and the way back.
fn a_deployment_passes(prisma: Prisma) {
    let project = guarded(prisma);
    let database = project.database();
    database.execute("UPDATE \"Song\" SET plays = 7");
    project.add_migration(YEAR, ADD_YEAR);
    project.add_migration(INDEX, CONCURRENTLY);
    project.add_migration(DROP, DROP_PLAYS);
    project.run(["migrate", "deploy"]).succeeds().says("outside of a transaction");
    assert_eq!(database.value(COLUMNS), "isrc title artist year");
    assert_eq!(
        database.value("SELECT indisvalid FROM pg_index WHERE indexrelid = '\"Song_title_idx\"'::regclass"),
        "t"
    );
    project.run(["rollback"]).succeeds();
    assert_eq!(database.value(COLUMNS), "isrc title artist year plays");
    assert_eq!(database.value("SELECT sum(plays) FROM \"Song\""), "70");
    is_on(&project);
    refused(database, "DROP TABLE \"Song\"");
    // no session of it is left that could change anything, and no token that anybody could use
    assert_eq!(database.value("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'prisma-safe%'"), "0");
}

#[test]
fn a_deployment_passes_7() {
    a_deployment_passes(Prisma::V7);
}

#[test]
fn a_deployment_passes_6() {
    a_deployment_passes(Prisma::V6);
}

/// The copy of the rehearsal is not stopped by its own guard, and nobody finds the guard missing or new.
#[test]
fn a_rehearsal_is_not_stopped() {
    let project = guarded(Prisma::V7);
    project.write("prisma-safe.toml", "[backup]\nproof = \"roundtrip\"\n");
    project.run(["guard", "on", "--tables", "all"]).succeeds();
    project.add_migration(DROP, DROP_PLAYS);
    let triggers = project.database().value("SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'prisma_safe_guard%'");
    assert_eq!(triggers, "4");
    project.run(["migrate", "deploy"]).succeeds();
    project.run(["verify"]).succeeds();
    // the table has lost nothing of its guard on its way back
    project.run(["rollback"]).succeeds();
    is_on(&project);
    project.run(["guard", "on", "--tables", "none"]).succeeds();
    project.run(["migrate", "deploy"]).succeeds();
    project.run(["guard", "off"]).succeeds();
    project.run(["verify"]).succeeds();
    project.prisma(["migrate", "status"]).succeeds();
}

/// On production what is fenced passes with a person's consent, and not without.
fn fenced_commands_pass_with_consent(prisma: Prisma) {
    let project = production(prisma);
    let database = project.database();
    project.write("wipe.sql", "ALTER TABLE \"Song\" ADD COLUMN \"hand\" INT; TRUNCATE \"Song\";\n");
    project.run(["guard", "on", "--tables", "all"]).succeeds();
    let before = database.contents();
    let execute = ["db", "execute", "--file", "wipe.sql"];
    let confirm = hash(&project.run(execute).exits(3).stderr);
    assert_eq!(database.contents(), before);
    project.run(execute.iter().chain(&["--confirm", &confirm])).succeeds();
    assert_eq!((database.count("Song"), backups(&project).is_empty()), (0, false));

    project.add_migration(YEAR, ADD_YEAR);
    let resolve = ["migrate", "resolve", "--applied", YEAR];
    let confirm = hash(&project.run(resolve).exits(3).stderr);
    project.run(resolve.iter().chain(&["--confirm", &confirm])).succeeds();
    assert_eq!(database.value("SELECT count(*) FROM _prisma_migrations"), "2");

    for command in [&["db", "push", "--force-reset"][..], &["migrate", "reset", "--force"]] {
        let confirm = hash(&project.run(command).exits(3).stderr);
        project.run(command.iter().chain(&["--confirm", &confirm])).succeeds();
        assert_eq!(database.count("Song"), 0);
    }
    // a reset takes the history along, and with it its trigger: that is told, and put right
    project.run(["guard", "on"]).succeeds();
    is_on(&project);
}

#[test]
fn fenced_commands_pass_with_consent_7() {
    fenced_commands_pass_with_consent(Prisma::V7);
}

#[test]
fn fenced_commands_pass_with_consent_6() {
    fenced_commands_pass_with_consent(Prisma::V6);
}

/// Somebody who guards a database has said that it matters.
#[test]
fn a_guarded_database_counts_as_production_for_the_fence() {
    let project = guarded(Prisma::V7);
    project.write("drop.sql", "DROP TABLE \"Song\";\n");
    let before = project.database().contents();
    let execute = ["db", "execute", "--file", "drop.sql"];
    let confirm = hash(&project.run(execute).exits(3).says("it has a guard").stderr);
    assert_eq!(project.database().contents(), before);
    project.run(execute.iter().chain(&["--confirm", &confirm])).succeeds();
}

/// An administrator guards, another role deploys; a third one is told before a backup is taken for it.
#[test]
fn only_roles_that_deploy_get_a_token() {
    let project = songs(Prisma::V7, 10);
    let database = project.database();
    let admin = database.url().to_owned();
    let (deployer, url) = role(database, "deployer");
    let (stranger, other) = role(database, "stranger");
    database.execute(&format!(
        "GRANT CREATE ON DATABASE {0} TO {deployer}; ALTER SCHEMA public OWNER TO {deployer}; ALTER TABLE \"Song\" OWNER TO {deployer};
         ALTER TABLE _prisma_migrations OWNER TO {deployer}",
        database.name()
    ));
    let project = project.env("DATABASE_URL", &url);
    let database = project.database();
    project.write("prisma-safe.toml", "[rehearsal]\nmode = \"off\"\nreason = \"another test\"\n");
    project.run(["guard", "on"]).exits(1).says("guard plan").says("event trigger");
    project.run(["guard", "status"]).succeeds().says("may not create event triggers");
    project.run(["guard", "on", "--url", &admin]).succeeds().says(&deployer);
    project.add_migration(DROP, DROP_PLAYS);
    let taken = backups(&project).len();
    project.run(["migrate", "deploy", "--url", &other]).exits(3).says("--deployer");
    assert_eq!(backups(&project).len(), taken);
    project.run(["guard", "off"]).exits(1).says("switched it on");
    project.run(["migrate", "deploy"]).succeeds();
    project.run(["rollback"]).succeeds();
    is_on(&project);

    // the deployer can take nothing of the guard away, with a token or without
    let mut client = postgres::Client::connect(&url, postgres::NoTls).expect("a connection");
    for sql in [
        "DROP SCHEMA _prisma_safe CASCADE",
        "DROP TABLE _prisma_safe.guard_setting",
        "DROP EVENT TRIGGER prisma_safe_guard_end",
    ] {
        client.batch_execute(sql).expect_err(sql);
    }
    for sql in [
        "DELETE FROM _prisma_safe.guard_setting",
        "UPDATE _prisma_safe.guard_token SET pids = '{}'",
        "INSERT INTO _prisma_safe.guard_journal (event) VALUES ('open')",
    ] {
        let error = client.batch_execute(sql).expect_err(sql);
        assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{sql}: {error}");
    }
    // nor put anything of its own in the place of what runs with the administrator's rights
    for (name, argument) in [
        ("guard_names", "text, name"),
        ("guard_raise", "text, varchar"),
        ("guard_judge", "text, name[]"),
        ("guard_refusal", "text"),
    ] {
        let body = "BEGIN RAISE EXCEPTION 'hijacked'; END";
        let sql =
            format!("CREATE FUNCTION _prisma_safe.{name}({argument}) RETURNS boolean LANGUAGE plpgsql AS $$ {body} $$");
        client.batch_execute(&sql).expect("its own function");
    }
    client
        .batch_execute(
            "CREATE FUNCTION _prisma_safe.f() RETURNS void LANGUAGE sql AS 'DROP TABLE _prisma_safe.guard_token'",
        )
        .expect("its own");
    let error = client.batch_execute("SELECT _prisma_safe.f()").expect_err("not its own");
    assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{error}");
    for sql in [
        "DROP TABLE \"Song\"",
        "DROP SCHEMA public CASCADE",
        "DROP SCHEMA _prisma_safe CASCADE",
        "CREATE TABLE made (id int)",
    ] {
        refused(database, sql);
    }
    database.execute("CREATE TEMP TABLE song (id int); ALTER TABLE song ADD n int");
    drop(client);
    project.run(["guard", "off", "--url", &admin]).succeeds();
    database
        .execute(&format!("DROP OWNED BY {deployer}, {stranger} CASCADE; DROP ROLE {stranger}; DROP ROLE {deployer}"));
}

/// Killed where it waits to apply: the guard stands, what it was given is worth nothing, and the next deployment goes through.
#[test]
fn a_killed_deployment_leaves_the_guard_on() {
    let project = guarded(Prisma::V7);
    let database = project.database();
    let settings = project.read("prisma-safe.toml");
    project.write("prisma-safe.toml", &format!("{settings}[deploy]\nlock-timeout-seconds = 120\n"));
    project.add_migration(YEAR, ADD_YEAR);
    let mut other = database.connect();
    other.batch_execute("BEGIN; LOCK TABLE \"Song\" IN ACCESS SHARE MODE").expect("a lock");
    let mut child = start(project.command(env!("CARGO_BIN_EXE_prisma-safe"), ["migrate", "deploy"]));
    until_it_says(&mut child, "Applying");
    let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = '\"Song\"'::regclass";
    soon("it waits for the lock", || database.value(waits) == "1");
    child.kill().expect("a kill");
    end(child).exits(137);
    other.batch_execute("ROLLBACK").expect("an end");
    soon("the server has noticed", || {
        database.value("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'prisma-safe%'") == "0"
    });
    is_on(&project);
    refused(database, "DROP TABLE \"Song\"");
    project.run(["migrate", "deploy"]).succeeds();
    assert_eq!(database.value(COLUMNS), "isrc title artist plays year");
}

/// Two deployments at once: one waits for the other, and each has tokens of its own.
#[test]
fn two_deployments_pass_one_after_the_other() {
    let project = guarded(Prisma::V7);
    project.add_migration(YEAR, ADD_YEAR);
    let deploy = || start(project.command(env!("CARGO_BIN_EXE_prisma-safe"), ["migrate", "deploy"]));
    let (one, two) = (deploy(), deploy());
    end(one).succeeds();
    end(two).succeeds();
    assert_eq!(project.database().value(COLUMNS), "isrc title artist plays year");
    assert_eq!(project.database().value("SELECT count(*) FROM _prisma_migrations"), "2");
}
