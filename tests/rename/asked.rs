//! What is asked, and what is left behind, through real Prisma.

use serde_json::Value;

use super::engine::{Engine, Side};
use crate::support::schema::assert_valid;
use crate::support::{Key, Prisma, Project, Terminal};

const INIT: &str = "20250101000000_init";
pub(super) const CREATE: [&str; 6] = ["migrate", "dev", "--create-only", "--non-interactive", "--name", "x"];

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

/// A drop that was chosen at the terminal is asked about once more, with the counts: for an unlikely rename it is the first choice.
#[test]
fn a_drop_at_the_terminal_is_asked_about_once_more() {
    let stall = "model Stall {\n  slogan String?\n  id Int @id\n}\n";
    let project = committed(stall, |sql| sql);
    project.database().execute("INSERT INTO \"Stall\" VALUES ('kept', 1)");
    project.set_schema("model Stall {\n  id Int @id\n  zyx String?\n}\n");
    let files = project.files("prisma");
    let mut terminal =
        Terminal::start(project.command(env!("CARGO_BIN_EXE_prisma-safe"), ["migrate", "dev", "--name", "x"]));
    // the last choice is to cancel, the one before it the drop
    terminal.sees("really drop").sees("cancel").press(Key::Up).press(Key::Up).press(Key::Enter);
    terminal.sees("phases drop Stall.slogan").sees("Are you sure").press(Key::Enter);
    let (status, seen) = terminal.ends();
    assert_eq!(status, 130, "{seen}");
    assert_eq!(project.files("prisma"), files);
    assert_eq!(project.database().rows("SELECT slogan FROM \"Stall\""), ["kept"]);
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

/// Killed in the middle of a question: nothing is written, no process is left to write it, and the next run goes on.
#[test]
fn a_kill_in_the_question_leaves_no_draft() {
    let user = "model User {\n  id Int @id\n  password String\n}\n";
    let project = committed(user, |sql| sql);
    project.database().execute("INSERT INTO \"User\" VALUES (1, 'plain')");
    project.set_schema(&user.replace("password ", "secret "));
    let files = project.files("prisma");
    for only in [&["--create-only"][..], &[]] {
        let arguments = ["migrate", "dev", "--name", "x"].iter().chain(only);
        let mut terminal = Terminal::start(project.command(env!("CARGO_BIN_EXE_prisma-safe"), arguments));
        terminal.sees("secret").sees("cancel");
        assert_eq!(terminal.killed(), 128 + 9);
        crate::support::soon("no process is left", || crate::journey::deserted(&project));
        assert_eq!(project.files("prisma"), files);
    }
    let dev = ["migrate", "dev", "--non-interactive", "--name", "x", "--rename", "User.password:secret"];
    project.run(dev).succeeds();
    assert_eq!(project.database().rows("SELECT secret FROM \"User\""), ["plain"]);
}

/// Generated columns follow: one whose expression reads the renamed column, and a renamed one.
#[test]
fn generated_columns_follow_their_names() {
    let keeper =
        "model Keeper {\n  id Int @id\n  first String\n  last String\n  full String? @default(dbgenerated())\n}\n";
    let project = committed(keeper, |sql| {
        sql.replace("\"full\" TEXT", "\"full\" TEXT GENERATED ALWAYS AS (\"first\" || ' ' || \"last\") STORED")
    });
    project.database().execute("INSERT INTO \"Keeper\" SELECT n, 'a' || n, 'b' || n FROM generate_series(1, 30) n");
    project.set_schema(&keeper.replace(" first ", " firstName ").replace(" full ", " fullName "));
    let options = ["--rename", "Keeper.first:firstName", "--rename", "Keeper.full:fullName"];
    project.run(["migrate", "dev", "--non-interactive", "--name", "x"].iter().chain(&options)).succeeds();
    project.database().execute("UPDATE \"Keeper\" SET \"firstName\" = 'c' WHERE id = 3");
    let full = "SELECT \"fullName\" FROM \"Keeper\" WHERE id IN (3, 4) ORDER BY id";
    assert_eq!(project.database().rows(full), ["c b3", "a4 b4"]);
}

/// A foreign key from a schema that Prisma does not manage stays: the draft's loss of it is no aim.
#[test]
fn foreign_keys_of_unmanaged_schemas_stay() {
    let guest = "model Guest {\n  id Int @id\n  name String\n}\n";
    let project = committed(guest, |sql| {
        sql + "CREATE SCHEMA \"ops\";\nCREATE TABLE \"ops\".\"checkin\" (id int PRIMARY KEY, guest_id int REFERENCES \"public\".\"Guest\"(\"id\"));\n"
    });
    project.set_schema(&guest.replace("Guest", "Visitor"));
    project.run(["migrate", "dev", "--non-interactive", "--name", "x", "--rename", "Guest:Visitor"]).succeeds();
    let target = "SELECT confrelid::regclass FROM pg_constraint WHERE conname = 'checkin_guest_id_fkey'";
    assert_eq!(project.database().value(target), "\"Visitor\"");
}

/// What the rewriter writes and proves, the review takes as kept.
#[test]
fn a_list_of_one_is_no_loss() {
    let leaflet = "model Leaflet {\n  id Int @id\n  topics String\n}\n";
    let project = committed(leaflet, |sql| sql);
    project.database().execute("INSERT INTO \"Leaflet\" VALUES (1, 'war'), (2, 'peace')");
    project.set_schema(&leaflet.replace("String", "String[]"));
    project.run(CREATE.into_iter().chain(["--rename", "Leaflet.topics:topics"])).succeeds().says_nothing_of("error[");
    project.run(["migrate", "deploy", "--non-interactive"]).succeeds();
    assert_eq!(project.database().rows("SELECT topics FROM \"Leaflet\" ORDER BY id"), ["{war}", "{peace}"]);
}

/// Options name what Prisma named, also where no commit knows it any more.
#[test]
fn options_speak_prismas_names_too() {
    let ferry = "model Ferry {\n  id Int @id\n  masterName String @map(\"master_name\")\n  @@map(\"ferries\")\n}\n";
    let project = committed(ferry, |sql| sql);
    std::fs::remove_dir_all(project.path(".git")).expect("the repository");
    project.set_schema(&ferry.replace("masterName String @map(\"master_name\")", "skipperName String"));
    project.run(CREATE.into_iter().chain(["--rename", "Ferry.masterName:skipperName"])).succeeds();
    let migration = project.newest_migration();
    assert!(migration.contains("\"ferries\" RENAME COLUMN \"master_name\" TO \"skipperName\""), "{migration}");
}

/// Each kind of option in Prisma's names alone, old ones and new ones, also where data is really dropped.
#[test]
fn every_option_speaks_prismas_names() {
    let before = "enum Role {\n  USER @map(\"user\")\n  ADMIN @map(\"admin\")\n  @@map(\"role_type\")\n}\n\
        model Ferry {\n  id Int @id\n  masterName String @map(\"master_name\")\n  oldNote String? @map(\"old_note\")\n  role Role\n  @@map(\"ferries\")\n}\n";
    let after = "enum Rank {\n  MEMBER @map(\"member\")\n  ADMIN @map(\"admin\")\n  @@map(\"rank_type\")\n}\n\
        model Boat {\n  id Int @id\n  skipperName String @map(\"skipper_name\")\n  role Rank\n  @@map(\"boats\")\n}\n";
    let project = committed(before, |sql| sql);
    project.database().execute("INSERT INTO ferries VALUES (1, 'Ann', 'rusty', 'user')");
    project.set_schema(after);
    let renames = ["Ferry:Boat", "enum:Role:Rank", "value:Role.USER:MEMBER", "Ferry.masterName:skipperName"];
    let options = renames.into_iter().flat_map(|rename| ["--rename", rename]).chain(["--delete", "Ferry.oldNote"]);
    project.run(["migrate", "dev", "--non-interactive", "--name", "x"].into_iter().chain(options)).succeeds();
    assert_eq!(project.database().rows("SELECT id, skipper_name, role FROM boats"), ["1|Ann|member"]);
}

/// The rename stands where the drop stood: statements before it keep the old names, byte for byte.
#[test]
fn a_rewrite_stands_where_the_drop_stood() {
    let kiln = "model Kiln {\n  id Int @id\n  firingNote String?\n}\n";
    let project = committed(kiln, |sql| sql);
    let before = "UPDATE \"Kiln\" SET \"firingNote\" = trim(\"firingNote\");\n";
    let draft = "ALTER TABLE \"Kiln\" DROP COLUMN \"firingNote\", ADD COLUMN \"note\" TEXT;\n";
    let after = "UPDATE \"Kiln\" SET \"note\" = NULL WHERE \"note\" = '';\n";
    project.set_schema(&kiln.replace("firingNote", "note"));
    project.add_migration("20250102000000_note", &format!("{before}{draft}{after}"));
    project.run(["rewrite", "20250102000000_note", "--rename", "Kiln.firingNote:note"]).succeeds();
    let text = project.newest_migration();
    assert!(text.starts_with(before) && text.ends_with(after), "{text}");
    assert!(text.contains("RENAME COLUMN \"firingNote\" TO \"note\"") && !text.contains("DROP"), "{text}");
}

const DOC: &str = "model Doc {\n  id Int @id\n  note String?\n}\n";

fn docs() -> Project {
    let project = committed(DOC, |sql| sql);
    project.database().execute("INSERT INTO \"Doc\" VALUES (1, 'kept')");
    project.set_schema(&DOC.replace("  note String?\n", ""));
    project
}

/// The accepting line stands in the file before it is applied: nothing is to be edited afterwards.
#[test]
fn an_acceptance_is_written_before_the_migration_is_applied() {
    let drop = ["migrate", "dev", "--non-interactive", "--name", "drop_note", "--delete", "Doc.note"];
    let project = docs();
    project.run(drop.iter().chain(&["--accept", "drop-column(Doc.nothing): why"])).exits(2);
    project.run(drop.iter().chain(&["--accept", "drop-column(Doc.note):"])).exits(2).says("reason");
    assert_eq!(project.migrations(), [INIT]);
    project.run(drop.iter().chain(&["--accept", "drop-column(Doc.note): nobody reads it"])).succeeds();
    let migration = project.newest_migration();
    assert!(migration.contains("-- prisma-safe:allow drop-column(Doc.note): nobody reads it\n"), "{migration}");
    project.run(["review", "--all"]).succeeds();
    project.run(["migrate", "dev", "--non-interactive", "--name", "next"]).succeeds().says("Already in sync");
}

/// A comment that comes later changes the checksum alone, and that is brought up to date.
#[test]
fn later_comments_do_not_ask_for_a_reset() {
    let project = docs();
    project.run(["migrate", "dev", "--non-interactive", "--name", "x", "--delete", "Doc.note"]).succeeds();
    let file = format!("prisma/migrations/{}/migration.sql", project.migrations().pop().expect("a migration"));
    let applied = project.read(&file);
    project.write(&file, &format!("-- prisma-safe:allow drop-column(Doc.note): nobody reads it\n{applied}"));
    let dev = ["migrate", "dev", "--non-interactive", "--name", "next"];
    project.run(dev).succeeds().says("only its comments have changed").says("Already in sync");
    project.run(dev).succeeds().says_nothing_of("only its comments");
    // a statement is another matter
    project.write(&file, &format!("{applied}\nSELECT 1;\n"));
    project.run(dev).exits(130).says("was modified after it was applied");
}

/// Neither a database, nor a URL, nor Prisma, nor Node.js is needed for what works offline.
#[test]
fn offline_means_offline() {
    let kiln = "model Kiln {\n  id Int @id\n  firingNote String?\n}\n";
    let project = committed(kiln, |sql| sql).only_programs(&["git"], &[]);
    project.set_schema(&kiln.replace("firingNote", "note"));
    let name = "20250102000000_note";
    project.add_migration(name, "ALTER TABLE \"Kiln\" DROP COLUMN \"firingNote\", ADD COLUMN \"note\" TEXT;\n");
    for gone in [".env", "node_modules"] {
        std::fs::remove_file(project.path(gone)).expect("a file or a link");
    }
    project.run(["renames", name]).succeeds().says("column Kiln.firingNote -> note");
    project.run(["review", name, "--offline"]).exits(3).says("drop-column");
    project.run(["rewrite", name, "--rename", "Kiln.firingNote:note"]).succeeds();
    assert!(project.newest_migration().contains("RENAME COLUMN"), "{}", project.newest_migration());
    project.run(["review", "--all", "--offline"]).succeeds();
}

/// Beside a rename and a drop, the same in phases: what is printed runs as it is, from the schema as it was.
#[test]
fn phases_are_offered_with_their_commands() {
    let before = "model User {\n  id Int @id\n  first String @map(\"first_name\")\n  last String?\n}\nmodel Stall {\n  id Int @id\n  size Int\n}\n";
    let project = committed(before, |sql| sql);
    let schema = project.read("prisma/schema.prisma");
    project.set_schema(
        &before
            .replace("  first String @map(\"first_name\")\n  last String?\n", "  name String\n")
            .replace("Stall", "Zyx"),
    );
    let json = CREATE.into_iter().chain(["--format", "json"]);
    let output = project.run(json).exits(4);
    let renames = &output.json()["renames"];
    assert_valid("renames", renames);
    let offered = |open: &Value| {
        [&open["phases"], &open["regroup"]["command"]].map(|command| command.as_str().map(str::to_owned))
    };
    let offered: Vec<String> = renames["open"].as_array().unwrap().iter().flat_map(offered).flatten().collect();
    let merge = "prisma-safe phases merge User.first User.last --into 'name String: EXPR' --back 'first: EXPR' --back 'last: EXPR'";
    assert!(offered.contains(&merge.to_owned()), "{offered:?}");
    output.says(&format!("or merge first and last into name, while the old release runs on: {merge}"));
    let table = "prisma-safe phases table Stall:Zyx";
    assert!(offered.contains(&table.to_owned()), "{offered:?}");

    // as they are pasted, with SQL in the places for it
    project.write("prisma/schema.prisma", &schema);
    let binary = env!("CARGO_BIN_EXE_prisma-safe");
    let merge = merge.replacen("EXPR", "concat_ws(chr(32), first_name, last)", 1);
    let merge = merge.replacen("EXPR", "split_part(name, chr(32), 1)", 1);
    let merge = merge.replacen("EXPR", "nullif(split_part(name, chr(32), 2), lower(upper(chr(1))))", 1);
    project.program("sh", ["-c", &merge.replacen("prisma-safe", binary, 1)]).succeeds();
    assert!(
        project.newest_migration().contains("User.first_name and last become name"),
        "{}",
        project.newest_migration()
    );
    project.program("sh", ["-c", &table.replacen("prisma-safe", binary, 1)]).succeeds();
    assert!(project.read("prisma/schema.prisma").contains("model Zyx {"));
}

/// At a terminal a table's plan begins at once, with schema.prisma as it was; how columns are merged is told.
#[test]
fn phases_begin_at_the_terminal() {
    let before =
        "model User {\n  id Int @id\n  first String\n  last String\n}\nmodel Stall {\n  id Int @id\n  size Int\n}\n";
    let project = committed(before, |sql| sql);
    project.set_schema(&before.replace("  first String\n  last String\n", "  name String\n"));
    let files = project.files("prisma");
    let dev = || Terminal::start(project.command(env!("CARGO_BIN_EXE_prisma-safe"), ["migrate", "dev", "--name", "x"]));
    let mut terminal = dev();
    terminal.sees("merge first and last into name, in phases").sees("cancel").press(Key::Up).press(Key::Up);
    terminal.press(Key::Enter);
    let (status, seen) = terminal.ends();
    assert_eq!(status, 130, "{seen}");
    assert!(seen.contains("phases merge User.first User.last"), "{seen}");
    assert_eq!(project.files("prisma"), files);

    project.set_schema(&before.replace("Stall", "Zyx"));
    let mut terminal = dev();
    terminal.sees("keep both for a while").sees("cancel").press(Key::Down).press(Key::Down).press(Key::Enter);
    terminal.sees("Make these changes?").press(Key::Enter);
    let (status, seen) = terminal.ends();
    assert_eq!(status, 0, "{seen}");
    let sql = project.newest_migration();
    assert!(sql.contains("CREATE VIEW \"Stall\"") && sql.contains("RENAME TO \"Zyx\""), "{sql}");
    assert!(project.read("prisma/schema.prisma").contains("model Zyx {"));
}
