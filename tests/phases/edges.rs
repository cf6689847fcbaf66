//! What cannot change in phases is refused with its reason, and what is odd works.

use super::{SONG, SONG_SQL, deployed, songs};
use crate::support::Project;

#[test]
fn what_makes_no_sense_is_refused() {
    let project = songs();
    let migrations = project.migrations();
    for (arguments, exit, says) in [
        (&["rename", "Song.artist"][..], 2, "Song.artist:artist_name"),
        (&["rename", "Song.nobody:x"], 2, "no field or column nobody"),
        (&["rename", "Track.artist:x"], 2, "no model Track"),
        (&["rename", "Song.artist:title"], 2, "has a column title already"),
        (&["rename", "Song.id:key"], 3, "the primary key Song_pkey is on it"),
        (&["retype", "Song.artist", "String"], 2, "is String already"),
        (&["retype", "Song.duration", "Int?"], 2, "without ? and []"),
        (&["retype", "Song.duration", "Nonsense"], 1, "Nonsense"),
        (&["retype", "Song.duration", "DateTime"], 2, "--using"),
        (&["retype", "Song.duration", "Int", "--using", "1 +", "--back", "x"], 2, "not an expression"),
        (&["retype", "Song.duration", "Int", "--using", "nobody + 1", "--back", "duration_int::text"], 2, "nobody"),
        (&["require", "Song.title", "--value", "x"], 2, "required already"),
        (&["require", "Song.genre"], 2, "--value"),
        (&["require", "Song.genre", "--from", "1); DROP TABLE \"Song\"; SELECT (1"], 2, "not one expression"),
        (&["drop", "Song.legacy"], 2, "--value"),
        (&["next"], 2, "no open plan"),
        (&["abort", "nobody"], 2, "no plan nobody"),
    ] {
        project.run([&["phases"], arguments].concat()).exits(exit).says(says);
    }
    project.run(["backfill"]).exits(2).says("no open plan");
    assert_eq!((project.migrations(), project.files("prisma/phases")), (migrations, Vec::new()));
    // a change that no migration makes is not the plan's
    project.set_schema(&SONG.replace("  plays ", "  stars Int?\n  plays "));
    project.run(["phases", "rename", "Song.artist:artist_name"]).exits(3).says("other changes").says("stars");
}

/// Each thing that a database holds and that the new column would not have.
#[test]
fn what_a_database_holds_is_refused() {
    let project = songs();
    for (add, remove, says) in [
        ("CREATE VIEW v AS SELECT artist FROM \"Song\"", "DROP VIEW v", "the view public.v names it"),
        (
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.artist := lower(NEW.artist); RETURN NEW; END $$;
             CREATE TRIGGER t BEFORE INSERT ON \"Song\" FOR EACH ROW EXECUTE FUNCTION f()",
            "DROP TRIGGER t ON \"Song\"; DROP FUNCTION f()",
            "the function f() names it",
        ),
        (
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
             CREATE TRIGGER \"zzz\" BEFORE UPDATE ON \"Song\" FOR EACH ROW EXECUTE FUNCTION f()",
            "DROP TRIGGER \"zzz\" ON \"Song\"; DROP FUNCTION f()",
            "the trigger zzz fires after the plan's own",
        ),
        (
            "ALTER TABLE \"Song\" ADD COLUMN low text GENERATED ALWAYS AS (lower(artist)) STORED",
            "ALTER TABLE \"Song\" DROP COLUMN low",
            "generated column",
        ),
        ("GRANT SELECT (artist) ON \"Song\" TO PUBLIC", "REVOKE SELECT (artist) ON \"Song\" FROM PUBLIC", "privileges"),
    ] {
        project.database().execute(add);
        project.run(["phases", "rename", "Song.artist:artist_name"]).exits(3).says(says);
        project.database().execute(remove);
    }
    assert_eq!(project.migrations().len(), 1);
}

