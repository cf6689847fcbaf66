//! What a draft loses and no rename saves: the help names the way out, and that works.

use super::asked::{CREATE, committed};
use crate::support::Project;

/// The help of a finding of the newest migration.
fn help(project: &Project, rule: &str, object: &str) -> String {
    let name = project.migrations().pop().expect("a migration");
    let document = project.run(["review", &name, "--offline", "--format", "json"]).exits(3).json();
    let findings = document["migrations"][0]["findings"].as_array().expect("findings").clone();
    let found = findings.iter().find(|finding| finding["rule"] == rule && finding["object"] == object);
    found
        .and_then(|finding| finding["help"].as_str())
        .unwrap_or_else(|| panic!("{rule}({object}): {document:#}"))
        .to_owned()
}

/// The statements in a help.
fn statements(help: &str) -> String {
    help.lines().filter(|line| line.ends_with(';')).map(|line| format!("{line}\n")).collect()
}

/// Writes these statements in place of the newest migration's, with lines that accept what goes.
fn replace(project: &Project, sql: &str, accepted: &[&str]) {
    let name = project.migrations().pop().expect("a migration");
    let lines = accepted.iter().map(|what| format!("-- prisma-safe:allow {what}: its values are carried over\n"));
    project.write(&format!("prisma/migrations/{name}/migration.sql"), &(lines.collect::<String>() + sql));
}

#[test]
fn a_key_without_a_cast_is_led_over_by_the_printed_steps() {
    let before = "model Parent {\n  id Int @id @default(autoincrement())\n  name String\n  kids Child[]\n}\n\
        model Child {\n  id Int @id\n  parentId Int\n  parent Parent @relation(fields: [parentId], references: [id])\n  @@index([parentId])\n}\n";
    let project = committed(before, |sql| sql);
    project.database().execute(
        "INSERT INTO \"Parent\" (name) VALUES ('a'), ('b'); INSERT INTO \"Child\" VALUES (1, 1), (2, 2), (3, 2)",
    );
    let after = before
        .replacen("id Int @id @default(autoincrement())", "id String @id @default(uuid()) @db.Uuid", 1)
        .replace("parentId Int", "parentId String @db.Uuid");
    project.set_schema(&after);
    project.run(CREATE).succeeds();
    assert!(help(&project, "drop-then-add", "Child.parentId").contains("`Parent.id`"));
    let steps = statements(&help(&project, "drop-then-add", "Parent.id"));
    let accepted = ["drop-column(Parent.id)", "drop-column(Child.parentId)", "rehearsed-loss(Parent_id_seq)"];
    replace(&project, &steps, &accepted);
    project.run(["migrate", "deploy", "--non-interactive"]).succeeds();
    let rows = "SELECT c.id, p.name FROM \"Child\" c JOIN \"Parent\" p ON p.id = c.\"parentId\" ORDER BY c.id";
    assert_eq!(project.database().rows(rows), ["1|a", "2|b", "3|b"]);
    crate::journey::prisma_is_content(crate::support::Prisma::V7, &project);
}

/// The option that would keep the values is refused with the same steps.
#[test]
fn keeping_what_no_cast_keeps_is_refused_with_the_steps() {
    let before = "model Tag {\n  id Int @id\n}\n";
    let project = committed(before, |sql| sql);
    project.set_schema("model Tag {\n  id String @id @db.Uuid\n}\n");
    let output = project.run(CREATE.into_iter().chain(["--rename", "Tag.id:id"])).exits(3);
    output.says("ADD COLUMN \"id_new\" UUID").says("--delete Tag.id");
    assert_eq!(project.migrations().len(), 1);
}

#[test]
fn a_relation_turned_round_is_filled_before_the_drop() {
    let user = "model User {\n  id Int @id\n  bioId Int @unique\n  bio Sketch @relation(fields: [bioId], references: [id])\n}\n\
        model Sketch {\n  id Int @id\n  user User?\n}\n";
    let project = committed(user, |sql| sql);
    project.database().execute("INSERT INTO \"Sketch\" VALUES (7), (8); INSERT INTO \"User\" VALUES (1, 8), (2, 7)");
    project.set_schema(
        "model User {\n  id Int @id\n  bio Sketch?\n}\nmodel Sketch {\n  id Int @id\n  userId Int @unique\n  \
         user User @relation(fields: [userId], references: [id])\n}\n",
    );
    project.run(CREATE).succeeds();
    let fill = statements(&help(&project, "drop-column", "User.bioId"));
    assert_eq!(
        fill.lines().next(),
        Some("UPDATE \"Sketch\" s SET \"userId\" = t.\"id\" FROM \"User\" t WHERE t.\"bioId\" = s.\"id\";")
    );
    let drop = "ALTER TABLE \"User\" DROP COLUMN \"bioId\";";
    let draft = project.newest_migration();
    assert!(draft.contains(drop) && draft.contains("\"userId\" INTEGER NOT NULL"), "{draft}");
    let filled =
        draft.replace("\"userId\" INTEGER NOT NULL", "\"userId\" INTEGER").replace(drop, &format!("{fill}{drop}"));
    replace(&project, &filled, &["drop-column(User.bioId)"]);
    project.run(["migrate", "deploy", "--non-interactive"]).succeeds();
    assert_eq!(project.database().rows("SELECT id, \"userId\" FROM \"Sketch\" ORDER BY id"), ["7|2", "8|1"]);
    crate::journey::prisma_is_content(crate::support::Prisma::V7, &project);
}

