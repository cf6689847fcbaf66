//! A coding agent is nobody who could consent to losing data on production.

use crate::journey::songs;
use crate::support::schema::assert_valid;
use crate::support::{Prisma, Project};

const DROP: &str = "-- prisma-safe:allow drop-column(Song.plays): nobody counts any more\nALTER TABLE \"Song\" DROP COLUMN \"plays\";\n";
const MARKS: [(&str, &str, &str); 4] = [
    ("CLAUDECODE", "1", "Claude Code"),
    ("CURSOR_AGENT", "1", "Cursor"),
    ("AGENT", "goose", "Goose"),
    ("CODEX_SANDBOX", "seatbelt", "Codex CLI"),
];

fn lossy() -> Project {
    let project = songs(Prisma::V7, 10).production();
    project.add_migration("20250102000000_plays", DROP);
    super::quick(&project, &project.read("prisma-safe.toml"));
    project
}

fn plan(project: &Project) -> String {
    let document = project.run(["review", "--pending", "--format", "json"]).succeeds().json();
    assert_valid("review", &document);
    assert_eq!(document["consent"]["losses"][0], "Song.plays");
    assert_eq!(document["consent"]["agent"], serde_json::Value::Null);
    document["planHash"].as_str().expect("a hash").to_owned()
}

#[test]
fn the_hash_is_no_consent_of_an_agent() {
    let mut project = lossy();
    let plan = plan(&project);
    let before = project.database().contents();
    for (mark, value, name) in MARKS {
        project = project.env(mark, value);
        let deploy = ["migrate", "deploy", "--format", "json"];
        let output = project.run(deploy.into_iter().chain(["--confirm", &plan])).exits(3).says(name).says("person");
        let document = output.json();
        assert_valid("review", &document);
        assert_eq!(document["consent"]["agent"], name, "{document}");
        assert!(!document["consent"]["how"].as_str().expect("a sentence").contains(&plan), "{document}");
        assert_eq!(project.database().contents(), before, "{name}");
        project = project.env(mark, "");
    }
    let skip = ["migrate", "deploy", "--skip-backup", "--reason", "x"];
    project = project.env("GEMINI_CLI", "1");
    project.run(skip.into_iter().chain(["--confirm", &plan])).exits(3).says("Gemini CLI");
    assert_eq!(project.database().contents(), before);

    // what people and build machines have is no mark
    project = project.env("GEMINI_CLI", "").env("CURSOR_TRACE_ID", "x").env("AGENT_NAME", "build-7").env("CI", "true");
    project.run(["migrate", "deploy", "--confirm", &plan]).succeeds();
}

#[test]
fn nor_for_a_fenced_command() {
    let project = songs(Prisma::V7, 10).production().env("CLAUDECODE", "1");
    let before = project.database().contents();
    project.write("clear.sql", "DELETE FROM \"Song\";\n");
    for command in [&["migrate", "reset", "--force"][..], &["db", "execute", "--file", "clear.sql"]] {
        let output = project.run(command).exits(3).says("Claude Code");
        assert!(!output.stderr.contains("--confirm"), "{}", output.stderr);
        project.run(command.iter().chain(&["--confirm", "0123456789abcdef"])).exits(3).says("Claude Code");
    }
    assert_eq!(project.database().contents(), before);
}

/// Where nothing is lost an agent deploys like everybody; but no safeguard is skipped on production for it.
#[test]
fn what_loses_nothing_is_deployed() {
    let project = super::pending(Prisma::V7).production().env("CLAUDECODE", "1");
    super::quick(&project, &project.read("prisma-safe.toml"));
    let skip = ["migrate", "deploy", "--skip-backup", "--reason", "I am in a hurry"];
    project.run(skip).exits(3).says("Claude Code").says("safeguard");
    project.run(["migrate", "deploy"]).succeeds();

    let development = super::pending(Prisma::V7).env("CLAUDECODE", "1");
    development.run(skip).succeeds();
}
