//! What is broken before any database is touched: a clear error, the documented exit status, nothing left over.

use crate::support::{Prisma, Project};

fn broken_schema(prisma: Prisma) {
    let project = Project::on(prisma).schema("model Song {\n  isrc Strin @id\n}\n");
    project.run(["migrate", "dev", "--name", "x"]).exits(1).says("Strin");
    assert!(project.migrations().is_empty());
    assert!(project.files("backups").is_empty());
    assert_eq!(project.database().rows("SELECT relname FROM pg_class WHERE relname LIKE '%prisma%'"), [""; 0]);
}

#[test]
fn a_broken_schema_is_prismas_error_on_7() {
    broken_schema(Prisma::V7);
}

#[test]
fn a_broken_schema_is_prismas_error_on_6() {
    broken_schema(Prisma::V6);
}

#[test]
fn unknown_settings_are_named_with_their_line() {
    let project = Project::prisma7().schema("");
    project.write("prisma-safe.toml", "[deploy]\nlock-timeout-seconds = 3.0\n[backups]\ndirectory = \"x\"\n");
    project.run(["migrate", "deploy"]).exits(2).says("prisma-safe.toml").says("backups");
}

#[test]
fn every_command_refuses_a_wrong_setting_where_it_stands() {
    let project = Project::prisma7().schema("");
    project.write("x.sql", "CREATE TABLE \"Song\" (id INTEGER);\n");
    let commands: &[&[&str]] = &[
        &["review"],
        &["review", "--offline", "x.sql"],
        &["migrate", "dev", "--name", "x"],
        &["migrate", "deploy"],
        &["migrate", "reset", "--force"],
        &["db", "push", "--force-reset"],
        &["backup"],
        &["backup", "list"],
        &["backup", "prune"],
        &["restore", "x"],
        &["rehearse"],
        &["rollback"],
        &["status"],
        &["verify"],
        &["renames", "x"],
        &["rewrite", "x"],
        &["init"],
    ];
    for (at, command) in commands.iter().enumerate() {
        let (setting, caret, why) = [
            ("keep = \"seven days\"", "^^^^^^^^^^^^", "\"seven days\" is not a length of time"),
            ("kep = \"7d\"", "^^^", "unknown field `kep`, expected one of"),
        ][at % 2];
        project.write("prisma-safe.toml", &format!("[backup]\nproof = \"read\"\n\n[undo]\n{setting}\n"));
        project.run(*command).exits(2).says("prisma-safe.toml").says("line 5").says(caret).says(why);
    }
    project.write("prisma-safe.toml", "[undo]\nkeep = \"7d\"\n");
    project.run(["review", "--offline", "x.sql"]).succeeds();
}

#[test]
fn a_database_url_is_not_shown_with_a_wrong_setting() {
    let project = Project::prisma7().schema("");
    project.write("prisma-safe.toml", "[environments.live]\nurls = \"postgresql://someone:geheim@db/music\"\n");
    project.run(["status"]).exits(2).says("line 2").says("unknown field `urls`").says_nothing_of("geheim");
}

#[test]
fn a_project_that_is_not_there_is_named() {
    Project::prisma7().run(["-C", "nowhere", "migrate", "deploy"]).exits(2).says("nowhere");
}
