//! What goes without a statement that says so is measured in the rehearsal, and refused until a line accepts it.

use crate::support::{Output, Project};

const INIT: &str = "CREATE TABLE \"Song\" (\"id\" SERIAL NOT NULL, \"artist\" TEXT NOT NULL, \"plays\" INTEGER, \
                    CONSTRAINT \"Song_pkey\" PRIMARY KEY (\"id\"));\n";
const NEXT: &str = "20250102000000_next";

fn songs() -> Project {
    Project::prisma7().migration("20250101000000_init", INIT).rows("Song", 300)
}

/// The lines that a refusal prints, with the migration below them.
fn accepting(refusal: &Output, migration: &str) -> String {
    let text = refusal.everything();
    let mut lines: Vec<&str> =
        text.lines().map(str::trim).filter(|line| line.starts_with("-- prisma-safe:allow")).collect();
    lines.dedup();
    format!("{}\n{migration}", lines.join("\n"))
}

/// Everything that one function takes away is named, one by one; nothing has happened. With the printed lines it is deployed.
#[test]
fn what_code_takes_away_is_named_and_can_be_accepted() {
    let project = songs();
    project.database().execute(
        "CREATE TABLE \"Zone\" (code TEXT PRIMARY KEY, name TEXT, note TEXT);
         INSERT INTO \"Zone\" SELECT 'z' || g, 'zone ' || g, 'by hand' FROM generate_series(1, 300) g;
         CREATE TYPE \"Mood\" AS ENUM ('calm', 'wild', 'lost');
         CREATE VIEW v_song AS SELECT id FROM \"Song\";
         CREATE VIEW v_top AS SELECT id FROM v_song;
         CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
         CREATE TRIGGER touch BEFORE UPDATE ON \"Zone\" FOR EACH ROW EXECUTE FUNCTION touch();
         GRANT SELECT ON \"Song\" TO PUBLIC;
         COMMENT ON TABLE \"Song\" IS 'sung';
         SELECT setval('\"Song_id_seq\"', 900);
         SELECT lo_from_bytea(4711, 'a scan'), lo_from_bytea(4712, 'another');
         ALTER TABLE \"Song\" ADD CONSTRAINT \"Song_plays_check\" CHECK (plays >= 0);
         CREATE FUNCTION tidy() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
           DELETE FROM \"Zone\" WHERE code > 'z2';
           UPDATE \"Song\" SET artist = left(artist, 3) WHERE id > 100;
           ALTER TABLE \"Zone\" DISABLE TRIGGER touch;
           DROP VIEW v_song CASCADE;
           CREATE TYPE \"Mood_new\" AS ENUM ('calm', 'wild');
           DROP TYPE \"Mood\";
           ALTER TYPE \"Mood_new\" RENAME TO \"Mood\";
           REVOKE SELECT ON \"Song\" FROM PUBLIC;
           COMMENT ON TABLE \"Song\" IS NULL;
           ALTER TABLE \"Song\" DROP CONSTRAINT \"Song_plays_check\", ALTER COLUMN artist DROP NOT NULL;
           PERFORM setval('\"Song_id_seq\"', 400);
           PERFORM lo_unlink(4711), lo_put(4712, 0, 'one more');
         END $$",
    );
    let tidy = "SELECT tidy();\n";
    project.add_migration(NEXT, tidy);
    let before = project.database().contents();
    let refusal = project.run(["migrate", "deploy"]).exits(3);
    assert_eq!(project.database().contents(), before);
    let refusal = refusal
        .says("20250102000000_next, line 1: Zone loses 188 rows")
        .says("Song.artist holds other values in 200 rows")
        .says("Zone.touch (trigger) is disabled")
        .says("v_song (view) is gone")
        .says("v_top (view) is gone")
        .says("Mood.lost is gone from its enum")
        .says("privileges on Song are gone: SELECT to PUBLIC")
        .says("comment on Song is gone")
        .says("Song.Song_plays_check (constraint) is gone")
        .says("NOT NULL of Song.artist is gone")
        .says("position of Song_id_seq was 900 and is 400")
        .says("large object 4711 is gone")
        .says("large object 4712 holds other bytes");
    project.add_migration(NEXT, &accepting(&refusal, tidy));
    project.run(["migrate", "deploy"]).succeeds().says("accepts the loss of `rows of Zone`");
    assert_eq!(project.database().count("Zone"), 112);
}