#[test]
fn a_plan_edited_into_nonsense_is_shown_with_a_caret() {
    let project = songs();
    project.run(["phases", "rename", "Song.artist:artist_name"]).succeeds();
    let file = project.files("prisma/phases").remove(0);
    let text = project.read(&file);
    for (from, to, says) in [
        ("kind = \"rename\"", "kind = \"renam\"", "kind = \"renam\""),
        ("kind = \"rename\"", "kind = \"drop\"", "no [[new]]"),
        ("value = '\"artist\"'", "value = 'artist +'", "not an expression of SQL"),
        ("required = true", "required = true\nrequird = true", "requird"),
        ("ALTER TABLE \"Song\" VALIDATE", "ALTER TABEL \"Song\" VALIDATE", "cannot be read"),
        (
            "[[new]]\nfield = \"artist_name\"\ncolumn = \"artist_name\"",
            "[[new]]\nfield = \"artist_name\"\ncolumn = \"artist\"",
            "names of their own",
        ),
        ("type = \"VARCHAR(90)\"", "type = \"VARCHAR(\"", "not a type"),
    ] {
        assert!(text.contains(from), "{from}\n{text}");
        project.write(&file, &text.replacen(from, to, 1));
        for command in [&["phases"][..], &["phases", "next"], &["backfill"]] {
            project.run(command).exits(2).says(&file).says("line ").says("^").says(says);
        }
    }
    project.write(&file, &text);
    project.write("prisma/phases/other.toml", &text);
    project.run(["phases"]).exits(2).says("two plans are about Song.artist: other and song_artist");
}

