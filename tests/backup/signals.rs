//! Ctrl-C, SIGTERM and kill -9 in the middle of a dump.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Stdio};

use prisma_safe::env::Env;
use prisma_safe::tools::scratch::server_programs;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::files;
use crate::support::{Key, Project, Terminal, soon};

const SONG: &str = "CREATE TABLE \"Song\" AS SELECT i AS id, repeat('x', 100) AS pad FROM generate_series(1, 20000) i";

/// A project whose `pg_dump` writes a part and then nothing more, but does not end either.
fn stuck() -> Project {
    let project = Project::prisma7();
    project.database().execute(SONG);
    let real = server_programs(&Env::read()).expect("PostgreSQL").join("pg_dump").display().to_string();
    let script = format!(
        "#!/bin/sh\ncase \"$1\" in --version) exec {real} --version;; esac\n{real} \"$@\" | head -c 300000\necho $$ > pid\nsleep 600\n"
    );
    project.write("bin/pg_dump", &script);
    fs::set_permissions(project.path("bin/pg_dump"), fs::Permissions::from_mode(0o755)).expect("a program");
    let bin = project.path("bin").display().to_string();
    project.env("PRISMA_SAFE_PG_BIN", &bin)
}

fn partial(project: &Project) -> bool {
    files(&project.path("backups")).iter().any(|name| name.ends_with(".partial"))
}

fn pid(text: &str) -> Option<Pid> {
    Pid::from_raw(text.trim().parse().ok()?)
}

/// Starts a backup and waits until it is in the middle; gives it and its `pg_dump`.
fn begun(project: &Project) -> (Child, Pid) {
    let url = project.database().url().to_owned();
    let mut command = project.command(env!("CARGO_BIN_EXE_prisma-safe"), ["backup", "--url", &url]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("prisma-safe");
    let read = || fs::read_to_string(project.path("pid")).ok().and_then(|text| pid(&text));
    soon("the dump has begun", || partial(project) && read().is_some());
    (child, read().expect("pg_dump"))
}

#[track_caller]
fn ends_in_order_after(signal: Signal) {
    let project = stuck();
    let (mut child, pg_dump) = begun(&project);
    kill_process(Pid::from_child(&child), signal).expect("a signal");
    assert_eq!(child.wait().expect("an end").code(), Some(130));
    assert_eq!(files(&project.path("backups")), [".gitignore"]);
    soon("pg_dump is gone", || test_kill_process(pg_dump).is_err());
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'prisma-safe backup' AND datname = current_database()";
    soon("the server has let go", || project.database().value(sessions) == "0");
}

#[test]
fn ctrl_c_leaves_nothing() {
    ends_in_order_after(Signal::INT);
}

#[test]
fn sigterm_leaves_nothing() {
    ends_in_order_after(Signal::TERM);
}

/// The same through a terminal, with a bar on it.
#[test]
fn ctrl_c_at_a_terminal_leaves_nothing() {
    let project = stuck();
    let url = project.database().url().to_owned();
    let mut terminal = Terminal::start(project.command(env!("CARGO_BIN_EXE_prisma-safe"), ["backup", "--url", &url]));
    terminal.sees("Dumping [").sees("Song");
    terminal.press(Key::CtrlC);
    let (status, seen) = terminal.ends();
    assert_eq!(status, 130, "{seen}");
    assert!(seen.contains("cancelled"), "{seen}");
    assert_eq!(files(&project.path("backups")), [".gitignore"]);
}

#[test]
fn the_next_run_removes_what_a_killed_one_left() {
    let project = stuck();
    let (mut child, pg_dump) = begun(&project);
    child.kill().expect("a kill");
    assert_eq!(child.wait().expect("an end").signal(), Some(9));
    assert!(partial(&project));
    // this one would wait for ever; a real one ends when nobody reads any more
    let _ = rustix::process::kill_process_group(pg_dump, Signal::KILL);
    let url = project.database().url().to_owned();
    let project = project.env("PRISMA_SAFE_PG_BIN", "");
    project.run(["backup", "--url", &url]).succeeds().says("Backed up");
    assert!(!partial(&project));
    let name = |name: &String| Path::new(name).extension().is_some_and(|kind| kind == "sql");
    assert_eq!(files(&project.path("backups")).into_iter().filter(name).count(), 1);
    project.run(["backup", "verify"]).succeeds().says("Verified").says("20,000 rows");
    let list = project.run(["backup", "list", "--format", "json"]).succeeds().json();
    assert_eq!((&list["schemaVersion"], &list["backups"][0]["proof"]), (&1.into(), &"restored".into()));
}
