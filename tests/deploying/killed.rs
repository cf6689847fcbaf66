//! `kill -9` inside every stage of a deploy and of a rollback: a real obstacle stops it there, and the state that is left is
//! known, and can be gone on from.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use prisma_safe::env::Env;
use prisma_safe::tools::scratch::{ScratchServer, server_programs};

use super::status::{has_written, in_the_way, journal, status};
use super::{ADD_YEAR, YEAR, deploy, end, quick, start};
use crate::journey::{INIT, SONG, SONG_SQL, backups, prisma_is_content, songs};
use crate::support::{Prisma, Project, Terminal, soon};

const OTHER: &str = "20250103000000_other";

/// Patient enough for a test to come, and stopped by whoever holds the advisory lock 7 when all is applied.
const PATIENT: &str = "[deploy]\nlock-timeout-seconds = 120\n[backup]\nlock-wait-seconds = 120\n[verify]\ndrift = \"off\"\n\
    [[verify.query]]\nname = \"gate\"\nsql = \"SELECT pg_advisory_lock_shared(7)::text\"\nexpect = \"\"\n";

const YEARS: &str = "SELECT count(*) FROM information_schema.columns WHERE column_name = 'year'";

/// Where a deploy is stopped.
struct Obstacle {
    /// What the journal says then.
    event: &'static str,
    stage: &'static str,
    /// What another session holds.
    lock: &'static str,
    /// The first of two migrations.
    first: &'static str,
    arguments: Vec<String>,
    /// Whether the first migration is applied when it is over.
    applied: bool,
    /// Whether there is a backup then.
    backup: bool,
}

const OBSTACLE: Obstacle = Obstacle {
    event: "stageStarted",
    stage: "",
    lock: "SELECT 1",
    first: ADD_YEAR,
    arguments: Vec::new(),
    applied: false,
    backup: false,
};

/// Killed there, the database is defined, `status` tells, and `--resume` ends what was begun: with the same backup, if it still
/// is the way back.
#[track_caller]
fn killed_at(obstacle: &Obstacle) {
    let project = songs(Prisma::V7, 1_000);
    project.database().execute("CREATE TABLE other (x INT); INSERT INTO other VALUES (1)");
    quick(&project, PATIENT);
    project.add_migration(YEAR, obstacle.first);
    project.add_migration(OTHER, "ALTER TABLE other ADD COLUMN y INT;\n");
    let client = in_the_way(&project, obstacle.lock);
    let mut command = deploy(&project);
    command.args(&obstacle.arguments);
    let mut child = start(command);
    soon("it comes there", || has_written(&project, obstacle.event, obstacle.stage));
    child.kill().expect("a kill");
    child.wait().expect("an end");
    drop(client);
    goes_on(&project, obstacle.applied, obstacle.backup);
}

#[track_caller]
fn goes_on(project: &Project, applied: bool, backup: bool) {
    let database = project.database();
    let sessions =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    soon("the server has let go", || database.value(sessions) == "0");

    assert_eq!(database.value(YEARS), if applied { "1" } else { "0" });
    let document = status(project);
    let last = &document["lastDeployment"];
    assert_eq!(last["state"], "interrupted", "{document}");
    assert_eq!(last["remainder"], if applied { "applied" } else { "nothing" }, "{document}");
    assert_eq!(last["backup"].is_string(), backup, "{document}");
    let next = document["next"].to_string();
    assert!(next.contains("resume") || next.contains("verify"), "{document}");
    project.run(["status"]).exits(1).says("cut short");

    let count = || backups(project).iter().filter(|file| file.ends_with(".json")).count();
    let whole = count();
    let done = database.count("_prisma_migrations") == project.migrations().len();
    project.run(["migrate", "deploy", "--resume"]).succeeds();
    assert_eq!(database.count("_prisma_migrations"), project.migrations().len());
    assert_eq!(database.count("Song"), 1_000);
    let reused = backup && !applied;
    assert_eq!(count(), if reused || done { whole } else { whole + 1 }, "{:?}", backups(project));
    assert!(!backups(project).iter().any(|file| file.ends_with(".partial")), "{:?}", backups(project));
    assert_eq!(project.prisma(["migrate", "status"]).stdout.matches("up to date").count(), 1);
    journal(project);
}

