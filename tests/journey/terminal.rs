//! The same through a terminal.

use super::{DROPPED, INIT, RENAMED, prisma_is_content, songs};
use crate::support::{Key, Prisma, Terminal};

fn answered_with_the_arrow_keys(prisma: Prisma) {
    let project = songs(prisma, 1_000);
    project.set_schema(
        &RENAMED
            .replace("artistName String @map(\"artist_name\")", "performer  String")
            .replace("artistName", "performer"),
    );
    let mut terminal =
        Terminal::start(project.command(env!("CARGO_BIN_EXE_prisma-safe"), ["migrate", "dev", "--name", "x"]));
    // down to the last answer and back to the first, `rename`
    terminal.sees("performer").sees("cancel");
    for key in [Key::Up, Key::Down, Key::Enter] {
        terminal.press(key);
    }
    let (status, seen) = terminal.ends();
    assert_eq!(status, 0, "{seen}");
    assert_eq!(project.database().value("SELECT count(performer) FROM \"Song\""), "1000");
    prisma_is_content(prisma, &project);
}

fn cancelled(prisma: Prisma) {
    let project = songs(prisma, 10);
    project.set_schema(
        &RENAMED
            .replace("artistName String @map(\"artist_name\")", "performer  String")
            .replace("artistName", "performer"),
    );
    let mut terminal =
        Terminal::start(project.command(env!("CARGO_BIN_EXE_prisma-safe"), ["migrate", "dev", "--name", "x"]));
    terminal.sees("performer").sees("rename").press(Key::CtrlC);
    let (status, seen) = terminal.ends();
    assert_eq!(status, 130, "{seen}");
    assert_eq!(project.migrations(), [INIT]);
    assert_eq!(project.database().value("SELECT count(artist) FROM \"Song\""), "10");
}

/// Renaming in phases is explained; the draft, which drops at once, is not written.
#[test]
fn expand_and_contract_is_explained() {
    let project = songs(Prisma::V7, 10);
    project.set_schema(RENAMED);
    let mut terminal =
        Terminal::start(project.command(env!("CARGO_BIN_EXE_prisma-safe"), ["migrate", "dev", "--name", "x"]));
    terminal.sees("expand and contract").press(Key::Down).press(Key::Down).press(Key::Enter);
    terminal.sees("prisma-safe phases rename Song.artist:artist_name");
    let (status, seen) = terminal.ends();
    assert_eq!(status, 130, "{seen}");
    assert_eq!(project.migrations(), [INIT]);
}

/// Where it is known what the schema said before, the plan begins right there: nothing that drops is left behind.
#[test]
fn expand_and_contract_begins() {
    let project = songs(Prisma::V7, 10);
    project.git(&["init", "-q"]);
    project.git(&["add", "prisma"]);
    project.git(&["commit", "-q", "-m", "songs"]);
    project.set_schema(RENAMED);
    // without a terminal the command is told beside the options
    project.run(["migrate", "dev", "--name", "x"]).exits(4).says("prisma-safe phases rename Song.artist:artist_name");
    let mut terminal =
        Terminal::start(project.command(env!("CARGO_BIN_EXE_prisma-safe"), ["migrate", "dev", "--name", "x"]));
    terminal.sees("expand and contract").press(Key::Down).press(Key::Down).press(Key::Enter);
    terminal.sees("Make these changes?").press(Key::Enter);
    let (status, seen) = terminal.ends();
    assert_eq!(status, 0, "{seen}");
    let schema = project.read("prisma/schema.prisma");
    let sql: String = project.files("prisma/migrations").iter().map(|file| project.read(file)).collect();
    assert!(schema.contains("artistName String? @map(\"artist_name\")") && schema.contains("@ignore"), "{schema}");
    assert!(sql.contains("ADD COLUMN \"artist_name\"") && !sql.contains("DROP COLUMN"), "{sql}");
    // the expand, and the index of the new column
    assert_eq!(project.migrations().len(), 3);
}

/// Accepted data loss on production is deployed once the database's name is typed, and not for another word.
fn typed_name(prisma: Prisma) {
    let project = songs(prisma, 10).production();
    project.set_schema(DROPPED);
    project.run(["migrate", "dev", "--name", "drop_artist", "--create-only"]).succeeds();
    let name = project.migrations().pop().expect("a migration");
    let sql = project.newest_migration();
    project.write(
        &format!("prisma/migrations/{name}/migration.sql"),
        &format!("-- prisma-safe:allow drop-column(Song.artist): nobody reads it since 2.3\n{sql}"),
    );
    let before = project.database().contents();
    let deploy = || Terminal::start(project.command(env!("CARGO_BIN_EXE_prisma-safe"), ["migrate", "deploy"]));

    let mut terminal = deploy();
    terminal.sees("Type the database's name").types("yes");
    let (status, seen) = terminal.ends();
    assert_eq!(status, 3, "{seen}");
    assert_eq!(project.database().contents(), before);

    let mut terminal = deploy();
    terminal.sees("Type the database's name").types(project.database().name());
    let (status, seen) = terminal.ends();
    assert_eq!(status, 0, "{seen}");
    prisma_is_content(prisma, &project);
}

#[test]
fn answered_with_the_arrow_keys_7() {
    answered_with_the_arrow_keys(Prisma::V7);
}

#[test]
fn answered_with_the_arrow_keys_6() {
    answered_with_the_arrow_keys(Prisma::V6);
}

#[test]
fn cancelled_7() {
    cancelled(Prisma::V7);
}

#[test]
fn cancelled_6() {
    cancelled(Prisma::V6);
}

#[test]
fn typed_name_7() {
    typed_name(Prisma::V7);
}

#[test]
fn typed_name_6() {
    typed_name(Prisma::V6);
}