/// Names that need quotes, another schema, a composite key in mixed case, an enum, a unique list, NULLs.
#[test]
fn odd_names_and_other_schemas_work() {
    const SCHEMA: &str = "model Order {
  tenant Int
  Number Int    @map(\"No.\")
  select String? @unique
  state  State  @default(OPEN)
  note   Json   @db.Json

  @@id([tenant, Number])
  @@unique([tenant, select])
  @@map(\"order\")
  @@schema(\"Shop Floor\")
}
enum State {
  OPEN
  DONE
  @@schema(\"Shop Floor\")
}
";
    const SQL: &str = "CREATE SCHEMA IF NOT EXISTS \"Shop Floor\";
CREATE TYPE \"Shop Floor\".\"State\" AS ENUM ('OPEN', 'DONE');
CREATE TABLE \"Shop Floor\".\"order\" (\"tenant\" INTEGER NOT NULL, \"No.\" INTEGER NOT NULL, \"select\" TEXT,
  \"state\" \"Shop Floor\".\"State\" NOT NULL DEFAULT 'OPEN', \"note\" JSON NOT NULL,
  CONSTRAINT \"order_pkey\" PRIMARY KEY (\"tenant\", \"No.\"));
CREATE UNIQUE INDEX \"order_select_key\" ON \"Shop Floor\".\"order\"(\"select\");
CREATE UNIQUE INDEX \"order_tenant_select_key\" ON \"Shop Floor\".\"order\"(\"tenant\", \"select\");
";
    let project = Project::prisma7().migration("20250101000000_init", SQL).applied();
    project.write(
        "prisma/schema.prisma",
        &format!(
            "datasource db {{\n  provider = \"postgresql\"\n  schemas = [\"public\", \"Shop Floor\"]\n}}\n{SCHEMA}"
        ),
    );
    project.write("prisma-safe.toml", "[contract]\nafter = \"0s\"\n");
    let database = project.database();
    let table = "\"Shop Floor\".\"order\"";
    database.execute(&format!(
        "INSERT INTO {table} SELECT n % 3, n, CASE WHEN n % 4 > 0 THEN 's' || n END, 'OPEN', '{{}}' FROM generate_series(1, 300) n"
    ));
    let before = project.read("prisma/schema.prisma");
    project.run(["phases", "rename", "Order.select:from"]).succeeds();
    project.run(["phases", "rename", "order.note:the note"]).succeeds();
    project.run(["phases", "retype", "Order.state", "String"]).succeeds();
    assert_ne!(project.read("prisma/schema.prisma"), before);
    deployed(&project);
    database.execute(&format!(
        "INSERT INTO {table} (tenant, \"No.\", \"from\", state_string, \"the note\") VALUES (9, 1, 'x', 'DONE', '{{\"a\": 1}}');
         UPDATE {table} SET note = '[1,  2]' WHERE tenant = 2 AND \"No.\" = 2"
    ));
    for plan in ["order_select", "order_note", "order_state"] {
        project.run(["backfill", plan, "--workers", "2"]).succeeds();
    }
    database.execute(&format!("UPDATE {table} SET \"from\" = NULL WHERE tenant = 1 AND \"No.\" = 1"));
    let differ = format!(
        "SELECT count(*) FROM {table} WHERE \"select\" IS DISTINCT FROM \"from\" OR state::text <> state_string OR note::text <> \"the note\"::text"
    );
    assert_eq!(database.value(&differ), "0");
    for plan in ["order_select", "order_note", "order_state"] {
        project.run(["phases", "next", plan]).succeeds();
    }
    deployed(&project);
    for plan in ["order_select", "order_note", "order_state"] {
        super::contract(&project, plan);
    }
    deployed(&project);
    assert_eq!(
        database.value(&format!("SELECT \"the note\" FROM {table} WHERE tenant = 2 AND \"No.\" = 2")),
        "[1,  2]"
    );
    assert_eq!(database.value(&format!("SELECT count(\"from\") FROM {table}")), "225");
}

/// The table has partitions: the trigger and the checks reach all of them.
#[test]
fn a_partitioned_table_works() {
    const SCHEMA: &str = "model Play {\n  id   Int\n  day  DateTime @db.Date\n  song String\n\n  @@id([id, day])\n}\n";
    const SQL: &str = "CREATE TABLE \"Play\" (\"id\" INTEGER NOT NULL, \"day\" DATE NOT NULL, \"song\" TEXT NOT NULL,
  CONSTRAINT \"Play_pkey\" PRIMARY KEY (\"id\", \"day\")) PARTITION BY RANGE (\"day\");
CREATE TABLE play_old PARTITION OF \"Play\" FOR VALUES FROM ('2020-01-01') TO ('2025-01-01');
CREATE TABLE play_new PARTITION OF \"Play\" FOR VALUES FROM ('2025-01-01') TO ('2030-01-01');
";
    let project = Project::prisma7().schema(SCHEMA).migration("20250101000000_init", SQL).applied();
    project
        .database()
        .execute("INSERT INTO \"Play\" SELECT n, DATE '2024-06-01' + n, 's' || n FROM generate_series(1, 600) n");
    project.run(["phases", "rename", "Play.day:date"]).exits(3);
    project.run(["phases", "rename", "Play.song:title"]).succeeds();
    project.prisma(["migrate", "deploy"]).succeeds();
    project.database().execute("INSERT INTO \"Play\" (id, day, title) VALUES (0, '2026-01-01', 'new')");
    project.run(["backfill"]).succeeds().says("filled 600 rows");
    assert_eq!(project.database().value("SELECT count(*) FROM \"Play\" WHERE song = title"), "601");
}

/// What both sides write while Prisma's own column type says nothing of it: a trigger of the application's own still works.
#[test]
fn a_trigger_of_the_applications_own_goes_on() {
    let sql = format!(
        "{SONG_SQL}CREATE FUNCTION count_plays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           UPDATE \"Song\" SET plays = plays + 1 WHERE id = NEW.id AND pg_trigger_depth() < 2; RETURN NULL; END $$;
         CREATE TRIGGER again AFTER UPDATE ON \"Song\" FOR EACH ROW EXECUTE FUNCTION count_plays();\n"
    );
    let project = Project::prisma7().schema(SONG).migration("20250101000000_init", &sql).applied();
    project.database().execute(super::ROWS);
    project.run(["phases", "rename", "Song.title:name"]).succeeds();
    deployed(&project);
    project
        .database()
        .execute("UPDATE \"Song\" SET name = 'n' WHERE id = 1; UPDATE \"Song\" SET title = 'o' WHERE id = 2");
    assert_eq!(
        project.database().rows("SELECT title, name, plays FROM \"Song\" WHERE id < 3 ORDER BY id"),
        ["n|n|1", "o|o|1"]
    );
}
