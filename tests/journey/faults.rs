//! What can go wrong around a deploy: a clear error, the documented exit status, nothing lost or left over.

use std::io::Write as _;
use std::process::Stdio;

use super::{INIT, RENAMED, backups, songs};
use crate::support::{Output, Prisma, Project};

const YEAR: &str = "20250102000000_year";
const ADD_YEAR: &str = "ALTER TABLE \"Song\" ADD COLUMN \"year\" INTEGER;\n";

fn pending(prisma: Prisma) -> Project {
    let project = songs(prisma, 100);
    project.add_migration(YEAR, ADD_YEAR);
    project
}

#[test]
fn a_wrong_password() {
    for prisma in [Prisma::V7, Prisma::V6] {
        let project = pending(prisma);
        let url = project.database().url().replace("@127.0.0.1", "wrong@127.0.0.1");
        let project = project.env("DATABASE_URL", &url);
        project.run(["migrate", "deploy"]).exits(1).says("uthentication failed");
        assert!(backups(&project).is_empty());
    }
}

#[test]
fn no_server() {
    let project = pending(Prisma::V7).env("DATABASE_URL", "postgresql://music:secret@127.0.0.1:1/music");
    project.run(["migrate", "deploy"]).exits(1).says("127.0.0.1:1").says_nothing_of("secret");
}

