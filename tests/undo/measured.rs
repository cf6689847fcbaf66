//! What code does to rows is measured in the rehearsal, kept in the deploy, and comes back.

use super::{INIT, SONG};
use crate::support::{Output, Project};

const NEXT: &str = "20250102000000_next";
const BY_HAND: &str = "
    CREATE TABLE album (id INT PRIMARY KEY, label TEXT, seen TIMESTAMP);
    CREATE TABLE track (id INT PRIMARY KEY, album INT REFERENCES album ON DELETE CASCADE, name TEXT);
    CREATE TABLE tag (word TEXT, note TEXT);
    INSERT INTO album SELECT g, 'label ' || g, '2025-01-01' FROM generate_series(1, 20) g;
    INSERT INTO track SELECT g, 1 + g % 20, 'track ' || g FROM generate_series(1, 60) g;
    INSERT INTO tag SELECT 'tag ' || g % 5, 'note' FROM generate_series(1, 20) g;";

fn albums() -> Project {
    let project = Project::prisma7().schema(SONG).migration("20250101000000_init", INIT).applied();
    project.database().execute(BY_HAND);
    project
}

/// Deployed with the lines that the refusals print.
pub(super) fn accepted(project: &Project, sql: &str) -> Output {
    let mut text = sql.to_owned();
    for _ in 0..3 {
        project.add_migration(NEXT, &text);
        let output = project.run(["migrate", "deploy"]);
        let said = output.everything();
        if !said.contains("-- prisma-safe:allow") {
            return output.succeeds();
        }
        let lines = said.lines().filter_map(|line| Some(&line[line.find("-- prisma-safe:allow")?..]));
        let mut lines: Vec<&str> = lines.map(|line| line.trim_end_matches('`')).collect();
        lines.retain(|line| line.contains('(') && !line.contains("RULE(") && !text.contains(line));
        lines.dedup();
        text = format!("{}\n{text}", lines.join("\n"));
    }
    panic!("not accepted: {text}");
}

/// Deploys, rolls back, and demands the database from before.
#[track_caller]
pub(super) fn there_and_back(project: &Project, sql: &str, kept: &[&str]) {
    let before = project.database().application();
    kept.iter().fold(accepted(project, sql), |deployed, what| deployed.says(what));
    assert_ne!(project.database().application(), before);
    project.run(["rollback"]).succeeds().says("Verified").says_nothing_of("stays:");
    assert_eq!(project.database().application(), before);
}

#[test]
fn what_a_trigger_takes_comes_back() {
    let project = albums();
    project.database().execute(
        "CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           DELETE FROM track WHERE album = OLD.id; DELETE FROM tag WHERE word = 'tag 3'; NEW.seen := '2026-01-01'; RETURN NEW; END $$;
         CREATE TRIGGER tidy BEFORE UPDATE ON album FOR EACH ROW EXECUTE FUNCTION tidy();",
    );
    let kept = ["Keeping", "rows deleted from track", "rows deleted from tag", "values of album that are overwritten"];
    there_and_back(&project, "UPDATE album SET label = 'none' WHERE id <= 7;\n", &kept);
    // it fires as before
    project.database().execute("UPDATE album SET label = 'x' WHERE id = 2");
    assert_eq!(project.database().value("SELECT count(*) FROM track WHERE album = 2"), "0");
}

#[test]
fn what_a_function_and_a_block_take_comes_back() {
    let project = albums();
    project.database().execute(
        "CREATE FUNCTION relabel() RETURNS void LANGUAGE sql AS $$
           UPDATE album SET label = upper(label), seen = NULL; DELETE FROM album WHERE id > 15; $$",
    );
    let kept = ["rows deleted from track", "rows deleted from album", "values of album that are overwritten"];
    there_and_back(&project, "SELECT relabel();\nALTER TABLE album ADD COLUMN n INT;\n", &kept);
    let block = "ALTER TABLE track RENAME TO piece;\nDO $$ BEGIN
          UPDATE piece SET name = NULL WHERE id % 2 = 0; EXECUTE format('TRUNCATE %I', 'tag'); END $$;
          REFRESH MATERIALIZED VIEW words;\n";
    project.database().execute("CREATE MATERIALIZED VIEW words AS SELECT word FROM tag");
    there_and_back(&project, block, &["values of piece that are overwritten", "rows deleted from tag"]);
    // computed from the rows that are back
    assert_eq!(project.database().count("words"), 20);
}

/// Rows that code inserted stay, as those of an INSERT do, and it is said.
#[test]
fn what_stays_is_said() {
    let project = albums();
    project.database().execute(
        "CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN INSERT INTO tag VALUES ('log', OLD.label); RETURN NEW; END $$;
         CREATE TRIGGER log AFTER UPDATE ON album FOR EACH ROW EXECUTE FUNCTION log();",
    );
    project.add_migration(NEXT, "-- one of them\nUPDATE album SET label = 'none' WHERE id = 1;\n");
    project.run(["migrate", "deploy"]).succeeds();
    project.run(["rollback"]).succeeds().says("stays: 1 row that line 2 inserted into tag").says("1 of 1 row");
    assert_eq!(project.database().value("SELECT label FROM album WHERE id = 1"), "label 1");
    assert_eq!(project.database().value("SELECT count(*) FROM tag WHERE word = 'log'"), "1");

    // nothing was measured, so what the trigger did is not known
    project.write("prisma-safe.toml", "[rehearsal]\nmode = \"off\"\nreason = \"to see what is said\"\n");
    project.run(["migrate", "deploy"]).exits(3).says("fires trigger `log` of `album`, which calls `log()`");
    let accepted = "-- prisma-safe:allow opaque-code(call 1): it keeps a log";
    project.add_migration(NEXT, &format!("{accepted}\nUPDATE album SET label = 'none' WHERE id = 1;\n"));
    project.run(["migrate", "deploy"]).succeeds();
    let output = project.run(["rollback", "--dry-run"]).succeeds();
    output.says("cannot be reversed, as no rehearsal has measured it: what trigger public.album.log did on line 2");
}

/// In the end the rows are gone, and nothing shows that they were changed before.
#[test]
fn what_code_overwrites_before_the_rows_go_comes_back() {
    let project = albums();
    project.database().execute(
        "CREATE FUNCTION blank() RETURNS void LANGUAGE sql AS $$ UPDATE track SET name = NULL $$;
         CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.seen := now(); RETURN NEW; END $$;
         CREATE TRIGGER stamp BEFORE UPDATE ON album FOR EACH ROW EXECUTE FUNCTION stamp();",
    );
    let kept = ["values of track that are overwritten", "rows deleted from track"];
    there_and_back(&project, "SELECT blank();\nTRUNCATE TABLE track;\n", &kept);
    let kept = ["values of album that are overwritten", "rows deleted from album"];
    let sql = "DELETE FROM track;\nUPDATE album SET label = 'x' WHERE id < 9;\nDELETE FROM album WHERE id < 9;\n";
    there_and_back(&project, sql, &kept);
}