/// What switches the checks off leaves a foreign key that PostgreSQL takes for valid, and no dump of it can be restored.
#[test]
fn a_foreign_key_that_rows_break_is_lost() {
    let project = songs();
    project.database().execute(
        "CREATE TABLE \"Take\" (id INT PRIMARY KEY, song INT REFERENCES \"Song\" (id));
         INSERT INTO \"Take\" SELECT g, g FROM generate_series(1, 3) g",
    );
    let deletes = |id: u32| format!("SET session_replication_role = replica;\nDELETE FROM \"Song\" WHERE id = {id};\n");
    project.add_migration(NEXT, &deletes(2));
    let broken = "Take.Take_song_fkey (foreign key) does not hold any more: 1 row refers to no row";
    project.run(["migrate", "deploy"]).exits(3).says(broken);
    assert_eq!(project.database().count("Song"), 300);
    // nothing refers to this one
    project.add_migration(NEXT, &deletes(200));
    project.run(["migrate", "deploy"]).succeeds();
    assert_eq!(project.database().count("Song"), 299);
}

/// A table that the files take for new holds rows, and as many come as go.
#[test]
fn rows_that_are_replaced_are_lost() {
    let project = songs();
    project.database().execute(
        "CREATE TABLE \"Zone\" (code TEXT PRIMARY KEY, name TEXT, note TEXT);
         INSERT INTO \"Zone\" SELECT 'z' || g, 'zone ' || g, 'by hand' FROM generate_series(1, 300) g;
         CREATE FUNCTION anew() RETURNS void LANGUAGE sql AS $$
           TRUNCATE \"Zone\"; INSERT INTO \"Zone\" SELECT 'n' || g FROM generate_series(1, 300) g $$",
    );
    let anew = "SELECT anew();\n";
    project.add_migration(NEXT, anew);
    let refusal = project.run(["migrate", "deploy"]).exits(3).says("Zone loses 300 rows and 300 came");
    project.add_migration(NEXT, &accepting(&refusal, anew));
    project.run(["migrate", "deploy"]).succeeds();

    let conditional = "CREATE TABLE IF NOT EXISTS \"Zone\" (\"code\" TEXT PRIMARY KEY, \"name\" TEXT, \"note\" TEXT);\n\
                       TRUNCATE \"Zone\";\nINSERT INTO \"Zone\" (\"code\") VALUES ('N'), ('S');\n";
    project.add_migration("20250103000000_zone", conditional);
    project.run(["migrate", "deploy"]).exits(3).says("Zone");
    assert_eq!(project.database().count("Zone"), 300);
}

/// A row that moves to another part of its table is kept; one that goes while others come is not, although as many rows are there.
#[test]
fn rows_of_partitions_are_followed_by_their_values() {
    let project = songs();
    let code = |body: &str| format!("CREATE OR REPLACE FUNCTION f() RETURNS void LANGUAGE sql AS $$ {body} $$");
    project.database().execute(
        "CREATE TABLE ev (id INT, k INT, v TEXT, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
         CREATE TABLE ev1 PARTITION OF ev FOR VALUES IN (1);
         CREATE TABLE ev2 PARTITION OF ev FOR VALUES IN (2);
         INSERT INTO ev SELECT g, 1 + g % 2, 'v' || g FROM generate_series(1, 40) g",
    );
    let calls = "-- prisma-safe:allow opaque-code(statement 1): it was read\nSELECT f();\n";
    for body in [
        "DELETE FROM ev WHERE k = 1; INSERT INTO ev SELECT 1000 + g, 2, 'new' FROM generate_series(1, 20) g",
        "UPDATE ev SET k = 2, v = 'gone' WHERE k = 1",
    ] {
        project.database().execute(&code(body));
        project.add_migration(NEXT, calls);
        project.run(["migrate", "deploy"]).exits(3).says("ev1 loses 20 rows");
        assert_eq!(project.database().count("ev1"), 20, "{body}");
    }
    project.database().execute(&code("UPDATE ev SET k = 2 WHERE k = 1"));
    project.run(["migrate", "deploy"]).succeeds();
    assert_eq!(project.database().count("ev2"), 40);
    // what the statement itself says needs no line
    project.add_migration("20250103000000_back", "UPDATE ev SET k = 1, v = 'back' WHERE id % 2 = 0;\n");
    project.run(["migrate", "deploy"]).succeeds();
    assert_eq!(project.database().count("ev1"), 20);
}

