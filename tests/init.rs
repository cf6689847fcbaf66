//! `init`: shows, asks, writes; twice changes nothing.

use crate::support::{Project, Terminal};

const MANIFEST: &str = "{\n  \"name\": \"music\",\n  \"private\": true,\n  \"scripts\": {\n    \
    \"build\": \"prisma generate && next build\",\n    \"migrate\": \"dotenv -e .env -- npx prisma migrate deploy\"\n  }\n}\n";
const REWIRED: &str = "{\n  \"name\": \"music\",\n  \"private\": true,\n  \"scripts\": {\n    \
    \"build\": \"prisma generate && next build\",\n    \"migrate\": \"dotenv -e .env -- npx prisma-safe migrate deploy\",\n    \
    \"prod:backup\": \"prisma-safe backup\"\n  }\n}\n";

fn project() -> Project {
    let project = Project::prisma7();
    project.write("package.json", MANIFEST);
    project
}

fn untouched(project: &Project) {
    assert_eq!(project.read("package.json"), MANIFEST);
    assert!(!project.path("prisma-safe.toml").exists() && !project.path(".gitignore").exists());
}

#[test]
fn yes_answers_and_twice_changes_nothing() {
    let project = project();
    project
        .run(["init", "--yes", "--ci", "github", "--ci-install", "prisma-safe --version"])
        .succeeds()
        .says("+    \"migrate\": \"dotenv -e .env -- npx prisma-safe");
    assert_eq!(project.read("package.json"), REWIRED);
    assert!(project.read(".gitignore").contains("\nbackups/\n.prisma-safe/\n"));
    assert!(project.read("prisma-safe.toml").contains("# lock-timeout-seconds = "));
    assert!(project.read(".github/workflows/prisma-safe.yml").contains("prisma-safe review"));
    let files = project.files(".");
    let again = ["init", "--ci", "github", "--ci-install", "prisma-safe --version"];
    project.run(again).succeeds().says("set up already").says_nothing_of("+++");
    assert_eq!(project.files("."), files);
    assert_eq!(project.read("package.json"), REWIRED);
}

#[test]
fn without_a_terminal_it_shows_and_writes_nothing() {
    let project = project();
    project.run(["init"]).exits(2).says("prisma-safe init --yes").says("+++ b/package.json");
    untouched(&project);
}

#[test]
fn at_a_terminal_it_asks() {
    let project = project();
    for (key, status) in [("n", 130), ("\u{3}", 130), ("y", 0)] {
        let mut terminal = Terminal::start(project.command(env!("CARGO_BIN_EXE_prisma-safe"), ["init"]));
        terminal.sees("Make these changes?").types(key);
        assert_eq!(terminal.ends().0, status, "{key:?}");
        if status != 0 {
            untouched(&project);
        }
    }
    assert_eq!(project.read("package.json"), REWIRED);
}

#[test]
fn a_rewired_script_runs_what_it_ran() {
    let project = Project::prisma7().schema("model Song {\n  isrc String @id\n}\n");
    project.write("package.json", "{\"scripts\": {\"status\": \"prisma migrate status\"}}");
    project.run(["init", "--yes"]).succeeds();
    let safe = std::path::Path::new(env!("CARGO_BIN_EXE_prisma-safe")).parent().unwrap();
    let path = format!("{}:{}", safe.display(), std::env::var("PATH").unwrap());
    let project = project.env("PATH", &path).env("npm_config_update_notifier", "false");
    // status 1 is Prisma's: the database has no history yet
    project.program("npm", ["run", "status"]).exits(1).says("prisma-safe migrate status").says("No migration found");
}

#[test]
fn a_broken_manifest_is_named_and_nothing_is_written() {
    let project = Project::prisma7();
    project.write("package.json", "{\"scripts\": {");
    project.run(["init", "--yes"]).exits(2).says("package.json is not valid JSON");
    assert!(!project.path("prisma-safe.toml").exists());
}
