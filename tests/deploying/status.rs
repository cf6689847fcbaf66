//! `status` and `--resume`: a deployment that was killed anywhere leaves a state that both know.

use postgres::Client;

use super::{ADD_YEAR, YEAR, deploy, pending, start};
use crate::journey::{backups, prisma_is_content, songs};
use crate::support::schema::assert_valid;
use crate::support::{Prisma, Project, soon};

fn status(project: &Project) -> serde_json::Value {
    let document = project.run(["status", "--format", "json"]).json();
    assert_valid("status", &document);
    document
}

/// Every line that was written, checked against its schema.
fn journal(project: &Project) -> Vec<serde_json::Value> {
    let mut lines = Vec::new();
    for file in project.files(".prisma-safe/deployments") {
        for line in project.read(&file).lines() {
            let line = serde_json::from_str(line).expect("JSON");
            assert_valid("journal", &line);
            lines.push(line);
        }
    }
    lines
}

fn has_written(project: &Project, event: &str, stage: &str) -> bool {
    let files = project.files(".prisma-safe/deployments");
    let written = files.iter().flat_map(|file| project.read(file).lines().map(str::to_owned).collect::<Vec<_>>());
    written.into_iter().any(|line| line.contains(&format!("\"event\":\"{event}\"")) && line.contains(stage))
}

#[test]
fn before_and_after_a_deploy() {
    let project = pending(Prisma::V7);
    project.run(["status"]).exits(1).says("1 pending").says("prisma-safe deploy");
    let document = status(&project);
    assert_eq!((&document["upToDate"], &document["lastDeployment"]), (&false.into(), &serde_json::Value::Null));
    project.run(["migrate", "deploy"]).succeeds();
    project.run(["status"]).succeeds().says("up to date").says("finished");
    let document = status(&project);
    let last = &document["lastDeployment"];
    assert_eq!((&last["state"], &last["verified"]), (&"finished".into(), &true.into()), "{document}");
    assert_eq!(last["applied"][0], YEAR);
    let stages = last["stages"].as_array().expect("stages");
    assert!(stages.len() >= 6 && stages.iter().all(|stage| stage["milliseconds"].is_u64()), "{document}");
    assert!(journal(&project).len() > 10);
    project.run(["migrate", "deploy", "--resume"]).succeeds().says("No pending migrations");
}

/// Where a deploy is stopped by a real obstacle, so that it can be killed right there.
struct Obstacle {
    name: &'static str,
    /// The journal's last line then.
    event: &'static str,
    stage: &'static str,
    /// A lock that stops it there.
    lock: &'static str,
    /// Whether a migration is applied when it is over.
    applied: bool,
    /// Whether there is a backup then.
    backup: bool,
}

const OBSTACLES: [Obstacle; 5] = [
    // the review measures the table, the backup dumps it
    Obstacle {
        name: "backup",
        event: "stageStarted",
        stage: "backup",
        lock: "LOCK TABLE \"Song\" IN ACCESS EXCLUSIVE MODE",
        applied: false,
        backup: false,
    },
    Obstacle {
        name: "apply",
        event: "applying",
        stage: "year",
        lock: "LOCK TABLE \"Song\" IN ACCESS SHARE MODE",
        applied: false,
        backup: true,
    },
    Obstacle {
        name: "row",
        event: "applying",
        stage: "year",
        lock: "LOCK TABLE _prisma_migrations IN SHARE MODE",
        applied: false,
        backup: true,
    },
    // the second migration waits for a table that only it touches
    Obstacle {
        name: "between",
        event: "applying",
        stage: "other",
        lock: "LOCK TABLE other IN ACCESS SHARE MODE",
        applied: true,
        backup: true,
    },
    // a query of the project's own waits
    Obstacle {
        name: "verify",
        event: "stageStarted",
        stage: "verify",
        lock: "SELECT pg_advisory_lock(7)",
        applied: true,
        backup: true,
    },
];

fn in_the_way(project: &Project, lock: &str) -> Client {
    let mut client = project.database().connect();
    client.batch_execute(&format!("BEGIN; {lock}")).unwrap();
    client
}

