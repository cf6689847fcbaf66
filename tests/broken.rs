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
fn a_project_that_is_not_there_is_named() {
    Project::prisma7().run(["-C", "nowhere", "migrate", "deploy"]).exits(2).says("nowhere");
}
