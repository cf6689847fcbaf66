//! What goes wrong while a backup is being restored: the live data stays, or the restored is there, and nothing else.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Stdio};

use super::{backed_up, backup, beside, drop_beside, restore};
use crate::support::{Database, Project, soon};

fn start(project: &Project, backup: &str) -> Child {
    let mut command = project.command(env!("CARGO_BIN_EXE_prisma-safe"), ["restore", backup]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("prisma-safe")
}

/// A database whose rows load for ever in any other database of its name, as long as its comment says `stall`.
fn stalling() -> (Project, String) {
    let (project, _) = backed_up(10);
    let name = project.database().name().to_owned();
    project.database().execute(&format!(
        "CREATE FUNCTION public.slow(int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN
             WHILE current_database() <> '{name}' AND (SELECT shobj_description(oid, 'pg_database')
                 FROM pg_database WHERE datname = '{name}') = 'stall' LOOP PERFORM pg_sleep(0.1); END LOOP;
             RETURN true; END $$;
         CREATE TABLE stalled (id int CHECK (public.slow(id))); INSERT INTO stalled VALUES (1)"
    ));
    let backup = backup(&project);
    project.database().execute(&format!("COMMENT ON DATABASE {name} IS 'stall'"));
    (project, backup)
}

fn loading(database: &Database) -> bool {
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE current_database() || '!_ps!_restore!_%' ESCAPE '!' \
                   AND wait_event = 'PgSleep'";
    database.value(waiting) != "0"
}

#[test]
fn killed_while_loading_the_live_database_is_untouched_and_the_next_run_cleans_up() {
    let (project, backup) = stalling();
    let database = project.database();
    // ours by its name alone is not ours
    let other = format!("{}_ps_restore_mine", database.name());
    database.execute(&format!("CREATE DATABASE {other}"));
    let mut child = start(&project, &backup);
    soon("the load", || loading(database));
    restore(&project, &backup, &["--skip-backup", "--reason", "test"]).exits(1).says("another restore of the database");
    child.kill().expect("a kill");
    assert_eq!(child.wait().expect("an end").signal(), Some(9));
    assert_eq!(database.count("Song"), 10);
    assert_eq!(beside(database).len(), 2);

    database.execute(&format!("COMMENT ON DATABASE {} IS NULL; DELETE FROM \"Song\"", database.name()));
    soon("the server's end of the dead session", || {
        restore(&project, &backup, &["--skip-backup", "--reason", "test"]).status == 0
    });
    assert_eq!(database.count("Song"), 10);
    let left = beside(database);
    assert!(left.len() == 2 && left[0].contains("_old_") && left[1] == other, "{left:?}");
    drop_beside(database);
}

#[test]
fn ctrl_c_while_loading_leaves_nothing() {
    let (project, backup) = stalling();
    let mut child = start(&project, &backup);
    soon("the load", || loading(project.database()));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("a signal");
    assert_eq!(child.wait().expect("an end").code(), Some(130));
    assert_eq!(beside(project.database()), Vec::<String>::new());
    assert_eq!(project.database().count("Song"), 10);
}

#[test]
fn killed_while_the_swap_waits_the_live_database_is_untouched() {
    let (project, backup) = backed_up(10);
    let database = project.database();
    let guard = Database::new();
    let mut held = guard.connect();
    // a lock on the database's name, from outside of it
    held.batch_execute(&format!("BEGIN; COMMENT ON DATABASE {} IS 'held'", database.name())).expect("a lock");
    let mut child = start(&project, &backup);
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'ALTER DATABASE % RENAME TO %'";
    soon("the swap", || guard.value(waits) != "0");
    child.kill().expect("a kill");
    child.wait().expect("an end");
    held.batch_execute("ROLLBACK").expect("the lock's end");
    soon("the end of the swap", || guard.value(waits) == "0");
    assert_eq!(database.count("Song"), 10);
    restore(&project, &backup, &[]).succeeds().says("Cleaned");
    assert_eq!(beside(database).len(), 1);
    drop_beside(database);
}

#[test]
fn killed_once_the_swap_is_done_the_restored_database_is_there() {
    let (project, backup) = backed_up(10);
    let (database, guard) = (project.database(), Database::new());
    database.execute("DELETE FROM \"Song\"");
    let mut child = start(&project, &backup);
    let swapped =
        format!("SELECT count(*) FROM pg_database WHERE datname LIKE '{}!_old!_%' ESCAPE '!'", database.name());
    soon("the swap", || guard.value(&swapped) != "0");
    // it may have ended by itself in between, which must make no difference
    let _ = child.kill();
    child.wait().expect("an end");
    assert_eq!(database.count("Song"), 10);
    restore(&project, &backup, &[]).succeeds().says("is still there, set aside by an earlier restore");
    assert_eq!(database.count("Song"), 10);
    drop_beside(database);
}

#[test]
fn a_session_that_may_not_be_ended_stops_the_swap_and_is_named() {
    let (project, _) = backed_up(10);
    let database = project.database();
    let role = format!("owner_{}", database.name());
    database.execute(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'owner' CREATEDB; ALTER DATABASE {} OWNER TO {role};
         ALTER TABLE \"Song\" OWNER TO {role}; ALTER TABLE _prisma_migrations OWNER TO {role}",
        database.name()
    ));
    let backup = backup(&project);
    let mut url = url::Url::parse(database.url()).expect("a URL");
    url.set_username(&role).expect("a user");
    url.set_password(Some("owner")).expect("a password");
    let url = String::from(url);
    let superuser = database.connect();
    restore(&project, &backup, &["--url", &url])
        .exits(1)
        .says("could not be renamed; it is as it was")
        .says("(no name, pid");
    drop(superuser);
    assert_eq!(beside(database), Vec::<String>::new());
    database.execute("DELETE FROM \"Song\"");
    restore(&project, &backup, &["--url", &url]).succeeds();
    assert_eq!(database.count("Song"), 10);
    drop_beside(database);
    database.execute(&format!("REASSIGN OWNED BY {role} TO CURRENT_USER; DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn a_role_that_is_gone_is_named_before_anything_changes() {
    let (project, _) = backed_up(10);
    let database = project.database();
    let role = format!("gone_{}", database.name());
    database.execute(&format!("CREATE ROLE {role}; GRANT SELECT ON \"Song\" TO {role}"));
    let backup = backup(&project);
    database.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}; DELETE FROM \"Song\""));
    restore(&project, &backup, &[]).exits(1).says(&role).says("nothing was changed").says("--no-owner");
    assert_eq!((database.count("Song"), beside(database)), (0, Vec::new()));
    restore(&project, &backup, &["--no-owner"]).succeeds();
    assert_eq!(database.count("Song"), 10);
    drop_beside(database);
}

