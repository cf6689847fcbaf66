//! A token is good for one session, one plan, an hour, and as long as the session that issued it lives.

use postgres::error::SqlState;
use postgres::{Client, NoTls};

use super::{guarded, refused, role};
use crate::support::{Database, Prisma};

const CHANGE: &str = "ALTER TABLE \"Song\" ADD COLUMN made int";

/// Issues a token as prisma-safe does.
fn issue(client: &mut Client, token: &str, plan: &str, seconds: i32) {
    let issue = "SELECT _prisma_safe.guard_issue(sha256(convert_to($1 || ':' || $2, 'UTF8')), $2, $3)";
    client.execute(issue, &[&token, &plan, &seconds]).expect("a token");
}

/// A session that carries one.
fn carrying(url: &str, token: &str, plan: &str) -> Client {
    let mut config: postgres::Config = url.parse().expect("a URL");
    config.options(&format!("-c _prisma_safe.token={token} -c _prisma_safe.plan={plan}"));
    config.connect(NoTls).expect("a connection")
}

/// It is refused, and says so.
#[track_caller]
fn denied(client: &mut Client, sql: &str, why: &str) {
    let error = client.batch_execute(sql).expect_err(sql);
    let error = error.as_db_error().expect("the server's");
    assert_eq!(error.code().code(), "PSAFE", "{error}");
    assert!(error.detail().unwrap_or_default().contains(why), "{:?}", error.detail());
}

fn columns(database: &Database) -> String {
    database.value(
        "SELECT count(*) FROM pg_attribute WHERE attrelid = '\"Song\"'::regclass AND attnum > 0 AND NOT attisdropped",
    )
}

#[test]
fn it_is_good_for_one_session() {
    let project = guarded(Prisma::V7);
    let database = project.database();
    let mut issuer = database.connect();
    issue(&mut issuer, "one", "plan", 60);
    denied(&mut carrying(database.url(), "one", "other"), CHANGE, "another plan");
    denied(&mut carrying(database.url(), "two", "plan"), CHANGE, "unknown");
    denied(&mut database.connect(), CHANGE, "no token");
    let mut session = carrying(database.url(), "one", "plan");
    // what was rolled back did not use it up
    session.batch_execute(&format!("BEGIN; {CHANGE}; ROLLBACK")).expect("its own");
    session.batch_execute("DISCARD ALL").expect("its own");
    session.batch_execute(CHANGE).expect("its own");
    denied(&mut carrying(database.url(), "one", "plan"), "DROP TABLE \"Song\"", "another session");
    session.batch_execute("ALTER TABLE \"Song\" DROP COLUMN made").expect("again");
    drop(session);
    denied(&mut carrying(database.url(), "one", "plan"), CHANGE, "another session");
    assert_eq!(columns(database), "4");
    // it is nowhere to be read
    assert!(!database.contents().contains("'one'"));
}

/// The first statement of a session may be one that allows no write before it.
#[test]
fn what_runs_concurrently_uses_it_up_too() {
    let project = guarded(Prisma::V7);
    let database = project.database();
    let mut issuer = database.connect();
    issue(&mut issuer, "one", "plan", 60);
    let mut session = carrying(database.url(), "one", "plan");
    session.batch_execute("DROP INDEX CONCURRENTLY \"Song_artist_idx\"").expect("its own");
    denied(&mut carrying(database.url(), "one", "plan"), CHANGE, "another session");
    session.batch_execute("CREATE INDEX CONCURRENTLY \"Song_artist_idx\" ON \"Song\" (artist)").expect("its own");
}

/// Two sessions with the same token at the same moment: one of them has it.
#[test]
fn the_second_is_not_let_in_while_the_first_works() {
    let project = guarded(Prisma::V7);
    let database = project.database();
    let mut issuer = database.connect();
    issue(&mut issuer, "one", "plan", 60);
    let mut session = carrying(database.url(), "one", "plan");
    session.batch_execute(&format!("BEGIN; {CHANGE}")).expect("its own");
    denied(&mut carrying(database.url(), "one", "plan"), "CREATE TABLE made (id int)", "another session");
    session.batch_execute("COMMIT").expect("an end");
}

#[test]
fn it_expires_and_ends_with_its_deployment() {
    let project = guarded(Prisma::V7);
    let database = project.database();
    let mut issuer = database.connect();
    issue(&mut issuer, "late", "plan", 60);
    database.execute("UPDATE _prisma_safe.guard_token SET expires_at = clock_timestamp() - interval '1 second'");
    denied(&mut carrying(database.url(), "late", "plan"), CHANGE, "expired");
    issue(&mut issuer, "gone", "plan", 60);
    drop(issuer);
    crate::support::soon("the session has ended", || {
        database.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())") == "0"
    });
    denied(&mut carrying(database.url(), "gone", "plan"), CHANGE, "has ended");
    assert_eq!(columns(database), "4");
}

/// Another role can neither use it nor have one issued.
#[test]
fn it_is_one_roles_own() {
    let project = guarded(Prisma::V7);
    let database = project.database();
    let (stranger, url) = role(database, "stranger");
    let mut issuer = database.connect();
    issue(&mut issuer, "one", "plan", 60);
    project.run(["guard", "open", "--for", "1m", "--reason", "a role of the test"]).succeeds();
    database.execute(&format!("ALTER TABLE \"Song\" OWNER TO {stranger}; GRANT ALL ON SCHEMA public TO {stranger}"));
    database.execute("UPDATE _prisma_safe.guard_journal SET closed_at = now()");
    denied(&mut carrying(&url, "one", "plan"), CHANGE, "issued to the role");
    let mut client = Client::connect(&url, NoTls).expect("a connection");
    for sql in [
        "SELECT _prisma_safe.guard_issue('x'::bytea, 'x', 1)",
        "SELECT _prisma_safe.guard_open(60, 'x')",
        "SELECT * FROM _prisma_safe.guard_token",
        "SELECT _prisma_safe.guard_refusal(true)",
    ] {
        let error = client.batch_execute(sql).expect_err(sql);
        assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{sql}: {error}");
    }
    drop(client);
    refused(database, CHANGE);
    project.run(["guard", "off"]).succeeds();
    database.execute(&format!("DROP OWNED BY {stranger} CASCADE; DROP ROLE {stranger}"));
}