/// A change of a type locks none of the tables that hold values of it.
#[test]
fn values_that_go_with_a_part_of_their_type_are_lost() {
    let project = songs();
    let code =
        |body: &str| format!("CREATE OR REPLACE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN {body}; END $$");
    project.database().execute(
        "CREATE TYPE place AS (x INT, y TEXT);
         CREATE TABLE stage (id INT PRIMARY KEY, at place);
         INSERT INTO stage SELECT g, ROW(g, 'y' || g)::place FROM generate_series(1, 20) g;
         CREATE TYPE mood AS ENUM ('calm', 'wild');
         CREATE TABLE crowd (id INT PRIMARY KEY, mood mood);
         INSERT INTO crowd SELECT g, 'calm' FROM generate_series(1, 20) g",
    );
    project.add_migration(NEXT, "-- prisma-safe:allow opaque-code(statement 1): it was read\nSELECT f();\n");
    for (body, says) in [
        ("ALTER TYPE place DROP ATTRIBUTE y", "stage.at holds other values in 20 rows"),
        (
            "ALTER TYPE mood RENAME VALUE 'calm' TO 'x'; ALTER TYPE mood RENAME VALUE 'wild' TO 'calm'; \
             ALTER TYPE mood RENAME VALUE 'x' TO 'wild'",
            "crowd.mood holds other values in 20 rows",
        ),
    ] {
        project.database().execute(&code(body));
        project.run(["migrate", "deploy"]).exits(3).says(says);
    }
}

/// A table that is made anew from the rows of another has neither its defaults nor its `NOT NULL`, also where it holds no row.
#[test]
fn a_table_that_is_made_anew_demands_what_it_demanded() {
    let project = songs();
    let columns = "CREATE TABLE \"Zone\" (code TEXT NOT NULL, name TEXT DEFAULT 'x')";
    project.database().execute(columns);
    let end = "DROP TABLE \"Zone\";\nALTER TABLE \"Zone_new\" RENAME TO \"Zone\";\n";
    let like = format!("CREATE TABLE \"Zone_new\" (LIKE \"Zone\" INCLUDING ALL);\n{end}");
    project.add_migration("20250101500000_like", &like);
    project.run(["migrate", "deploy"]).succeeds();

    let anew = format!("CREATE TABLE \"Zone_new\" AS SELECT * FROM \"Zone\";\n{end}");
    project.add_migration(NEXT, &anew);
    let refusal = project.run(["migrate", "deploy"]).exits(3).says("NOT NULL of Zone.code is gone");
    let refusal = refusal.says("default of Zone.name is gone");
    project.add_migration(NEXT, &accepting(&refusal, &anew));
    project.run(["migrate", "deploy"]).succeeds();
}

