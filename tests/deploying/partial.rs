//! A migration of which plain Prisma has committed a part: it is told how much, and the command that is named repairs it.

use crate::journey::{INIT, songs};
use crate::support::{Output, Prisma, Project};

const NEXT: &str = "20250102000000_next";
const BAD: &str = "ALTER TABLE \"Song\" ADD COLUMN \"note\" TEXT;\n\
                   CREATE INDEX \"Song_note_idx\" ON \"Song\" (\"note\");\n\
                   ALTER TABLE \"Song\" ADD CONSTRAINT bad CHECK (length(\"isrc\") < 0);\n";

/// Plain Prisma fails half way.
fn half(sql: &str) -> Project {
    let project = songs(Prisma::V7, 20);
    project.add_migration(NEXT, sql);
    project.prisma(["migrate", "deploy"]).exits(1);
    project
}

/// The command behind these words, without `prisma-safe`.
fn named(output: &Output, before: &str) -> Vec<String> {
    let said = output.everything();
    let rest = said.split(before).nth(1).unwrap_or_else(|| panic!("{before}: {said}"));
    let words = rest.split([';', '\n']).next().unwrap().split_whitespace().map(str::to_owned);
    words.skip_while(|word| word == "prisma-safe").collect()
}

#[test]
fn a_part_is_undone_by_the_command_that_is_named() {
    let project = half(BAD);
    let before = "has failed, and its statements up to line 2 took effect, the rest did not";
    let status = project.run(["status"]).exits(1).says(before);
    let refused = project.run(["migrate", "deploy"]).exits(3).says("up to line 2 took effect").says(NEXT);
    let command = named(&refused, "undo them: ");
    assert_eq!(command, named(&status, "undo them: "));
    assert_eq!(command, ["rollback", NEXT]);
    project.run(command).succeeds();
    let columns = "SELECT count(*) FROM information_schema.columns WHERE column_name = 'note'";
    assert_eq!(project.database().value(columns), "0");
    assert_eq!(project.database().count("_prisma_migrations"), 1);
    project.add_migration(NEXT, &BAD.replace("< 0", "> 0"));
    project.run(["migrate", "deploy"]).succeeds();
    assert_eq!(project.database().value(columns), "1");
    project.prisma(["migrate", "status"]).succeeds().says("up to date");
    assert!(project.migrations().contains(&INIT.to_owned()));
}

#[test]
fn nothing_and_everything_are_told_too() {
    let project = half(
        "ALTER TABLE \"Song\" ADD CONSTRAINT bad CHECK (length(\"isrc\") < 0);\nALTER TABLE \"Song\" ADD COLUMN n INT;\n",
    );
    let refused = project.run(["migrate", "deploy"]).exits(3).says("none of its statements took effect");
    let command = named(&refused, "say so in the history: ");
    assert_eq!(command, ["migrate", "resolve", "--rolled-back", NEXT]);
    project.run(command).succeeds();
    project.add_migration(NEXT, "ALTER TABLE \"Song\" ADD COLUMN n INT;\n");
    project.run(["migrate", "deploy"]).succeeds();

    project
        .database()
        .execute(&format!("UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = '{NEXT}'"));
    let refused = project.run(["migrate", "deploy"]).exits(3).says("all of its statements took effect");
    let command = named(&refused, "say so in the history: ");
    assert_eq!(command, ["migrate", "resolve", "--applied", NEXT]);
    project.run(command).succeeds();
    project.run(["status"]).succeeds().says("up to date");
}

/// Data that does not fit is told by its statement and value, not as a fault of what is kept for an undo.
#[test]
fn data_that_does_not_fit_names_its_statement() {
    let project = songs(Prisma::V7, 100);
    super::quick(&project, "");
    project.database().execute("UPDATE \"Song\" SET title = 'no json' WHERE isrc = 'isrc 7'");
    project.add_migration(
        "20250102000000_json",
        "-- prisma-safe:allow narrow-type(Song.title): a test\nALTER TABLE \"Song\" ALTER COLUMN \"title\" TYPE jsonb USING \"title\"::jsonb;\n",
    );
    project
        .run(["migrate", "deploy"])
        .exits(1)
        .says("failed at line 2")
        .says("\"title\" TYPE jsonb")
        .says("invalid input syntax for type json")
        .says_nothing_of("could not be kept");
}