#[test]
fn an_extension_that_the_server_lacks_is_named_before_anything_is_touched() {
    let (project, backup) = backed_up(10);
    let path = project.path(&format!("backups/{backup}"));
    let mut manifest = prisma_safe::backup::Manifest::read(&path).expect("a manifest").expect("one");
    manifest.source.extensions = vec!["nonesuch".into()];
    project.write(&format!("backups/{backup}.json"), &manifest.to_json().expect("JSON"));
    restore(&project, &backup, &[]).exits(3).says("the server does not have the extension nonesuch");
    assert_eq!(project.files("backups").iter().filter(|file| file.ends_with(".json")).count(), 1);
}

#[test]
fn a_backup_that_was_changed_or_has_no_manifest_is_not_restored() {
    let (project, backup) = backed_up(10);
    let path = project.path(&format!("backups/{backup}"));
    let mut bytes = std::fs::read(&path).expect("a backup");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).expect("a write");
    restore(&project, &backup, &[]).exits(1).says("is not the backup that was taken; nothing was restored");
    std::fs::remove_file(project.path(&format!("backups/{backup}.json"))).expect("a manifest");
    restore(&project, &backup, &[]).exits(1).says("has no manifest");
    restore(&project, "nothing.sql", &[]).exits(1).says("nothing.sql does not exist");
    assert_eq!(beside(project.database()), Vec::<String>::new());
}

#[test]
fn what_stays_with_a_database_is_named() {
    let (project, backup) = backed_up(10);
    let database = project.database();
    let slots = database.value("SHOW wal_level");
    if slots == "logical" {
        database.execute("SELECT pg_create_logical_replication_slot('feed', 'pgoutput')");
        restore(&project, &backup, &[]).exits(3).says("the replication slot feed");
        database.execute("SELECT pg_drop_replication_slot('feed')");
    }
    assert_eq!(database.count("Song"), 10);
}

#[test]
fn other_rows_than_were_dumped_are_noticed_before_the_swap() {
    let (project, backup) = stalling();
    let (database, guard) = (project.database(), Database::new());
    let mut command = project.command(env!("CARGO_BIN_EXE_prisma-safe"), ["restore", &backup]);
    let child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("prisma-safe");
    soon("the load", || loading(database));
    let [other] = <[String; 1]>::try_from(beside(database)).expect("one database");
    let mut client = postgres::Client::connect(&database.url().replace(database.name(), &other), postgres::NoTls)
        .expect("a session");
    // as many rows, and one of them another
    let change = "UPDATE \"Song\" SET artist = 'changed' WHERE id = 1";
    soon("the rows", || client.execute(change, &[]).is_ok_and(|rows| rows == 1));
    drop(client);
    guard.execute(&format!("COMMENT ON DATABASE {} IS NULL", database.name()));
    let output = child.wait_with_output().expect("an end");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code() == Some(1) && said.contains("table Song holds other rows than those that were dumped"),
        "{said}"
    );
    assert_eq!(beside(database), Vec::<String>::new());
    assert_eq!(database.value("SELECT count(*) FROM \"Song\" WHERE artist = 'changed'"), "0");
}