/// It asks how often each value is there.
#[test]
fn in_the_review() {
    killed_at(&Obstacle {
        stage: "review",
        lock: "LOCK TABLE \"Song\" IN ACCESS EXCLUSIVE MODE",
        first: "ALTER TABLE \"Song\" ADD COLUMN \"year\" INTEGER;\nCREATE UNIQUE INDEX \"Song_title_key\" ON \"Song\"(\"title\", \"isrc\");\n",
        ..OBSTACLE
    });
}

#[test]
fn in_the_wait_for_a_time() {
    let at = Timestamp::now() + Duration::from_hours(20);
    killed_at(&Obstacle { stage: "wait", arguments: vec!["--at".into(), at.to_string()], ..OBSTACLE });
}

/// It dumps the table.
#[test]
fn in_the_backup() {
    killed_at(&Obstacle { stage: "backup", lock: "LOCK TABLE \"Song\" IN ACCESS EXCLUSIVE MODE", ..OBSTACLE });
}

#[test]
fn in_the_apply() {
    killed_at(&Obstacle {
        event: "applying",
        stage: "year",
        lock: "LOCK TABLE \"Song\" IN ACCESS SHARE MODE",
        backup: true,
        ..OBSTACLE
    });
}

#[test]
fn before_the_history_s_row() {
    killed_at(&Obstacle {
        event: "applying",
        stage: "year",
        lock: "LOCK TABLE _prisma_migrations IN SHARE MODE",
        backup: true,
        ..OBSTACLE
    });
}

/// The second migration waits for a table that only it touches.
#[test]
fn between_two_migrations() {
    killed_at(&Obstacle {
        event: "applying",
        stage: "other",
        lock: "LOCK TABLE other IN ACCESS SHARE MODE",
        applied: true,
        backup: true,
        ..OBSTACLE
    });
}

/// A query of the project's own waits.
#[test]
fn in_the_verification() {
    killed_at(&Obstacle {
        stage: "verify",
        lock: "SELECT pg_advisory_lock(7)",
        applied: true,
        backup: true,
        ..OBSTACLE
    });
}

/// While a person is asked. Nothing is agreed to then, so the person is asked again.
#[test]
fn in_the_consent() {
    let project = songs(Prisma::V7, 10).production();
    let drop =
        "-- prisma-safe:allow drop-column(Song.plays): nobody counts\nALTER TABLE \"Song\" DROP COLUMN \"plays\";\n";
    project.add_migration(YEAR, drop);
    let production = project.read("prisma-safe.toml");
    quick(&project, &production);
    let before = project.database().contents();
    let mut terminal = Terminal::start(deploy(&project));
    terminal.sees("Type the database's name");
    assert_eq!(terminal.killed(), 128 + 9);
    assert_eq!(project.database().contents(), before);
    assert_eq!(backups(&project), Vec::<String>::new());
    assert_eq!(status(&project)["lastDeployment"]["state"], "interrupted");
    project.run(["migrate", "deploy", "--resume"]).exits(3).says("--confirm");
    let mut command = deploy(&project);
    command.arg("--resume");
    let mut terminal = Terminal::start(command);
    terminal.sees("Type the database's name").types(project.database().name());
    assert_eq!(terminal.ends().0, 0);
    assert_eq!(project.database().count("_prisma_migrations"), 2);
}

/// A place that every user may enter.
fn open_directory() -> tempfile::TempDir {
    let directory = tempfile::Builder::new().prefix("ps-killed-").tempdir_in("/tmp").expect("a directory");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("permissions");
    directory
}

/// Adds the column, then waits for a file where `only` holds.
fn waiting_for(gate: &Path, only: &str) -> String {
    format!(
        "-- prisma-safe:allow opaque-code(call 1): waits for the test\n{ADD_YEAR}SELECT CASE WHEN {only} AND pg_stat_file('{}', true) IS NULL THEN pg_sleep(600)::text END;\n",
        gate.display()
    )
}

/// The copy, its server and its files are gone with the run that needed them.
#[test]
fn in_the_rehearsal() {
    let scratch = open_directory();
    let project = songs(Prisma::V7, 1_000).env("TMPDIR", &scratch.path().display().to_string());
    project.write("prisma-safe.toml", PATIENT);
    let gate = scratch.path().join("gate");
    project.add_migration(YEAR, &waiting_for(&gate, "current_database() = 'rehearsal'"));
    let servers = || {
        let names = fs::read_dir(scratch.path()).expect("a directory").flatten().map(|entry| entry.file_name());
        names.filter(|name| name.to_string_lossy().starts_with("prisma-safe-scratch-")).count()
    };
    let mut child = start(deploy(&project));
    soon("the rehearsal", || has_written(&project, "stageStarted", "rehearsal"));
    assert_eq!(servers(), 1);
    child.kill().expect("a kill");
    child.wait().expect("an end");
    soon("the scratch server is gone", || servers() == 0);
    fs::write(&gate, "").expect("the gate");
    goes_on(&project, false, true);
    assert_eq!(servers(), 0);
}

