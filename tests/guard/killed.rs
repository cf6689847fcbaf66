//! `kill -9` of the guard's own commands, and of what passes it: it is on or off as before, never half, and no token is left that
//! a session could use.

use super::{ADD_YEAR, YEAR, refused};
use crate::deploying::{end, start};
use crate::journey::songs;
use crate::restore::{backup, drop_beside};
use crate::support::{Prisma, Project, soon};

const EXE: &str = env!("CARGO_BIN_EXE_prisma-safe");
const OWN_SESSIONS: &str =
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
/// Tokens whose issuer is there still.
const LIVE_TOKENS: &str = "SELECT count(*) FROM _prisma_safe.guard_token t WHERE NOT pg_try_advisory_xact_lock(_prisma_safe.guard_key(t.hash))";

/// Starts a command while another session holds this lock, and kills it once it waits for it.
#[track_caller]
fn kill_at(project: &Project, lock: &str, words: &[&str]) {
    let database = project.database();
    let mut other = database.connect();
    other.batch_execute(&format!("BEGIN; {lock}")).expect(lock);
    let mut child = start(project.command(EXE, words));
    let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation' AND database = \
                 (SELECT oid FROM pg_database WHERE datname = current_database())";
    soon("it waits for the lock", || database.value(waits) != "0");
    child.kill().expect("a kill");
    end(child).exits(137);
    drop(other);
    soon("the server has noticed", || database.value(OWN_SESSIONS) == "0");
}

#[track_caller]
fn state(project: &Project) -> String {
    let status = project.run(["guard", "status", "--format", "json"]).json();
    assert_eq!(status["problems"].as_array().map_or(0, Vec::len), 0, "{status:#}");
    status["state"].as_str().expect("a word").to_owned()
}

/// It is on, says so, refuses, and no token of what was killed is worth anything.
#[track_caller]
fn is_on(project: &Project) {
    assert_eq!(state(project), "on");
    refused(project.database(), "DROP TABLE \"Song\"");
    assert_eq!(project.database().value(LIVE_TOKENS), "0");
}

#[test]
fn the_guard_is_whole_or_absent_wherever_its_commands_are_killed() {
    let project = songs(Prisma::V7, 10);
    let database = project.database();
    project.write("prisma-safe.toml", "[rehearsal]\nmode = \"off\"\nreason = \"a test of something else\"\n[deploy]\nlock-timeout-seconds = 120\n[backup]\nlock-wait-seconds = 120\n");
    let history = "LOCK TABLE _prisma_migrations IN ROW EXCLUSIVE MODE";
    let before = database.contents();

    // on: everything but the last trigger is made already
    kill_at(&project, history, &["guard", "on"]);
    assert_eq!(state(&project), "off");
    assert_eq!(database.contents(), before);
    project.run(["guard", "on"]).succeeds();
    is_on(&project);

    // other settings: those before are in force
    kill_at(&project, history, &["guard", "on", "--tables", "all"]);
    is_on(&project);
    assert_eq!(database.value("SELECT tables::text FROM _prisma_safe.guard_setting"), "{}");

    // off
    kill_at(&project, history, &["guard", "off"]);
    is_on(&project);

    // open: the journal's line is what opens it
    let open = ["guard", "open", "--for", "10m", "--reason", "a test"];
    kill_at(&project, "LOCK TABLE _prisma_safe.guard_journal IN EXCLUSIVE MODE", &open);
    is_on(&project);

    // rollback, where it waits to change the table; then it goes through
    project.add_migration(YEAR, ADD_YEAR);
    project.run(["migrate", "deploy"]).succeeds();
    let columns = "SELECT count(*) FROM information_schema.columns WHERE table_name = 'Song' AND column_name = 'year'";
    kill_at(&project, "LOCK TABLE \"Song\" IN ACCESS SHARE MODE", &["rollback"]);
    is_on(&project);
    assert_eq!(database.value(columns), "1");
    project.run(["rollback"]).succeeds();
    is_on(&project);
    assert_eq!(database.value(columns), "0");

    // restore, where it saves what is there
    let file = backup(&project);
    kill_at(&project, "LOCK TABLE \"Song\" IN ACCESS EXCLUSIVE MODE", &["restore", &file]);
    is_on(&project);
    project.run(["restore", &file]).succeeds();
    is_on(&project);
    drop_beside(database);

    // two at once: one after the other, or the second is told to wait
    for words in [["guard", "off"], ["guard", "on"]] {
        let racing = [start(project.command(EXE, words)), start(project.command(EXE, ["guard", "on"]))];
        for child in racing {
            let ended = end(child);
            assert!(ended.status == 0 || ended.everything().contains("another `guard on` or `guard off`"), "{ended}");
        }
        let state = state(&project);
        assert!(state == "on" || state == "off", "{state}");
    }
}
