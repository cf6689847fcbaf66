//! Whether the guard is on, whole and awake; who may switch it, and how it is opened.

use super::{ADD_YEAR, YEAR, guarded, hash, production, refused, role};
use crate::journey::songs;
use crate::support::postgres::USER;
use crate::support::schema::assert_valid;
use crate::support::{Prisma, Project};

fn status(project: &Project, exit: i32) -> serde_json::Value {
    let document = project.run(["guard", "status", "--format", "json"]).exits(exit).json();
    assert_valid("guard", &document);
    document
}

#[test]
fn it_is_switched_on_and_off() {
    let project = songs(Prisma::V7, 10);
    let database = project.database();
    let before = database.contents();
    assert_eq!(
        (&status(&project, 0)["state"], &status(&project, 0)["eventTriggersAllowed"]),
        (&"off".into(), &true.into())
    );
    assert_eq!(database.contents(), before, "a look changes nothing");
    project.run(["guard", "open", "--for", "1m", "--reason", "x"]).exits(2).says("no guard");
    project.run(["guard", "on"]).succeeds();
    let on = status(&project, 0);
    assert_eq!(
        (&on["state"], &on["settings"]["schemas"][0], &on["settings"]["deployers"][0]),
        (&"on".into(), &"public".into(), &"music".into())
    );
    project.run(["guard", "on"]).succeeds();
    project.run(["guard", "off", "--reason", "the end of a test"]).succeeds();
    database.execute("CREATE TABLE made (id int); DROP TABLE made");
    let off = status(&project, 0);
    assert_eq!((&off["state"], &off["journal"][0]["reason"]), (&"off".into(), &"the end of a test".into()));
    project.run(["guard", "off"]).succeeds();
    // nothing of it is left but its journal
    database.execute("DROP SCHEMA _prisma_safe CASCADE");
    assert_eq!(database.contents(), before);
}

/// Whatever is taken away or changed by hand is named, and `guard on` puts it right.
#[test]
fn what_is_half_removed_is_told_and_put_right() {
    let project = guarded(Prisma::V7);
    let database = project.database();
    project.run(["guard", "on", "--tables", "all"]).succeeds();
    for (sql, told) in [
        ("DROP EVENT TRIGGER prisma_safe_guard_start", "prisma_safe_guard_start is missing"),
        ("ALTER EVENT TRIGGER prisma_safe_guard_drop DISABLE", "prisma_safe_guard_drop is disabled"),
        ("DROP EVENT TRIGGER prisma_safe_guard_start, prisma_safe_guard_end", "prisma_safe_guard_end is missing"),
        (
            "ALTER EVENT TRIGGER prisma_safe_guard_end DISABLE; CREATE OR REPLACE FUNCTION _prisma_safe.guard_schemas() RETURNS text[] LANGUAGE sql AS 'SELECT NULL::text[]'",
            "changed or dropped",
        ),
        (
            "ALTER EVENT TRIGGER prisma_safe_guard_start DISABLE; ALTER EVENT TRIGGER prisma_safe_guard_end DISABLE; \
             ALTER EVENT TRIGGER prisma_safe_guard_drop DISABLE; DROP TABLE _prisma_safe.guard_token",
            "guard_token is missing",
        ),
        (
            "ALTER EVENT TRIGGER prisma_safe_guard_start DISABLE; ALTER EVENT TRIGGER prisma_safe_guard_end DISABLE; \
             ALTER EVENT TRIGGER prisma_safe_guard_drop DISABLE; DROP TABLE _prisma_safe.guard_setting",
            "guard_setting is missing",
        ),
        (
            "ALTER EVENT TRIGGER prisma_safe_guard_start DISABLE; ALTER EVENT TRIGGER prisma_safe_guard_end DISABLE; \
             ALTER TABLE \"Song\" DISABLE TRIGGER prisma_safe_guard_truncate",
            "public.\"Song\" has lost",
        ),
    ] {
        for sql in sql.split("; ") {
            database.execute(sql);
        }
        let partial = status(&project, 1);
        assert_eq!(partial["state"], "partial", "{sql}: {partial}");
        assert!(partial["problems"].to_string().replace('\\', "").contains(told), "{sql}: {partial}");
        project.run(["guard", "on", "--tables", "all"]).succeeds();
        assert_eq!(status(&project, 0)["state"], "on", "{sql}");
        refused(database, "DROP TABLE \"Song\"");
    }
}

