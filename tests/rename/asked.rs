//! What is asked, and what is left behind, through real Prisma.

use super::engine::{Engine, Side};
use crate::support::{Key, Prisma, Project, Terminal};

const INIT: &str = "20250101000000_init";
const CREATE: [&str; 6] = ["migrate", "dev", "--create-only", "--non-interactive", "--name", "x"];

/// A project whose first migration is applied and committed; `edit` changes its SQL as a person would.
pub(super) fn committed(models: &str, edit: impl FnOnce(String) -> String) -> Project {
    let project = Project::prisma7().schema(models);
    let text = project.read("prisma/schema.prisma");
    let sql = Engine::start(Prisma::V7, project.database()).diff(&Side::Empty, &Side::Schema(&text));
    let project = project.migration(INIT, &edit(sql)).applied();
    project.git(&["init", "-q"]);
    commit(&project);
    project
}

pub(super) fn commit(project: &Project) {
    project.git(&["add", "prisma"]);
    project.git(&["commit", "-q", "-m", "a step"]);
}

/// Nothing is renamed on a guess, and the folder is as before.
#[test]
fn a_word_more_is_a_question() {
    let user = "model User {\n  id Int @id\n  password String\n}\n";
    let project = committed(user, |sql| sql);
    project.database().execute("INSERT INTO \"User\" VALUES (1, 'plain'), (2, 'text')");
    project.set_schema(&user.replace("password ", "passwordHash "));
    let files = project.files("prisma");
    project.run(CREATE).exits(4).says("--rename User.password:passwordHash").says("--delete User.password");
    assert_eq!(project.files("prisma"), files);
}

/// However unlike the names, and wherever the field stands.
#[test]
fn a_dropped_column_beside_one_that_could_hold_its_values_is_a_decision() {
    let stall = "model Stall {\n  slogan String?\n  id Int @id\n  size Int\n}\n";
    let project = committed(stall, |sql| sql);
    project.set_schema("model Stall {\n  id Int @id\n  size Int\n  zyx String?\n}\n");
    let files = project.files("prisma");
    project.run(CREATE).exits(4).says("--rename Stall.slogan:zyx").says("--delete Stall.slogan");
    assert_eq!(project.files("prisma"), files);
    project.run(CREATE.into_iter().chain(["--delete", "Stall.slogan"])).succeeds();
    assert!(project.newest_migration().contains("DROP COLUMN \"slogan\""), "{}", project.newest_migration());
}

/// All values of an enum are replaced: each is asked about, its default tells which.
#[test]
fn replaced_enum_values_are_decisions() {
    let day = "enum Weather {\n  FINE\n  FOUL\n}\nmodel Day {\n  id Int @id\n  weather Weather @default(FINE)\n}\n";
    let project = committed(day, |sql| sql);
    project.set_schema(&day.replace("  FOUL", "  STORMY").replace("FINE", "SUNNY"));
    project
        .run(CREATE)
        .exits(4)
        .says("--rename value:Weather.FINE:SUNNY")
        .says("--rename value:Weather.FOUL:STORMY")
        .says("1 of 2");
}

/// An event trigger of an earlier migration makes the rewrite end elsewhere: nothing that loses data lies in the folder then,
/// and the draft is shown.
#[test]
fn an_unproved_rewrite_leaves_no_draft_behind() {
    let trigger = "CREATE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN \
        IF current_query() LIKE '%RENAME COLUMN%' THEN CREATE TABLE IF NOT EXISTS noted (id INT); END IF; END $$;\n\
        CREATE EVENT TRIGGER note ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION note();\n";
    let stall = "model Stall {\n  id Int @id\n  slogan String?\n}\n";
    let project = committed(stall, |sql| sql + trigger);
    project.set_schema(&stall.replace("slogan", "motto"));
    let files = project.files("prisma");
    for only in [&["--create-only"][..], &[]] {
        let arguments = ["migrate", "dev", "--non-interactive", "--name", "x", "--rename", "Stall.slogan:motto"];
        let output = project.run(arguments.iter().chain(only)).exits(1);
        output.says("could not be proved").says("noted").says("DROP COLUMN \"slogan\"");
        assert_eq!(project.files("prisma"), files);
    }
}

/// Questions are numbered, and those of one pattern are answered together.
#[test]
fn renames_of_one_pattern_are_one_question() {
    let before = "model A {\n  id Int @id\n  teamName String\n  teamSize Int\n  teamMotto String?\n}\n";
    let project = committed(before, |sql| sql);
    project.set_schema(&before.replace("team", "group"));
    let arguments = ["migrate", "dev", "--create-only", "--name", "x"];
    let mut terminal = Terminal::start(project.command(env!("CARGO_BIN_EXE_prisma-safe"), arguments));
    terminal.sees("(1 of 3)").sees("rename all 3 like this: team becomes group").sees("cancel");
    terminal.press(Key::Down).press(Key::Enter);
    let (status, seen) = terminal.ends();
    assert_eq!(status, 0, "{seen}");
    assert_eq!(project.newest_migration().matches("RENAME COLUMN").count(), 3, "{}", project.newest_migration());
}
