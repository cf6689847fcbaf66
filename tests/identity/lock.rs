//! Prisma's migration lock in the hands of a session whose deploy is gone (P1002).

use postgres::Client;

use crate::deploying::{ADD_YEAR, YEAR};
use crate::journey::songs;
use crate::support::{Prisma, Project, Terminal};

/// Longer than a session has to be silent before it counts as orphaned: the deploy itself waits for that.
const PATIENT: &str =
    "[deploy]\ndeploy-wait-seconds = 11\n[rehearsal]\nmode = \"off\"\nreason = \"a test of something else\"\n";

fn pending() -> Project {
    let project = songs(Prisma::V7, 20);
    project.add_migration(YEAR, ADD_YEAR);
    project.write("prisma-safe.toml", PATIENT);
    project
}

fn holder(project: &Project) -> (Client, i32) {
    let mut session = project.database().connect();
    session.batch_execute("SET application_name = 'pooled'; SELECT pg_advisory_lock(72707369)").expect("the lock");
    let pid = session.query_one("SELECT pg_backend_pid()", &[]).expect("a row").get(0);
    (session, pid)
}

fn has_year(project: &Project) -> bool {
    let columns = "SELECT count(*) FROM information_schema.columns WHERE table_name = 'Song' AND column_name = 'year'";
    project.database().value(columns) == "1"
}

#[test]
fn an_orphaned_lock_is_named_and_ended_when_it_is_asked_for() {
    let project = pending();
    let (mut session, pid) = holder(&project);
    let named = project.run(["migrate", "deploy"]).exits(1).says(&format!("session {pid}")).says("pooled");
    named.says("connected since").says("ending it loses nothing").says("--end-orphaned-lock");
    session.batch_execute("SELECT 1").expect("it was left alone");
    assert!(!has_year(&project));
    project.run(["migrate", "deploy", "--end-orphaned-lock"]).succeeds().says("Ended").says(&format!("session {pid}"));
    session.batch_execute("SELECT 1").expect_err("it was ended");
    assert!(has_year(&project));
}

/// At a terminal it is a question, asked once; no answer but yes ends anything.
#[test]
fn at_a_terminal_ending_it_is_asked() {
    let project = pending();
    let (mut session, pid) = holder(&project);
    let deploy = || Terminal::start(project.command(env!("CARGO_BIN_EXE_prisma-safe"), ["migrate", "deploy"]));
    let mut no = deploy();
    no.sees(&format!("session {pid}")).sees("ending it loses nothing").sees("End that session?").types("n");
    let (status, seen) = no.ends();
    assert_eq!((status, seen.matches("no deploy seems to run").count()), (1, 1), "{seen}");
    session.batch_execute("SELECT 1").expect("it was left alone");
    assert!(!has_year(&project));
    let mut yes = deploy();
    yes.sees("End that session?").types("y").sees("Ended");
    let (status, seen) = yes.ends();
    assert_eq!(status, 0, "{seen}");
    session.batch_execute("SELECT 1").expect_err("it was ended");
    assert!(has_year(&project));
}

#[test]
fn a_session_that_works_is_never_ended() {
    let project = pending();
    let (mut session, pid) = holder(&project);
    session.batch_execute("BEGIN").expect("a transaction");
    let refused = project.run(["migrate", "deploy", "--end-orphaned-lock"]).exits(1);
    refused.says("does not end the holder").says("idle in transaction").says("would be undone");
    session.batch_execute("ROLLBACK").expect("it was left alone");
    let works = std::thread::spawn(move || session.batch_execute("SELECT pg_sleep(120)").is_ok());
    let refused = project.run(["migrate", "deploy", "--end-orphaned-lock"]).exits(1);
    refused.says("it runs a statement").says(&format!("session {pid}"));
    project.database().execute(&format!("SELECT pg_cancel_backend({pid})"));
    assert!(!works.join().expect("the session's thread"));
    assert!(!has_year(&project));
}