/// An emergency is a person's: for a while, for a reason that stays.
#[test]
fn it_opens_for_a_while() {
    let project = production(Prisma::V7);
    let database = project.database();
    let open = ["guard", "open", "--for", "10m", "--reason", "the disk is full"];
    project.run(["guard", "open", "--for", "10m"]).exits(2).says("--reason");
    project.run(["guard", "open", "--for", "2d", "--reason", "x"]).exits(2).says("up to a day");
    let agent =
        project.command(env!("CARGO_BIN_EXE_prisma-safe"), open).env("CLAUDECODE", "1").output().expect("an end");
    assert_eq!(agent.status.code(), Some(3));
    for weaker in [&["guard", "on", "--deployer", "pg_monitor"][..], &["guard", "off"]] {
        let agent =
            project.command(env!("CARGO_BIN_EXE_prisma-safe"), weaker).env("CLAUDECODE", "1").output().expect("an end");
        assert_eq!(agent.status.code(), Some(3), "{weaker:?}");
    }
    let confirm = hash(&project.run(open).exits(3).stderr);
    refused(database, "CREATE TABLE made (id int)");
    project.run(open.iter().chain(&["--confirm", &confirm])).succeeds();
    database.execute("CREATE TABLE made (id int); DROP TABLE made");
    let state = status(&project, 0);
    assert_eq!(
        (&state["journal"][0]["event"], &state["journal"][0]["reason"]),
        (&"open".into(), &"the disk is full".into())
    );
    assert!(state["openUntil"].is_string(), "{state}");
    // time passes
    database.execute(
        "UPDATE _prisma_safe.guard_journal SET until = clock_timestamp() - interval '1 second' WHERE event = 'open'",
    );
    refused(database, "CREATE TABLE made (id int)");
    // closed before its time
    project.run(open.iter().chain(&["--confirm", &confirm])).succeeds();
    project.run(["guard", "on"]).succeeds();
    refused(database, "CREATE TABLE made (id int)");
    let off = ["guard", "off"];
    let confirm = hash(&project.run(off).exits(3).stderr);
    refused(database, "CREATE TABLE made (id int)");
    project.run(off.iter().chain(&["--confirm", &confirm])).succeeds();
}

