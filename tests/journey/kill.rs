//! kill -9 of prisma-safe at each stage of a deploy: no process, no half-written file, no half-applied migration stays,
//! and the next run goes on.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use super::{backups, prisma_is_content, songs};
use crate::support::{Prisma, Project, soon};

/// Long enough to be killed in, short enough to end by itself.
const SLOW: &str = "ALTER TABLE \"Song\" ADD COLUMN \"year\" INTEGER;\n\nSELECT pg_sleep(3);\n";

/// Whether any process still lives in the project's directory.
pub(crate) fn deserted(project: &Project) -> bool {
    let directory = project.directory();
    let processes = std::fs::read_dir("/proc").expect("/proc");
    !processes
        .flatten()
        .any(|process| std::fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(&directory)))
}

/// Starts a deploy and kills it when it says that the stage begins.
#[track_caller]
fn killed_at(project: &Project, stage: &str) {
    let mut command = project.command(env!("CARGO_BIN_EXE_prisma-safe"), ["migrate", "deploy", "-v"]);
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("prisma-safe");
    let lines = BufReader::new(child.stderr.take().expect("stderr")).lines();
    let mut seen = String::new();
    for line in lines {
        let line = line.expect("a line");
        seen.push_str(&line);
        seen.push('\n');
        if line.trim_start().starts_with(stage) {
            child.kill().expect("a kill");
            child.wait().expect("an end");
            soon("no process is left", || deserted(project));
            return;
        }
    }
    child.wait().expect("an end");
    panic!("never came to {stage}:\n{seen}");
}

fn goes_on_after_a_kill_at(stage: &str, prisma: Prisma) {
    let project = songs(prisma, 20_000);
    project.set_schema(&super::SONG.replace("plays  Int    @default(0)", "plays  Int    @default(0)\n  year   Int?"));
    project.add_migration("20250102000000_year", SLOW);
    killed_at(&project, stage);
    soon("the server has let go", || {
        project.database().value(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
        ) == "0"
    });
    for file in backups(&project) {
        assert!(
            !file.ends_with(".sql") || project.path(&format!("{file}.json")).exists() || stage == "Backing",
            "{file} has no manifest"
        );
    }
    project.run(["migrate", "deploy"]).succeeds();
    prisma_is_content(prisma, &project);
    assert_eq!(project.database().value("SELECT count(*) FROM \"Song\""), "20000");
    let left: Vec<_> = backups(&project).into_iter().filter(|file| file.contains("partial")).collect();
    assert!(left.is_empty(), "{left:?}");
    project.run(["backup", "verify"]).succeeds();
}

#[test]
fn while_checking() {
    goes_on_after_a_kill_at("Checking", Prisma::V7);
}

#[test]
fn while_reviewing() {
    goes_on_after_a_kill_at("Reviewing", Prisma::V7);
}

#[test]
fn while_backing_up() {
    goes_on_after_a_kill_at("Backing", Prisma::V7);
}

#[test]
fn while_applying_7() {
    goes_on_after_a_kill_at("Applying", Prisma::V7);
}

#[test]
fn while_applying_6() {
    goes_on_after_a_kill_at("Applying", Prisma::V6);
}

#[test]
fn while_verifying() {
    goes_on_after_a_kill_at("Verifying", Prisma::V7);
}
