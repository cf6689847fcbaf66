//! Machines as containers make them: a user without a name, a TMPDIR that is not there, places that cannot be written.

use crate::journey::songs;
use crate::support::servers::Server;
use crate::support::{Output, Prisma, Project};

/// A deploy by a user that no file names, in a namespace of its own.
fn nameless(project: &Project) -> Output {
    let program = env!("CARGO_BIN_EXE_prisma-safe");
    let arguments = ["--user", "--map-user=4242", "--map-group=4242", program, "migrate", "deploy"];
    let mut command = project.command("unshare", arguments);
    command.env("TMPDIR", "/nonexistent/tmp").env("HOME", "/");
    Output::of("unshare prisma-safe migrate deploy".into(), command.output().expect("unshare, of util-linux"))
}

#[test]
fn a_container_deploys() {
    let project = songs(Prisma::V7, 50);
    project.add_migration("20250102000000_year", "ALTER TABLE \"Song\" ADD COLUMN \"year\" INTEGER;\n");
    // found before anything runs, with the setting that goes on
    project.write("prisma-safe.toml", "[backup]\ndirectory = \"/dev/null/backups\"\n");
    nameless(&project).exits(3).says("cannot be written to /dev/null/backups").says("`directory` below [backup]");
    project.write("prisma-safe.toml", "[state]\ndirectory = \"/dev/null/state\"\n");
    nameless(&project).exits(1).says("/dev/null/state").says("PRISMA_SAFE_STATE_DIR");
    project.write("prisma-safe.toml", "");
    nameless(&project).succeeds().says("restored").says("Rehearsed");
    assert_eq!(project.database().count("Song"), 50);
}

/// A server that is newer than every program here: what dumps it and what proves the dump are asked for in one go.
#[test]
fn all_that_is_missing_is_told_at_once() {
    let server = Server::start(18, "");
    let url = server.database("app");
    let project = Project::prisma7().env("DATABASE_URL", &url);
    project.add_migration("20250101000000_init", "CREATE TABLE \"Song\" (\"id\" INT PRIMARY KEY);\n");
    project.run(["migrate", "deploy"]).succeeds();
    project.add_migration("20250102000000_year", "ALTER TABLE \"Song\" ADD COLUMN \"year\" INTEGER;\n");
    project
        .run(["migrate", "deploy"])
        .exits(3)
        .says("2 problems")
        .says("no pg_dump of that version or later is installed")
        .says("no PostgreSQL 18 server is installed")
        .says("@embedded-postgres/")
        .says("proof = \"read\"")
        .says("mode = \"off\"");
    // the settings are the ones that go on, once there is a pg_dump
    let project = project.on_server(&url, None);
    project.write(
        "prisma-safe.toml",
        "[backup]\nproof = \"read\"\n[rehearsal]\nmode = \"off\"\nreason = \"no server here\"\n",
    );
    project.run(["migrate", "deploy"]).succeeds();
}