/// Values that a USING maps one to another are other values.
#[test]
fn values_that_a_change_of_type_maps_are_lost() {
    let project = songs();
    project.database().execute(
        "CREATE TYPE \"Mood\" AS ENUM ('glad', 'sad');
         CREATE TABLE \"Site\" (id INT PRIMARY KEY, m \"Mood\");
         INSERT INTO \"Site\" VALUES (1, 'sad'), (2, 'glad'), (3, 'glad')",
    );
    let mapped = "ALTER TABLE \"Site\" ALTER COLUMN \"m\" TYPE text USING CASE \"m\" WHEN 'sad' THEN 'glad' ELSE \"m\"::text END;\n";
    project.add_migration(NEXT, mapped);
    // the target knows the table that no migration made, so the review finds it before the rehearsal does
    project.run(["migrate", "deploy"]).exits(3).says("narrow-type(Site.m)");
    project.add_migration(NEXT, &format!("-- prisma-safe:allow narrow-type(Site.m): mapped on purpose\n{mapped}"));
    project.run(["migrate", "deploy"]).succeeds().says("holds other values in 1 row");
}

/// The copy's sessions have the time zone of production's: an hour that the change of clocks skips does not come back.
#[test]
fn a_time_that_a_zone_skips_is_a_changed_value() {
    let project = songs();
    let database = project.database();
    database.execute(&format!(
        "ALTER DATABASE \"{}\" SET timezone = 'America/New_York';
         CREATE TABLE \"Ride\" (id INT PRIMARY KEY, seen TIMESTAMP(3));
         INSERT INTO \"Ride\" VALUES (1, '2024-03-10 02:30:00'), (2, '2024-03-10 05:30:00')",
        database.name()
    ));
    project.run(["backup"]).succeeds();
    project.add_migration(NEXT, "ALTER TABLE \"Ride\" ALTER COLUMN \"seen\" TYPE TIMESTAMPTZ(3);\n");
    project.run(["rehearse"]).says("seen holds other values in 1 row").says_nothing_of("every value kept");
    database.execute("DELETE FROM \"Ride\" WHERE id = 1");
    project.run(["backup"]).succeeds();
    project.run(["rehearse"]).succeeds().says("every value kept");
}

/// A view that is dropped and created again has lost the rights on it, unless they are given again.
#[test]
fn a_view_that_is_created_again_keeps_its_rights_or_is_refused() {
    let project = songs();
    project.database().execute("CREATE VIEW v_song AS SELECT id FROM \"Song\"; GRANT SELECT ON v_song TO PUBLIC");
    let again = "DROP VIEW v_song;\nCREATE VIEW v_song AS SELECT id, artist FROM \"Song\";\n";
    project.add_migration(NEXT, again);
    project.run(["migrate", "deploy"]).exits(3).says("privileges on v_song are gone: SELECT to PUBLIC");
    project.add_migration(NEXT, &format!("{again}GRANT SELECT ON v_song TO PUBLIC;\n"));
    project.run(["migrate", "deploy"]).succeeds();
}

/// A view that falls with its table is named by an accepted finding; the one built on it by none.
#[test]
fn what_a_cascade_takes_is_accepted_by_name() {
    let project = songs();
    project.database().execute(
        "CREATE VIEW v_song AS SELECT id FROM \"Song\"; CREATE VIEW v_top AS SELECT id FROM v_song WHERE id < 10",
    );
    let drop = "-- prisma-safe:allow drop-table(Song): unused\n-- prisma-safe:allow dependent-object(Song): unused\n\
                DROP TABLE \"Song\" CASCADE;\n";
    project.add_migration(NEXT, drop);
    let refusal = project.run(["migrate", "deploy"]).exits(3).says("rehearsed-loss(v_top)");
    let refusal = refusal.says_nothing_of("rehearsed-loss(v_song)");
    project.add_migration(NEXT, &accepting(&refusal, drop));
    project.run(["migrate", "deploy"]).succeeds();
}

/// The values are elsewhere by then; who reads them where they were misses them all the same, and no statement says so.
#[test]
fn what_code_drops_after_a_copy_is_refused() {
    let project = songs();
    let copied = "CREATE TABLE kept AS SELECT id, artist FROM \"Song\";\n";
    project.database().execute(
        "CREATE FUNCTION tidy() RETURNS void LANGUAGE plpgsql AS $$ BEGIN ALTER TABLE \"Song\" DROP COLUMN artist; END $$",
    );
    project.add_migration(NEXT, &format!("{copied}SELECT tidy();\n"));
    project.run(["migrate", "deploy"]).exits(3).says("rehearsed-loss(column Song.artist)");
    project.add_migration(
        NEXT,
        &format!(
            "{copied}-- prisma-safe:allow drop-column(Song.artist): in kept\nALTER TABLE \"Song\" DROP COLUMN artist;\n"
        ),
    );
    project.run(["migrate", "deploy"]).succeeds();
}