/// What is proposed for a list of JSON, and for a column that begins to count, is SQL that PostgreSQL takes.
#[test]
fn only_casts_that_postgresql_takes_are_proposed() {
    let before = "model Item {\n  id Int @id\n  props Json[]\n  code String\n}\n";
    let project = committed(before, |sql| sql);
    project.database().execute("INSERT INTO \"Item\" VALUES (1, ARRAY['{\"a\": 1}', '2']::jsonb[], '41')");
    project.set_schema("model Item {\n  id Int @id\n  props Json\n  code Int @default(autoincrement())\n}\n");
    project.run(CREATE.into_iter().chain(["--delete", "Item.props", "--delete", "Item.code"])).succeeds();
    let proposed = |column: &str| {
        let help = help(&project, "drop-then-add", &format!("Item.{column}"));
        help.split('`').nth(1).unwrap_or_default().to_owned()
    };
    for column in ["props", "code"] {
        project.database().execute(&format!("ALTER TABLE \"Item\" {}", proposed(column)));
    }
    assert_eq!(project.database().rows("SELECT props, code + 1 FROM \"Item\""), ["[{\"a\": 1}, 2]|42"]);
}

/// Notes name the cause, and each thing that is kept once.
#[test]
fn notes_of_a_proof_tell_the_cause_once() {
    let price = "model Price {\n  id Int @id\n  cents Int\n}\n";
    let project = committed(price, |sql| {
        sql + "ALTER TABLE \"Price\" ADD CONSTRAINT price_never CHECK (length(cents::text || 'x') = 99);\n\
               CREATE INDEX price_dear ON \"Price\" (cents) WHERE cents > 5;\n"
    });
    project.set_schema(&price.replace("cents ", "centsTotal "));
    let output = project.run(CREATE.into_iter().chain(["--rename", "Price.cents:centsTotal"])).succeeds();
    let output = output.says("no rows to compare in Price: no generated row meets its CHECK constraints");
    assert_eq!(output.everything().matches("price_dear").count(), 1, "{output}");
    assert_eq!(output.everything().matches("price_never").count(), 1, "{output}");
}

/// The folder is gone while the database has its migrations: said with the command, and nothing asks for a reset.
#[test]
fn a_lost_migrations_folder_is_said_with_the_command_that_mends_it() {
    let kiln = "model Kiln {\n  id Int @id\n  note String?\n}\n";
    let project = committed(kiln, |sql| sql);
    let dev = ["migrate", "dev", "--non-interactive", "--name", "x"];
    std::fs::rename(project.path("prisma/migrations"), project.path("old_migrations")).expect("moved");
    project.set_schema(&kiln.replace("note", "remark"));
    for arguments in [&dev[..], &["migrate", "deploy"]] {
        let output = project.run(arguments);
        assert_eq!(output.status, if arguments.len() > 2 { 3 } else { 0 }, "{output}");
        output.says("mv old_migrations prisma/migrations").says_nothing_of("We need to reset");
    }
    std::fs::remove_dir_all(project.path("old_migrations")).expect("removed");
    project.run(dev).exits(3).says("git checkout HEAD -- prisma/migrations");
    // a new history over a full database: refused before the backup
    project.add_migration("20260101000000_anew", "CREATE TABLE \"Other\" (id INT PRIMARY KEY);\n");
    project.run(["migrate", "deploy"]).exits(3).says("git checkout HEAD -- prisma/migrations");
    std::fs::remove_dir_all(project.path("prisma/migrations")).expect("removed");
    project.git(&["checkout", "HEAD", "--", "prisma/migrations"]);
    project.run(dev.iter().chain(&["--rename", "Kiln.note:remark"])).succeeds();
}
