//! The ground the other tests stand on holds: plain Prisma, without prisma-safe.

use crate::support::{Database, Key, Prisma, Project, Terminal};

const SONG: &str = "model Song {\n  isrc   String @id\n  artist String\n  plays  Int    @default(0)\n}\n";
const SONG_SQL: &str = "-- CreateTable
CREATE TABLE \"Song\" (
    \"isrc\" TEXT NOT NULL,
    \"artist\" TEXT NOT NULL,
    \"plays\" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT \"Song_pkey\" PRIMARY KEY (\"isrc\")
);
";

fn plain_prisma_deploys(prisma: Prisma) {
    let project = Project::on(prisma).schema(SONG).migration("20250101000000_init", SONG_SQL);
    project.prisma(["migrate", "status"]).exits(1).says("20250101000000_init");
    project.prisma(["migrate", "deploy"]).succeeds().says("All migrations have been successfully applied.");
    project.prisma(["migrate", "status"]).succeeds().says("Database schema is up to date!");
    assert_eq!(project.database().count("Song"), 0);
}

#[test]
fn plain_prisma_7_deploys() {
    plain_prisma_deploys(Prisma::V7);
}

#[test]
fn plain_prisma_6_deploys() {
    plain_prisma_deploys(Prisma::V6);
}

/// `applied` writes what Prisma would have written.
#[test]
fn a_hundred_thousand_rows_on_a_history_that_prisma_accepts() {
    let project = Project::prisma7().schema(SONG).migration("20250101000000_init", SONG_SQL).rows("Song", 100_000);
    assert_eq!(project.database().count("Song"), 100_000);
    assert_eq!(project.database().value("SELECT artist FROM \"Song\" WHERE isrc = 'isrc 77'"), "artist 77");
    project.prisma(["migrate", "status"]).succeeds().says("Database schema is up to date!");

    let other = Project::prisma7().schema(SONG).migration("20250101000000_init", SONG_SQL);
    other.prisma(["migrate", "deploy"]).succeeds();
    assert_eq!(project.database().catalog(), other.database().catalog());

    let copy = project.database().copy();
    assert_eq!(copy.contents(), project.database().contents());
    copy.execute("DELETE FROM \"Song\" WHERE isrc = 'isrc 1'");
    assert_ne!(copy.contents(), project.database().contents());
}

#[test]
fn prisma_asks_at_a_terminal() {
    let project = Project::prisma7().schema(SONG).migration("20250101000000_init", SONG_SQL).applied();
    project.set_schema("model Song {\n  isrc String @id\n  artist String\n  plays Int @default(0)\n  year Int?\n}\n");
    let mut terminal = Terminal::start(project.command("node_modules/.bin/prisma", ["migrate", "dev"]));
    terminal.sees("Enter a name for the new migration").press(Key::CtrlC);
    let (status, _) = terminal.ends();
    assert_eq!(status, 130);
    assert_eq!(project.migrations(), ["20250101000000_init"]);
}

#[test]
fn databases_do_not_share() {
    let (one, two) = (Database::new(), Database::new());
    one.execute("CREATE TABLE t (x INT)");
    assert_eq!(one.rows("SELECT relname FROM pg_class WHERE relname = 't'"), ["t"]);
    assert_eq!(two.rows("SELECT relname FROM pg_class WHERE relname = 't'"), [""; 0]);
}