/// Renames, wider types, values in new or empty columns, and what is replaced by its like lose nothing.
#[test]
fn what_loses_nothing_is_not_refused() {
    let project = songs();
    project.add_migration(
        "20250101500000_more",
        "CREATE TYPE \"Role\" AS ENUM ('USER', 'ADMIN');\n\
         CREATE TABLE \"User\" (\"id\" TEXT NOT NULL, \"role\" \"Role\" NOT NULL DEFAULT 'USER', \"nick\" TEXT, CONSTRAINT \"User_pkey\" PRIMARY KEY (\"id\"));\n\
         CREATE TABLE \"_SongToUser\" (\"A\" INTEGER NOT NULL, \"B\" TEXT NOT NULL);\n\
         CREATE UNIQUE INDEX \"_SongToUser_AB_unique\" ON \"_SongToUser\"(\"A\", \"B\");\n\
         CREATE TABLE \"Log\" (\"line\" TEXT);\n\
         CREATE VIEW v_song AS SELECT id FROM \"Song\";\n",
    );
    let project = project.applied();
    project.database().execute(
        "INSERT INTO \"User\" (id) SELECT 'u' || g FROM generate_series(1, 50) g;
         INSERT INTO \"_SongToUser\" SELECT g, 'u' || g FROM generate_series(1, 50) g;
         INSERT INTO \"Log\" SELECT 'line ' || g FROM generate_series(1, 50) g;
         GRANT SELECT ON v_song TO PUBLIC",
    );
    project.add_migration(
        NEXT,
        "ALTER TABLE \"Song\" RENAME COLUMN \"artist\" TO \"singer\";\n\
         ALTER TABLE \"User\" RENAME TO \"Person\";\n\
         ALTER TABLE \"_SongToUser\" RENAME TO \"_PersonToSong\";\n\
         ALTER INDEX \"_SongToUser_AB_unique\" RENAME TO \"_PersonToSong_AB_unique\";\n\
         DROP VIEW v_song;\n\
         ALTER TABLE \"Song\" ALTER COLUMN \"plays\" TYPE BIGINT, ALTER COLUMN \"plays\" SET DEFAULT 1;\n\
         CREATE VIEW v_song AS SELECT id FROM \"Song\";\nGRANT SELECT ON v_song TO PUBLIC;\n\
         UPDATE \"Person\" SET \"nick\" = 'n' || \"id\" WHERE \"nick\" IS NULL;\n\
         UPDATE \"Song\" SET \"plays\" = 0 WHERE \"id\" < 10;\n\
         ALTER TABLE \"Song\" ADD COLUMN \"label\" TEXT;\nUPDATE \"Song\" SET \"label\" = \"singer\";\n\
         INSERT INTO \"Person\" (\"id\") VALUES ('u1'), ('new') ON CONFLICT DO NOTHING;\n\
         INSERT INTO \"Log\" VALUES ('another');\n\
         CREATE TYPE \"Role_new\" AS ENUM ('USER', 'ADMIN', 'GUEST');\n\
         ALTER TABLE \"Person\" ALTER COLUMN \"role\" DROP DEFAULT;\n\
         ALTER TABLE \"Person\" ALTER COLUMN \"role\" TYPE \"Role_new\" USING (\"role\"::text::\"Role_new\");\n\
         ALTER TYPE \"Role\" RENAME TO \"Role_old\";\nALTER TYPE \"Role_new\" RENAME TO \"Role\";\nDROP TYPE \"Role_old\";\n\
         ALTER TABLE \"Person\" ALTER COLUMN \"role\" SET DEFAULT 'USER';\n",
    );
    project.run(["migrate", "deploy"]).succeeds();
}