/// Prisma would create the database that is gone; on production that hides that it is gone.
#[test]
fn the_database_is_gone_on_production() {
    let project = pending(Prisma::V7).production();
    let gone = format!("{}_gone", project.database().url());
    let project = project.env("DATABASE_URL", &gone);
    let name = format!("{}_gone", project.database().name());
    project.run(["migrate", "deploy"]).exits(3).says(&name);
    assert_eq!(project.database().value(&format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'")), "0");
}

#[test]
fn sql_that_cannot_be_read_is_refused() {
    let project = songs(Prisma::V7, 10);
    project.add_migration(YEAR, "ALTER TABLE \"Song\" ADD COLUM;\n");
    let before = project.database().contents();
    project.run(["migrate", "deploy"]).exits(3).says(YEAR);
    assert_eq!(project.database().contents(), before);
}

/// Windows' line ends are no reason to fail, and Prisma's checksum stays Prisma's.
#[test]
fn windows_line_ends() {
    let project = songs(Prisma::V7, 10);
    project.add_migration(
        "20250102000000_crlf",
        "-- AlterTable\r\nALTER TABLE \"Song\"\r\n ADD COLUMN \"year\" INTEGER;\r\n",
    );
    project.run(["migrate", "deploy"]).succeeds();
    project.prisma(["migrate", "status"]).succeeds();
    project.run(["migrate", "deploy"]).succeeds().says_nothing_of("edited");
}

/// PostgreSQL takes no byte order mark: said before anything is done.
#[test]
fn a_byte_order_mark_is_refused_before_the_backup() {
    let project = songs(Prisma::V7, 10);
    project.add_migration(YEAR, &format!("\u{feff}{ADD_YEAR}"));
    let before = project.database().contents();
    project.run(["migrate", "deploy"]).exits(2).says("byte order mark").says(YEAR);
    assert_eq!(project.database().contents(), before);
    assert!(backups(&project).is_empty());
}

/// A limit on the size of files stands for a full disk: the dump is larger.
#[test]
fn a_full_disk_stops_the_deploy_and_leaves_nothing() {
    let project = songs(Prisma::V7, 50_000);
    project.add_migration(YEAR, ADD_YEAR);
    let before = project.database().contents();
    let script = "trap '' XFSZ; ulimit -f 1000; exec \"$0\" migrate deploy";
    project.program("sh", ["-c", script, env!("CARGO_BIN_EXE_prisma-safe")]).exits(1).says("File too large");
    assert_eq!(project.database().contents(), before);
    assert!(backups(&project).is_empty(), "{:?}", backups(&project));
    project.run(["migrate", "deploy"]).succeeds();
}

#[test]
fn an_applied_migration_was_edited() {
    let project = pending(Prisma::V7);
    let sql = project.read(&format!("prisma/migrations/{INIT}/migration.sql"));
    project.add_migration(INIT, &format!("{sql}\n-- a thought\n"));
    let before = project.database().contents();
    project.run(["migrate", "deploy"]).exits(3).says(INIT).says("edited");
    assert_eq!(project.database().contents(), before);
}

#[test]
fn a_failed_migration_of_plain_prisma_is_explained() {
    let project = songs(Prisma::V7, 10);
    project.add_migration(YEAR, "ALTER TABLE \"Song\" ADD COLUMN \"year\" INTEGER;\nSELECT 1 / 0;\n");
    project.prisma(["migrate", "deploy"]).exits(1);
    // Prisma commits each statement by itself
    let refused = project.run(["migrate", "deploy"]).exits(3).says("up to line 1 took effect");
    refused.says(&format!("prisma-safe rollback {YEAR}"));
}

#[test]
fn a_shadow_database_that_is_the_target() {
    let project = songs(Prisma::V7, 10);
    project.write(
        "prisma.config.ts",
        "import { defineConfig } from \"prisma/config\";\nprocess.loadEnvFile();\nexport default defineConfig({\n  schema: \"prisma/schema.prisma\",\n  datasource: { url: process.env.DATABASE_URL!, shadowDatabaseUrl: process.env.DATABASE_URL + \"?schema=public\" },\n});\n",
    );
    project.set_schema(RENAMED);
    let before = project.database().contents();
    project.run(["migrate", "dev", "--name", "x"]).exits(3).says("shadow");
    // the seat learns it by itself where nothing is applied
    project.run(["migrate", "dev", "--create-only", "--name", "x"]).exits(3).says("shadow");
    assert_eq!(project.database().contents(), before);
}

/// The environment a fenced command needs a person's word in.
#[test]
fn fenced_commands_are_refused_on_production_and_prismas_own_elsewhere() {
    let production = songs(Prisma::V7, 10).production();
    let before = production.database().contents();
    production.write("drop.sql", "DROP TABLE \"Song\";\n");
    for command in [
        &["migrate", "reset", "--force"][..],
        &["db", "push", "--force-reset"],
        &["db", "push", "--accept-data-loss"],
        &["db", "execute", "--file", "drop.sql"],
        &["migrate", "resolve", "--rolled-back", INIT],
    ] {
        production.run(command).exits(3).says("--confirm").says("production");
        assert_eq!(production.database().contents(), before, "{command:?}");
    }

    let development = songs(Prisma::V7, 10);
    development.write("drop.sql", "DROP TABLE \"Song\";\n");
    development.run(["db", "execute", "--file", "drop.sql"]).succeeds();
    assert!(development.database().rows("SELECT 1 FROM pg_class WHERE relname = 'Song'").is_empty());
}

/// Confirmed by the hash that the refusal prints, after a backup.
#[test]
fn a_confirmed_fenced_command_runs_after_a_backup() {
    let project = songs(Prisma::V7, 10).production();
    project.write("clear.sql", "DELETE FROM \"Song\";\n");
    let command = ["db", "execute", "--file", "clear.sql"];
    let output = project.run(command).exits(3);
    let (_, rest) = output.stderr.split_once("--confirm ").expect("the option");
    let hash = rest.split_whitespace().next().expect("the hash");
    // the word was for this text, not for the name of a file
    project.write("clear.sql", "DROP TABLE \"Song\";\n");
    project.run(command.into_iter().chain(["--confirm", hash])).exits(3).says("another plan");
    assert_eq!(project.database().count("Song"), 10);
    project.write("clear.sql", "DELETE FROM \"Song\";\n");
    project.run(command.into_iter().chain(["--confirm", hash])).succeeds();
    assert_eq!(project.database().count("Song"), 0);
    let dump = backups(&project).into_iter().find(|file| file.ends_with(".sql")).expect("a dump");
    assert!(project.read(&dump).contains("artist 7"));
}

/// A script from standard input: the word is for the text that was read, and that text runs.
#[test]
fn a_script_from_standard_input_is_confirmed_by_its_text() {
    let project = songs(Prisma::V7, 10).production();
    let run = |text: &str, confirm: &[&str]| {
        let arguments = ["db", "execute", "--stdin"].iter().chain(confirm);
        let mut command = project.command(env!("CARGO_BIN_EXE_prisma-safe"), arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("prisma-safe");
        child.stdin.take().expect("stdin").write_all(text.as_bytes()).expect("a script");
        Output::of("db execute --stdin".into(), child.wait_with_output().expect("an end"))
    };
    let output = run("DELETE FROM \"Song\";\n", &[]).exits(3);
    let (_, rest) = output.stderr.split_once("--confirm ").expect("the option");
    let hash = rest.split_whitespace().next().expect("the hash");
    run("DROP TABLE \"Song\";\n", &["--confirm", hash]).exits(3).says("another plan");
    assert_eq!(project.database().count("Song"), 10);
    run("DELETE FROM \"Song\";\n", &["--confirm", hash]).succeeds();
    assert_eq!(project.database().count("Song"), 0);
}