/// The printed SQL does what the command does; the second best keeps the application out of the schema.
#[test]
fn the_plan_works_as_it_is_printed() {
    let project = songs(Prisma::V7, 10);
    let database = project.database();
    project.write("more.sql", "");
    database.execute("CREATE TYPE mood AS ENUM ('a'); CREATE VIEW loud AS SELECT * FROM \"Song\"; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'");
    let before = database.contents();
    let printed = project.run(["guard", "plan"]).succeeds().stdout;
    assert_eq!(database.contents(), before);
    let (triggers, roles) = printed.split_once("COMMIT;\n").expect("two plans");
    database.execute(&format!("{triggers}COMMIT;"));
    assert_eq!(status(&project, 0)["state"], "on");
    refused(database, "DROP TABLE \"Song\"");
    project.run(["guard", "off"]).succeeds();

    database.execute(&roles.replace("'...'", "'secret'"));
    let url = |kind: &str| database.url().replacen("music:", &format!("{}_{kind}:", database.name()), 1);
    let url = |kind: &str| {
        let mut url = url::Url::parse(&url(kind)).expect("a URL");
        url.set_password(Some("secret")).expect("a password");
        String::from(url)
    };
    let mut application = postgres::Client::connect(&url("app"), postgres::NoTls).expect("a connection");
    application
        .batch_execute("INSERT INTO \"Song\" VALUES ('n', 'n', 'n'); UPDATE \"Song\" SET title = 'x'")
        .expect("its work");
    for sql in [
        "DROP TABLE \"Song\"",
        "DROP SCHEMA public CASCADE",
        "CREATE TABLE made (id int)",
        "ALTER TABLE \"Song\" ADD n int",
        "DELETE FROM _prisma_migrations",
        "TRUNCATE \"Song\"",
    ] {
        let error = application.batch_execute(sql).expect_err(sql);
        assert_eq!(error.code().map(postgres::error::SqlState::code), Some("42501"), "{sql}: {error}");
    }
    let mut deployer = postgres::Client::connect(&url("deploy"), postgres::NoTls).expect("a connection");
    deployer.batch_execute("ALTER TABLE \"Song\" ADD n int; CREATE TABLE made (id int); ALTER TYPE mood ADD VALUE 'b'; DROP VIEW loud; DROP FUNCTION f()").expect("its work");
    application.batch_execute("INSERT INTO made VALUES (1)").expect("the new table is its too");
    drop((application, deployer));
    let name = database.name();
    database.execute(&format!("DROP OWNED BY {name}_app, {name}_deploy CASCADE; DROP ROLE {name}_app, {name}_deploy"));
}

/// As on hosts whose roles are no superusers: the guard is refused with nothing changed, and the second best is made and deployed
/// through by roles of that kind.
#[test]
fn without_a_superuser_the_second_best_holds() {
    let project = songs(Prisma::V7, 10);
    let database = project.database();
    let name = database.name();
    let (master, url) = role(database, "master");
    database.execute(&format!(
        "ALTER ROLE {master} CREATEROLE; ALTER DATABASE {name} OWNER TO {master}; ALTER TABLE \"Song\" OWNER TO {master}; \
         ALTER TABLE _prisma_migrations OWNER TO {master}"
    ));
    let before = database.contents();
    project.run(["guard", "status", "--url", &url]).succeeds().says("this role may not create event triggers");
    project.run(["guard", "on", "--url", &url]).exits(1).says("nothing has changed").says("guard plan");
    assert_eq!(database.contents(), before);

    let printed = project.run(["guard", "plan", "--url", &url]).succeeds().stdout;
    let (_, roles) = printed.split_once("COMMIT;\n").expect("two plans");
    let mut client = postgres::Client::connect(&url, postgres::NoTls).expect("a connection");
    client.batch_execute(&roles.replace("'...'", "'secret'")).expect("it may do all of it");
    drop(client);
    let of = |kind: &str| {
        let mut url = url::Url::parse(&url).expect("a URL");
        url.set_username(&format!("{name}_{kind}")).expect("a user");
        String::from(url)
    };
    project.run(["db", "push", "--force-reset", "--url", &of("app")]).exits(1);
    assert_eq!(database.count("Song"), 10);
    project.add_migration(YEAR, ADD_YEAR);
    project.run(["migrate", "deploy", "--url", &of("deploy")]).succeeds();
    assert_eq!(database.count("_prisma_migrations"), 2);

    // before PostgreSQL 15 no database's owner owns `public`
    database.execute(&format!("ALTER SCHEMA public OWNER TO {USER}"));
    let plan = project.run(["guard", "plan", "--url", &url]).succeeds().stdout;
    assert!(
        plan.contains("\"public\" belongs to another role") && plan.contains("\n--   ALTER SCHEMA \"public\" OWNER"),
        "{plan}"
    );
    database.execute(&format!(
        "ALTER DATABASE {name} OWNER TO {USER}; REASSIGN OWNED BY {name}_deploy, {master} TO {USER}; \
         DROP OWNED BY {name}_app, {name}_deploy, {master} CASCADE; DROP ROLE {name}_app, {name}_deploy, {master}"
    ));
}
