//! `demo`: ends in success, and leaves nothing however it ends.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Prisma, Project};

/// Nothing takes longer than this, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

fn demo(project: &Project, more: &[&str]) -> Command {
    let fixture = Prisma::V7.fixture().display().to_string();
    let arguments = ["demo", "--prisma-from", &fixture];
    project.command(env!("CARGO_BIN_EXE_prisma-safe"), arguments.iter().chain(more))
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < LIMIT, "never: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Starts a demo, and gives it with its directory once its server runs.
fn started(project: &Project) -> (Child, PathBuf) {
    let child = demo(project, &[]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let directory = PathBuf::from(format!("/tmp/prisma-safe-demo-{}", child.id()));
    wait_until("a server", || directory.join("project/.env").exists());
    (child, directory)
}

/// The process id of the demo's server.
fn server(directory: &std::path::Path) -> Pid {
    let text = std::fs::read_to_string(directory.join("data/postmaster.pid")).unwrap();
    Pid::from_raw(text.lines().next().unwrap().parse().unwrap()).unwrap()
}

#[test]
fn it_tells_the_journey_and_leaves_nothing() {
    let project = Project::prisma7();
    let child = demo(&project, &[]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let directory = PathBuf::from(format!("/tmp/prisma-safe-demo-{}", child.id()));
    let output = crate::support::Output::of("demo".into(), child.wait_with_output().unwrap());
    output
        .succeeds()
        .says("RENAME COLUMN")
        .says("all 5,000 artists are in `artist_name`")
        .says("refused, and every play count");
    assert!(!directory.exists());
}

#[test]
fn a_signal_ends_it_and_leaves_nothing() {
    let project = Project::prisma7();
    for signal in [Signal::INT, Signal::TERM] {
        let (mut child, directory) = started(&project);
        let server = server(&directory);
        kill_process(Pid::from_raw(child.id().cast_signed()).unwrap(), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130), "{signal:?}");
        assert!(!directory.exists(), "{signal:?}");
        wait_until("the server's end", || rustix::process::test_kill_process(server).is_err());
    }
}

#[test]
fn kill_9_leaves_nothing_either() {
    let (mut child, directory) = started(&Project::prisma7());
    let server = server(&directory);
    child.kill().unwrap();
    child.wait().unwrap();
    wait_until("an empty place", || !directory.exists());
    wait_until("the server's end", || rustix::process::test_kill_process(server).is_err());
}

#[test]
fn kept_it_can_be_played_with_and_ended_by_its_own_words() {
    let project = Project::prisma7();
    let child =
        demo(&project, &["--keep"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let directory = PathBuf::from(format!("/tmp/prisma-safe-demo-{}", child.id()));
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let status = project.program("node_modules/.bin/prisma", ["--version"]);
    assert_eq!(status.status, 0);
    assert!(directory.join("project/backups").is_dir(), "{said}");

    let end = said.lines().map(str::trim).find(|line| line.starts_with("kill ")).expect("how to end it");
    project.program("sh", ["-c", end]).succeeds();
    assert!(!directory.exists());
}

#[test]
fn without_prisma_there_it_says_so() {
    let project = Project::prisma7();
    project.run(["demo", "--prisma-from", "nowhere"]).exits(2).says("there is no Prisma in");
}
