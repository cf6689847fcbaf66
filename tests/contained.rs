//! A rehearsal reaches nothing but its copy: no other server, no file or program of this machine.

use crate::support::{Database, Project};

const INIT: &str =
    "CREATE TABLE \"Song\" (\"id\" SERIAL NOT NULL, \"artist\" TEXT, CONSTRAINT \"Song_pkey\" PRIMARY KEY (\"id\"));\n";
const NEXT: &str = "20250102000000_next";

fn project() -> Project {
    Project::prisma7().migration("20250101000000_init", INIT).rows("Song", 20).production()
}

/// A table of another database that looks like one of this.
fn with_foreign_table(project: &Project) -> Database {
    let other = Database::new();
    other.execute("CREATE TABLE ledger AS SELECT i AS id FROM generate_series(1, 9) i");
    // the tests' server trusts nobody: the password goes along
    let url = url::Url::parse(other.url()).unwrap();
    let (user, password) = (url.username(), url.password().unwrap_or_default());
    let password = percent_encoding::percent_decode_str(password).decode_utf8().unwrap().replace('\'', "''");
    project.database().execute(&format!(
        "CREATE EXTENSION postgres_fdw; \
         CREATE SERVER books FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '{}', port '{}', dbname '{}'); \
         CREATE USER MAPPING FOR CURRENT_USER SERVER books OPTIONS (user '{user}', password '{password}'); \
         CREATE FOREIGN TABLE ledger (id int) SERVER books",
        url.host_str().unwrap(),
        url.port().unwrap(),
        other.name(),
    ));
    assert_eq!(project.database().value("SELECT count(*) FROM ledger"), "9");
    other
}

#[test]
fn a_rehearsal_does_not_reach_another_server_through_a_foreign_table() {
    let project = project();
    let other = with_foreign_table(&project);
    project.run(["backup"]).succeeds();
    project.add_migration(NEXT, "DELETE FROM ledger WHERE id > 5;\n");
    project.run(["rehearse"]).exits(1).says("user mapping not found").says("the copy reaches no other server");
    assert_eq!(other.count("ledger"), 9);
    // what does not reach there is rehearsed as ever
    project.add_migration(NEXT, "ALTER TABLE \"Song\" ADD COLUMN \"note\" TEXT;\n");
    project.run(["rehearse"]).succeeds().says("foreign tables lead nowhere");
}

#[test]
fn what_a_rehearsal_would_really_do_is_not_rehearsed() {
    let project = project();
    let sql = "COPY \"Song\" TO PROGRAM 'cat > /dev/null';\n";
    project.add_migration(NEXT, sql);
    let plan = |project: &Project| project.run(["review", "--pending", "--format", "json"]).json();
    project.run(["migrate", "deploy"]).exits(3).says("outside-database").says("reaches a program of the server");
    project.add_migration(NEXT, &format!("-- prisma-safe:allow outside-database(statement 1): tried by hand\n{sql}"));
    assert_ne!(plan(&project)["verdict"], "fail");
    let refused = project.run(["migrate", "deploy"]).exits(3).says("a rehearsal would reach beyond its copy");
    refused.says("--skip-rehearsal --reason");
    // nothing was taken for it either
    assert_eq!(project.files("backups").len(), 0);
    project.run(["migrate", "deploy", "--skip-rehearsal", "--reason", "writes a file"]).succeeds();
    assert_eq!(project.database().value("SELECT count(*) FROM _prisma_migrations WHERE finished_at IS NOT NULL"), "2");
}

#[test]
fn a_position_that_is_set_back_is_said_by_the_review_and_refused_until_it_is_accepted() {
    let project = project();
    project.database().execute("DELETE FROM \"Song\" WHERE id > 10");
    project.add_migration(NEXT, "ALTER SEQUENCE \"Song_id_seq\" RESTART WITH 15;\n");
    project.run(["review", "--pending"]).succeeds().says("warning[sequence-position]");
    project.run(["migrate", "deploy"]).exits(3).says("position of Song_id_seq");
    project.add_migration(
        NEXT,
        "-- prisma-safe:allow sequence-position(Song_id_seq): the last five were never used\nALTER SEQUENCE \"Song_id_seq\" RESTART WITH 15;\n",
    );
    project.run(["migrate", "deploy"]).succeeds();
}