/// Killed there, the database is defined, `status` tells, and `--resume` ends what was begun: with the same backup, if it still
/// is the way back.
fn killed_at(obstacle: &Obstacle) {
    let project = songs(Prisma::V7, 1_000);
    project.database().execute("CREATE TABLE other (x INT); INSERT INTO other VALUES (1)");
    super::quick(
        &project,
        "[deploy]\nlock-timeout-seconds = 120\n[backup]\nlock-wait-seconds = 120\n[review]\nsmall-table-rows = 0\n[verify]\ndrift = \"off\"\n\
         [[verify.query]]\nname = \"gate\"\nsql = \"SELECT pg_advisory_lock_shared(7)::text\"\nexpect = \"\"\n",
    );
    project.add_migration(YEAR, ADD_YEAR);
    project.add_migration("20250103000000_other", "ALTER TABLE other ADD COLUMN y INT;\n");
    let client = in_the_way(&project, obstacle.lock);
    let mut child = start(deploy(&project));
    soon("it comes there", || has_written(&project, obstacle.event, obstacle.stage));
    child.kill().expect("a kill");
    child.wait().expect("an end");
    drop(client);
    let sessions =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    soon("the server has let go", || project.database().value(sessions) == "0");

    let year = "SELECT count(*) FROM information_schema.columns WHERE column_name = 'year'";
    assert_eq!(project.database().value(year), if obstacle.applied { "1" } else { "0" });
    let document = status(&project);
    let last = &document["lastDeployment"];
    assert_eq!(last["state"], "interrupted", "{document}");
    assert_eq!(last["remainder"], if obstacle.applied { "applied" } else { "nothing" }, "{document}");
    assert_eq!(last["backup"].is_string(), obstacle.backup, "{document}");
    assert!(
        document["next"].to_string().contains("resume") || document["next"].to_string().contains("verify"),
        "{document}"
    );
    project.run(["status"]).exits(1).says("cut short");

    let whole = backups(&project).iter().filter(|file| file.ends_with(".json")).count();
    project.run(["migrate", "deploy", "--resume"]).succeeds();
    assert_eq!(project.database().count("_prisma_migrations"), 3);
    assert_eq!(project.database().count("Song"), 1_000);
    let now = backups(&project).iter().filter(|file| file.ends_with(".json")).count();
    let pending_then = obstacle.name != "verify";
    let reused = obstacle.backup && !obstacle.applied;
    assert_eq!(now, if reused || !pending_then { whole } else { whole + 1 }, "{:?}", backups(&project));
    assert_eq!(project.prisma(["migrate", "status"]).stdout.matches("up to date").count(), 1);
    journal(&project);
}

#[test]
fn killed_at_the_backup() {
    killed_at(&OBSTACLES[0]);
}

#[test]
fn killed_at_the_apply() {
    killed_at(&OBSTACLES[1]);
}

#[test]
fn killed_before_the_history_s_row() {
    killed_at(&OBSTACLES[2]);
}

#[test]
fn killed_between_two_migrations() {
    killed_at(&OBSTACLES[3]);
}

#[test]
fn killed_at_the_verification() {
    killed_at(&OBSTACLES[4]);
}

/// What was consented to is not asked again, and only exactly that.
#[test]
fn resume_takes_over_the_word_for_the_same_sql_only() {
    let project = songs(Prisma::V7, 10).production();
    let drop =
        "-- prisma-safe:allow drop-column(Song.plays): nobody counts\nALTER TABLE \"Song\" DROP COLUMN \"plays\";\n";
    project.add_migration(YEAR, drop);
    let production = project.read("prisma-safe.toml");
    super::quick(&project, &format!("[deploy]\nlock-timeout-seconds = 0.3\nlock-retries = 0\n{production}"));
    project.run(["migrate", "deploy", "--resume"]).exits(2).says("no deployment");
    let plan = project.run(["review", "--pending", "--format", "json"]).succeeds().json()["planHash"].clone();
    let mut client = in_the_way(&project, "LOCK TABLE \"Song\" IN ACCESS SHARE MODE");
    project.run(["migrate", "deploy", "--confirm", plan.as_str().expect("a hash")]).exits(1);
    client.batch_execute("ROLLBACK").unwrap();

    project.add_migration(YEAR, &format!("{drop}-- changed\n"));
    project.run(["migrate", "deploy", "--resume"]).exits(3).says("not those");
    project.add_migration(YEAR, drop);
    let project = project.env("CLAUDECODE", "1");
    project.run(["migrate", "deploy", "--resume"]).exits(3).says("Claude Code");
    let project = project.env("CLAUDECODE", "");
    // the newest record is the refused one: it holds no word
    project.run(["migrate", "deploy", "--resume"]).exits(3).says("--confirm");
    let confirm = ["migrate", "deploy", "--confirm", plan.as_str().expect("a hash")];
    let mut client = in_the_way(&project, "LOCK TABLE \"Song\" IN ACCESS SHARE MODE");
    project.run(confirm).exits(1);
    client.batch_execute("ROLLBACK").unwrap();
    project.run(["migrate", "deploy", "--resume"]).succeeds().says("Reusing");
    prisma_is_content_without_plays(&project);
}

fn prisma_is_content_without_plays(project: &Project) {
    project
        .set_schema("model Song {\n  isrc   String @id\n  title  String\n  artist String\n\n  @@index([artist])\n}\n");
    prisma_is_content(Prisma::V7, project);
}
