//! `status` and `--resume`: a deployment that was killed anywhere leaves a state that both know.

use postgres::Client;

use super::{YEAR, pending};
use crate::journey::{prisma_is_content, songs};
use crate::support::schema::assert_valid;
use crate::support::{Prisma, Project};

pub(super) fn status(project: &Project) -> serde_json::Value {
    let document = project.run(["status", "--format", "json"]).json();
    assert_valid("status", &document);
    document
}

/// Every line that was written, checked against its schema.
pub(super) fn journal(project: &Project) -> Vec<serde_json::Value> {
    let mut lines = Vec::new();
    for file in journals(project) {
        for line in project.read(&file).lines() {
            let line = serde_json::from_str(line).expect("JSON");
            assert_valid("journal", &line);
            lines.push(line);
        }
    }
    lines
}

/// The journals of all deployments; each has a page beside it.
fn journals(project: &Project) -> Vec<String> {
    let mut files = project.files(".prisma-safe/deployments");
    files.retain(|file| file.ends_with(".jsonl"));
    files
}

pub(super) fn has_written(project: &Project, event: &str, stage: &str) -> bool {
    let files = journals(project);
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
    let again = project.run(["migrate", "deploy", "--resume", "--format", "json"]).succeeds();
    assert_eq!(again.says("No pending migrations").json()["migrations"].as_array().map(Vec::len), Some(0));
}

/// A session that holds a lock until it is dropped.
pub(super) fn in_the_way(project: &Project, lock: &str) -> Client {
    let mut client = project.database().connect();
    client.batch_execute(&format!("BEGIN; {lock}")).unwrap();
    client
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
    project.run(["migrate", "deploy", "--resume"]).exits(2).says("no unfinished deployment");
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