/// The server goes down in the middle of a migration and comes up again.
#[test]
fn the_server_starts_anew_in_the_apply() {
    let home = open_directory();
    let programs = server_programs(&Env::read()).expect("PostgreSQL");
    let mut server =
        ScratchServer::start_with(&home.path().join("pg"), std::process::id(), programs, "").expect("a server");
    let url = |server: &ScratchServer| server.url("postgres").expect("a URL").expose().to_owned();
    let project = Project::on(Prisma::V7).schema(SONG).migration(INIT, SONG_SQL).env("DATABASE_URL", &url(&server));
    quick(&project, PATIENT);
    project.prisma(["migrate", "deploy"]).succeeds();
    server
        .connect("postgres")
        .expect("a session")
        .batch_execute("INSERT INTO \"Song\" VALUES ('x', 'y', 'z')")
        .expect("a song");
    let gate = home.path().join("gate");
    project.add_migration(YEAR, &waiting_for(&gate, "true"));
    let child = start(deploy(&project));
    let mut client = server.connect("postgres").expect("a session");
    let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    soon("the middle of the migration", || client.query_one(sleeping, &[]).expect("a count").get::<_, i64>(0) == 1);
    server.restart("").expect("a restart");
    end(child).exits(1);

    let mut client = server.connect("postgres").expect("a session");
    let mut count = |query: &str| client.query_one(query, &[]).expect("a count").get::<_, i64>(0);
    assert_eq!((count(YEARS), count("SELECT count(*) FROM \"Song\"")), (0, 1));
    fs::write(&gate, "").expect("the gate");
    let project = project.env("DATABASE_URL", &url(&server));
    project.run(["migrate", "deploy"]).succeeds();
    assert_eq!((count(YEARS), count("SELECT count(*) FROM _prisma_migrations WHERE finished_at IS NOT NULL")), (1, 2));
}

/// A rollback that is killed has done nothing; the next one does all of it.
#[track_caller]
fn rollback_killed_at(lock: &str) {
    let project = songs(Prisma::V7, 1_000);
    quick(&project, PATIENT);
    let before = project.database().rows("SELECT * FROM \"Song\" ORDER BY isrc");
    project.add_migration(
        YEAR,
        "-- prisma-safe:allow drop-column(Song.plays): a test\nALTER TABLE \"Song\" DROP COLUMN \"plays\";\n",
    );
    project.write(
        &format!("prisma/migrations/{YEAR}/down.sql"),
        "ALTER TABLE \"Song\" ADD COLUMN \"plays\" INTEGER NOT NULL DEFAULT 0;\n",
    );
    project.run(["migrate", "deploy"]).succeeds();
    let deployed = project.database().contents();
    let client = in_the_way(&project, lock);
    let command = project.command(env!("CARGO_BIN_EXE_prisma-safe"), ["rollback", YEAR]);
    let mut child = start(command);
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' \
                 AND application_name LIKE 'prisma-safe%'";
    soon("it waits there", || project.database().value(waits) != "0");
    child.kill().expect("a kill");
    child.wait().expect("an end");
    drop(client);
    soon("the server has let go", || project.database().value(waits) == "0");
    assert_eq!(project.database().contents(), deployed);
    project.run(["rollback", YEAR]).succeeds();
    assert_eq!(project.database().rows("SELECT isrc, title, artist, plays FROM \"Song\" ORDER BY isrc"), before);
    assert!(project.prisma(["migrate", "status"]).stdout.contains(YEAR), "it is pending again");
    fs::remove_dir_all(project.path(&format!("prisma/migrations/{YEAR}"))).expect("the migration");
    prisma_is_content(Prisma::V7, &project);
}

#[test]
fn a_rollback_in_down_sql() {
    rollback_killed_at("LOCK TABLE \"Song\" IN ACCESS SHARE MODE");
}

#[test]
fn a_rollback_before_the_history_is_mended() {
    rollback_killed_at("LOCK TABLE _prisma_migrations IN SHARE MODE");
}
