//! Types that change by an expression: every old value comes back, whatever the expression made of it.

use prisma_safe::undo::{Fill, RolledBack};

use super::story::Story;

const INIT: &str = "CREATE TYPE phase AS ENUM ('open', 'resting', 'shut');
CREATE TYPE other AS ENUM ('x', 'y');
CREATE TABLE tram (
  line INT NOT NULL, wagon INT NOT NULL, n INT NOT NULL DEFAULT 7, k TEXT[], ph phase NOT NULL, note VARCHAR(40), doc JSONB,
  seen TIMESTAMP(3), at TIMESTAMPTZ(3), PRIMARY KEY (line, wagon));
CREATE UNIQUE INDEX tram_n ON tram (n);
INSERT INTO tram SELECT g / 10, g % 10, g, ARRAY['a,b', g::text], (ARRAY['open', 'resting', 'shut'])[1 + g % 3]::phase,
  CASE WHEN g % 7 > 0 THEN 'note ' || g END, jsonb_build_object('g', g),
  timestamp '2024-03-10 02:30:00' + g * interval '1 hour', timestamptz '2024-11-03 05:30:00+00' + g * interval '30 minutes'
FROM generate_series(1, 100) g;";

const ROWS: &str =
    "SELECT md5(string_agg(t::text, E'\\n' ORDER BY line, wagon)) FROM (SELECT line, wagon, n, k, ph, note, doc, seen,
  at AT TIME ZONE 'UTC' FROM tram) AS t";

/// There and back, and everything is as before: rows and definitions.
#[track_caller]
fn there_and_back(sql: &str) -> RolledBack {
    let mut story = Story::new(INIT);
    let before = (story.database.value(ROWS), catalog(&story));
    story.apply("2_change", sql).unwrap();
    let done = story.back(&[]).unwrap();
    assert_eq!((story.database.value(ROWS), catalog(&story)), before, "{done:?}");
    done
}

fn catalog(story: &Story) -> String {
    story.database.execute("DROP SCHEMA IF EXISTS _prisma_safe CASCADE");
    story.database.catalog()
}

#[test]
fn values_that_no_cast_gives_back() {
    for sql in [
        "ALTER TABLE tram ALTER COLUMN n DROP DEFAULT, ALTER COLUMN n TYPE TEXT USING 'n' || n;",
        "ALTER TABLE tram ALTER COLUMN k TYPE TEXT USING array_to_string(k, ',');",
        "ALTER TABLE tram ALTER COLUMN ph TYPE other USING (CASE ph::text WHEN 'open' THEN 'x' ELSE 'y' END)::other;",
        "ALTER TABLE tram ALTER COLUMN ph TYPE INT USING (CASE ph WHEN 'open' THEN 1 ELSE 2 END);",
        "ALTER TABLE tram ALTER COLUMN note TYPE VARCHAR(3) USING left(note, 3);",
        "ALTER TABLE tram ALTER COLUMN note TYPE INT USING coalesce(length(note), -1);",
        "ALTER TABLE tram ALTER COLUMN doc TYPE TEXT USING 'doc ' || (doc ->> 'g'), ALTER COLUMN note TYPE TEXT USING upper(note);",
        // another value each time: what it is kept with is what the statement made
        "ALTER TABLE tram ALTER COLUMN note TYPE UUID USING gen_random_uuid(), ALTER COLUMN k TYPE TEXT USING random()::text;",
    ] {
        let done = there_and_back(sql);
        let verified: u64 = done.put_back.iter().map(|each| each.verified).sum();
        assert!(verified > 0, "{sql}: {done:?}");
    }
}

/// The function runs once for a row, in the statement.
#[test]
fn an_expression_that_writes_runs_once() {
    let mut story = Story::new(
        "CREATE TABLE log (n INT); CREATE TABLE tram (id INT PRIMARY KEY, v TEXT); INSERT INTO tram VALUES (1, 'a'), (2, 'b');
         CREATE FUNCTION noted(v TEXT) RETURNS TEXT LANGUAGE sql AS $$ INSERT INTO log VALUES (1); SELECT 'x' $$;",
    );
    story.apply("2_change", "ALTER TABLE tram ALTER COLUMN v TYPE VARCHAR(9) USING noted(v);").unwrap();
    assert_eq!(story.database.count("log"), 2);
    story.back(&[]).unwrap();
    assert_eq!(story.database.value("SELECT string_agg(v, ',' ORDER BY id) FROM tram"), "a,b");
}

/// A deploy keeps the table that the statement drops, and no other of that name.
#[test]
fn a_table_of_the_same_name_stays_where_it_is() {
    for sql in ["SELECT elsewhere(); DROP TABLE kiln;", "SET search_path TO side; DROP TABLE kiln;"] {
        let mut story = Story::new(
            "CREATE TABLE kiln (id INT PRIMARY KEY, v TEXT); INSERT INTO kiln VALUES (1, 'a'), (2, 'b');
             CREATE SCHEMA side; CREATE TABLE side.kiln (id INT PRIMARY KEY);
             CREATE FUNCTION elsewhere() RETURNS void LANGUAGE sql AS $$ SELECT set_config('search_path', 'side', true) $$;",
        );
        story.apply("2_change", sql).unwrap();
        assert_eq!(story.database.value("SELECT string_agg(v, ',' ORDER BY id) FROM kiln"), "a,b", "{sql}");
        assert_eq!(story.database.value("SELECT coalesce(to_regclass('side.kiln')::text, 'gone')"), "gone", "{sql}");
    }
}

/// A deploy keeps what a statement takes of the table that `search_path` leads it to, and a rollback puts it back there.
#[test]
fn what_search_path_leads_to_comes_back() {
    for sql in ["DROP TABLE kiln", "ALTER TABLE kiln DROP COLUMN v", "UPDATE kiln SET v = 'x'", "DELETE FROM kiln"] {
        let mut story = Story::new(
            "CREATE TABLE kiln (id INT PRIMARY KEY, v TEXT); INSERT INTO kiln VALUES (1, 'a'), (2, 'b');
             CREATE SCHEMA side; CREATE TABLE side.kiln (id INT PRIMARY KEY, v TEXT); INSERT INTO side.kiln VALUES (1, 'c');",
        );
        story.apply("2_change", &format!("SET search_path TO side, public; {sql};")).unwrap();
        story.back(&[]).unwrap();
        let value = |sql: &str| story.database.value(sql);
        assert_eq!(value("SELECT string_agg(v, ',' ORDER BY id) FROM kiln"), "a,b", "{sql}");
        assert_eq!(value("SELECT string_agg(v, ',') FROM side.kiln"), "c", "{sql}");
    }
}

/// A migration on what was `made` is applied and rolled back: what `state` asks for is as before.
#[track_caller]
fn as_before(made: &str, sql: &str, state: &str) {
    let mut story = Story::new(made);
    let before = story.database.value(state);
    story.apply("2_change", sql).unwrap();
    let done = story.back(&[]).unwrap_or_else(|error| panic!("{made} {sql}: {error:?}"));
    assert_eq!(story.database.value(state), before, "{made} {sql}: {done:?}");
}

/// The next insert after a rollback gets a number that is free.
#[test]
fn an_identity_counts_on() {
    let mut story = Story::new(
        "CREATE TABLE tram (id INT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v TEXT); INSERT INTO tram (v) VALUES ('a'), ('b');",
    );
    story.apply("2_change", "ALTER TABLE tram ALTER COLUMN id DROP IDENTITY;").unwrap();
    story.back(&[]).unwrap();
    story.database.execute("INSERT INTO tram (v) VALUES ('c')");
    assert_eq!(story.database.value("SELECT max(id) FROM tram"), "3");
}

/// What the catalog of migrations does not tell of a constraint or a column, the definitions before it do.
#[test]
fn a_constraint_is_checked_when_it_was_and_a_column_compares_as_it_did() {
    // a column that comes back is the last one
    const STATE: &str = "SELECT string_agg(part, E'\\n' ORDER BY part COLLATE \"C\") FROM (
        SELECT pg_get_constraintdef(oid) AS part FROM pg_constraint WHERE conrelid = 'stop'::regclass
        UNION ALL SELECT format('%s %s', attname, attcollation::regcollation) FROM pg_attribute
          WHERE attrelid = 'stop'::regclass AND attnum > 0 AND NOT attisdropped
        UNION ALL SELECT format('%s %s %s %s', id, code COLLATE \"C\", name COLLATE \"C\", tram) FROM stop) AS all_of_it";
    let made = "CREATE TABLE tram (id INT PRIMARY KEY);
        CREATE TABLE stop (id INT PRIMARY KEY, code TEXT COLLATE \"C\" NOT NULL, name TEXT COLLATE \"POSIX\", tram INT,
          CONSTRAINT stop_tram FOREIGN KEY (tram) REFERENCES tram (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
          CONSTRAINT one_code UNIQUE (code) DEFERRABLE);
        INSERT INTO stop SELECT g, 'c' || g, 'n' FROM generate_series(1, 20) g;";
    for sql in [
        "ALTER TABLE stop DROP CONSTRAINT stop_tram, DROP CONSTRAINT one_code;",
        "ALTER TABLE stop DROP COLUMN code, DROP COLUMN tram; ALTER TABLE stop ALTER COLUMN name TYPE VARCHAR(3);",
        "DROP TABLE stop;",
    ] {
        as_before(made, sql, STATE);
    }
}

/// The next row meets no number that is taken.
#[test]
fn a_column_that_is_numbered_again_counts_on() {
    for sql in [
        "ALTER TABLE tram ALTER COLUMN id DROP DEFAULT; DROP SEQUENCE tram_id_seq;",
        "ALTER TABLE tram ALTER COLUMN id DROP DEFAULT; DROP SEQUENCE tram_id_seq;
         ALTER TABLE tram ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY;",
    ] {
        let mut story =
            Story::new("CREATE TABLE tram (id SERIAL PRIMARY KEY, v TEXT); INSERT INTO tram (v) VALUES ('a'), ('b');");
        story.apply("2_change", sql).unwrap();
        story.back(&[]).unwrap();
        story.database.execute("INSERT INTO tram (v) VALUES ('c')");
        assert_eq!(story.database.value("SELECT max(id) FROM tram"), "3", "{sql}");
    }
}

/// How a column's values are stored, and what the planner counts of them; also of one that was dropped.
#[test]
fn a_column_is_stored_as_it_was() {
    const STATE: &str = "SELECT string_agg(concat_ws(' ', attname, atttypid::regtype, attstorage, attcompression, attstattarget, attoptions), E'\\n' ORDER BY attname)
        FROM pg_attribute WHERE attrelid = 'tram'::regclass AND attnum > 0 AND NOT attisdropped";
    let made = "CREATE TABLE tram (id INT PRIMARY KEY, a TEXT, b TEXT, c \"char\");
        ALTER TABLE tram ALTER COLUMN a SET STORAGE EXTERNAL, ALTER COLUMN a SET STATISTICS 500, ALTER COLUMN a SET (n_distinct = -0.5),
          ALTER COLUMN a SET COMPRESSION pglz;
        INSERT INTO tram SELECT g, 'a' || g, 'b', 'c' FROM generate_series(1, 9) g;";
    for sql in [
        "ALTER TABLE tram DROP COLUMN a;",
        "ALTER TABLE tram ALTER COLUMN c TYPE TEXT;", "ALTER TABLE tram DROP COLUMN c;",
        "DROP TABLE tram;",
        "ALTER TABLE tram ALTER COLUMN a TYPE INT USING 7;",
        "ALTER TABLE tram ALTER COLUMN a SET STORAGE EXTENDED, ALTER COLUMN a SET STATISTICS -1, ALTER COLUMN a RESET (n_distinct);
         ALTER TABLE tram ALTER COLUMN a SET COMPRESSION default;",
        "ALTER TABLE tram ALTER COLUMN b SET STORAGE MAIN, ALTER COLUMN b SET STATISTICS 7, ALTER COLUMN b SET (n_distinct = 3);",
    ] {
        as_before(made, sql, STATE);
    }
}

/// Prisma's own step from `Int` to `BigInt`, with its sequence or without, and what people write in its place.
#[test]
fn a_number_that_has_grown_is_small_again() {
    const STATE: &str = "SELECT concat_ws(' ', (SELECT string_agg(id::text, ',' ORDER BY id) FROM tram), pg_typeof((SELECT min(id) FROM tram)),
        s.data_type, s.max_value, s.last_value, pg_get_serial_sequence('tram', 'id'), a.attidentity) FROM pg_sequences s, pg_attribute a
        WHERE s.sequencename = 'tram_id_seq' AND a.attrelid = 'tram'::regclass AND a.attname = 'id'";
    let grown = "ALTER TABLE tram DROP CONSTRAINT tram_pkey, ALTER COLUMN id SET DATA TYPE BIGINT, ADD CONSTRAINT tram_pkey PRIMARY KEY (id);";
    for made in ["SERIAL", "INT GENERATED BY DEFAULT AS IDENTITY", "INT GENERATED ALWAYS AS IDENTITY (INCREMENT BY 5)"]
    {
        for and in [
            "",
            "ALTER SEQUENCE tram_id_seq AS BIGINT;",
            "ALTER SEQUENCE tram_id_seq AS BIGINT NO MAXVALUE;",
            "ALTER SEQUENCE tram_id_seq MAXVALUE 5000 CYCLE;",
        ] {
            let made =
                format!("CREATE TABLE tram (id {made} PRIMARY KEY, v TEXT); INSERT INTO tram (v) VALUES ('a'), ('b');");
            as_before(&made, &format!("{grown} {and}"), STATE);
        }
    }
}

/// What is set on what goes along: comments, defaults of views, targets of statistics, options of the toast table.
#[test]
fn what_is_set_on_an_object_comes_back_with_it() {
    const STATE: &str = "SELECT concat_ws(E'\\n',
        (SELECT string_agg(pg_describe_object(classoid, objoid, objsubid) || ': ' || description, E'\\n' ORDER BY description) FROM pg_description
         WHERE description LIKE 'said %'),
        (SELECT string_agg(c.relname || ' ' || a.attname || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '') || ' ' || a.attstattarget, E'\\n'
           ORDER BY c.relname, a.attname) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
         LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
         WHERE c.relname IN ('fare', 'fare_expr') AND a.attnum > 0 AND NOT a.attisdropped),
        (SELECT stxstattarget FROM pg_statistic_ext),
        (SELECT t.reloptions::text FROM pg_class c JOIN pg_class t ON t.oid = c.reltoastrelid WHERE c.relname = 'tram'),
        (SELECT c.relreplident FROM pg_class c WHERE c.relname = 'tram'),
        (SELECT string_agg(indexrelid::regclass::text, ' ') FROM pg_index WHERE indisreplident))";
    let made = "CREATE TABLE tram (id SERIAL PRIMARY KEY, line INT NOT NULL, name TEXT, CONSTRAINT one_line UNIQUE (line));
        ALTER TABLE tram SET (toast.autovacuum_enabled = off), REPLICA IDENTITY USING INDEX one_line;
        CREATE INDEX fare_expr ON tram ((line + 1)); ALTER INDEX fare_expr ALTER COLUMN 1 SET STATISTICS 99;
        CREATE VIEW fare AS SELECT id, name, line AS big FROM tram; ALTER VIEW fare ALTER COLUMN big SET DEFAULT 7;
        CREATE STATISTICS fare_stat ON line, name FROM tram; ALTER STATISTICS fare_stat SET STATISTICS 55;
        CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER tg BEFORE UPDATE ON tram FOR EACH ROW EXECUTE FUNCTION tf(); CREATE POLICY pol ON tram USING (line > 0);
        CREATE RULE ru AS ON DELETE TO tram WHERE OLD.line < 0 DO INSTEAD NOTHING;
        COMMENT ON SEQUENCE tram_id_seq IS 'said 1'; COMMENT ON COLUMN fare.big IS 'said 2'; COMMENT ON TRIGGER tg ON tram IS 'said 3';
        COMMENT ON POLICY pol ON tram IS 'said 4'; COMMENT ON STATISTICS fare_stat IS 'said 5'; COMMENT ON RULE ru ON tram IS 'said 6';
        INSERT INTO tram (line, name) SELECT g, 'n' FROM generate_series(1, 9) g;";
    for sql in [
        "DROP TABLE tram CASCADE;",
        "DROP VIEW fare;",
        "ALTER TABLE tram DROP COLUMN name CASCADE;",
        "ALTER VIEW fare ALTER COLUMN big DROP DEFAULT; COMMENT ON COLUMN fare.big IS NULL; COMMENT ON COLUMN fare.id IS 'said 7';
         ALTER VIEW fare ALTER COLUMN id SET DEFAULT 3; ALTER STATISTICS fare_stat SET STATISTICS -1; COMMENT ON TRIGGER tg ON tram IS NULL;
         ALTER INDEX fare_expr ALTER COLUMN 1 SET STATISTICS -1; ALTER TABLE tram RESET (toast.autovacuum_enabled);",
    ] {
        as_before(made, sql, STATE);
    }
}

/// What refers to a key that changes stays with it: the rest of the migration is taken back.
#[test]
fn what_follows_a_changed_key_stays_with_it() {
    let mut story = Story::new(
        "CREATE TABLE tram (id INT PRIMARY KEY, v TEXT); CREATE TABLE seat (id INT PRIMARY KEY, tram INT REFERENCES tram ON UPDATE CASCADE);
         CREATE TABLE wheel (tram INT PRIMARY KEY REFERENCES tram ON UPDATE CASCADE, w TEXT);
         INSERT INTO tram SELECT g, 'v' FROM generate_series(1, 9) g; INSERT INTO seat SELECT g, g FROM generate_series(1, 9) g;
         INSERT INTO wheel SELECT g, 'w' FROM generate_series(1, 9) g;",
    );
    story.apply("2_change", "UPDATE tram SET id = id + 100 WHERE id > 5; ALTER TABLE tram DROP COLUMN v;").unwrap();
    story.back(&[]).unwrap();
    assert_eq!(story.database.value("SELECT concat_ws(' ', count(*), count(v), sum(s.tram), sum(w.tram)) FROM tram t JOIN seat s ON s.tram = t.id JOIN wheel w ON w.tram = t.id"), "9 9 445 445");
}

/// Also the numbers of rows that are gone: somebody may know them.
#[test]
fn no_number_is_given_out_twice() {
    const NEXT: &str = "INSERT INTO tram (v) VALUES ('new') RETURNING id";
    for (id, sql) in [
        ("INT GENERATED BY DEFAULT AS IDENTITY", "ALTER TABLE tram ALTER COLUMN id DROP IDENTITY;"),
        (
            "INT GENERATED BY DEFAULT AS IDENTITY (INCREMENT BY -5 MAXVALUE 90)",
            "ALTER TABLE tram ALTER COLUMN id DROP IDENTITY;",
        ),
        ("SERIAL", "ALTER TABLE tram ALTER COLUMN id DROP DEFAULT; DROP SEQUENCE tram_id_seq;"),
        ("SERIAL", "DROP TABLE tram;"),
        ("INT GENERATED ALWAYS AS IDENTITY", "DROP TABLE tram;"),
        ("SERIAL", "ALTER SEQUENCE tram_id_seq RESTART;"),
        ("SERIAL", "-- set\nDROP TABLE tram;"),
        ("SERIAL", "SELECT setval('tram_id_seq', 5000);"),
        ("SERIAL", "ALTER TABLE tram RENAME TO wagon; ALTER SEQUENCE tram_id_seq RENAME TO wagon_id_seq;"),
    ] {
        let mut story = Story::new(&format!(
            "CREATE TABLE tram (id {id} PRIMARY KEY, v TEXT); INSERT INTO tram (v) SELECT 'a' FROM generate_series(1, 9);
             DELETE FROM tram WHERE abs(id) > 5;"
        ));
        if sql.starts_with("-- set") {
            story.database.execute("SELECT setval('tram_id_seq', 500, false)");
        }
        let last: i64 = story.database.value("SELECT last_value FROM tram_id_seq").parse().unwrap();
        story.apply("2_change", sql).unwrap();
        let done = story.back(&[]).unwrap_or_else(|error| panic!("{id} {sql}: {error:?}"));
        let next: i64 = story.database.value(NEXT).parse().unwrap();
        let fresh =
            if id.contains("-5") { next < last } else { next > last || sql.starts_with("-- set") && next == last };
        assert!(fresh, "{id} {sql}: {next} after {last}: {done:?}");
    }
}

/// A sequence counts as it did, an identity's too: `LIKE` makes one a bigint.
#[test]
fn a_sequence_counts_as_it_did() {
    let made =
        "CREATE TABLE cab (id INT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY); ALTER SEQUENCE cab_id_seq AS BIGINT MAXVALUE 2147483647;
        CREATE SEQUENCE ticket AS INT MINVALUE 10 START WITH 20 CACHE 5;";
    for sql in [
        "DROP TABLE cab;",
        "ALTER SEQUENCE ticket AS SMALLINT INCREMENT BY 7 MINVALUE 1 MAXVALUE 900 START WITH 3 CYCLE;",
    ] {
        let mut story = Story::new(made);
        let before = catalog(&story);
        story.apply("2_change", sql).unwrap();
        let done = story.back(&[]).unwrap();
        assert_eq!(catalog(&story), before, "{sql}: {done:?}");
    }
}

#[test]
fn enum_values_that_were_merged_come_back() {
    there_and_back(
        "CREATE TYPE phase_new AS ENUM ('open', 'shut');
         ALTER TABLE tram ALTER COLUMN ph TYPE phase_new
           USING (CASE ph::text WHEN 'resting' THEN 'shut'::phase_new ELSE ph::text::phase_new END);
         DROP TYPE phase; ALTER TYPE phase_new RENAME TO phase;",
    );
    there_and_back(
        "ALTER TABLE tram ALTER COLUMN ph TYPE TEXT USING CASE ph WHEN 'resting' THEN 'open' ELSE ph::text END;",
    );
}

/// Also the hour that a change of clocks skips or repeats, and whatever zone the session has meanwhile.
#[test]
fn times_come_back_through_any_zone() {
    for sql in [
        "ALTER TABLE tram ALTER COLUMN seen TYPE TIMESTAMPTZ(3) USING seen AT TIME ZONE 'Europe/Berlin';",
        "ALTER TABLE tram ALTER COLUMN seen TYPE TIMESTAMPTZ(3) USING seen AT TIME ZONE 'America/New_York';",
        "ALTER TABLE tram ALTER COLUMN at TYPE TIMESTAMP(3) USING at AT TIME ZONE 'UTC';",
        "ALTER TABLE tram ALTER COLUMN seen TYPE TIMESTAMPTZ(3);",
        "ALTER TABLE tram ALTER COLUMN at TYPE TIMESTAMP(3);",
        "ALTER TABLE tram ALTER COLUMN at TYPE DATE;",
    ] {
        let story = Story::new(INIT);
        let zone = |zone: &str| {
            let name = story.database.name().to_owned();
            story.database.execute(&format!("ALTER DATABASE \"{name}\" SET timezone = '{zone}'"));
        };
        zone("America/New_York");
        let before = story.database.value(ROWS);
        let mut story = story;
        story.apply("2_change", sql).unwrap();
        let name = story.database.name().to_owned();
        story.database.execute(&format!("ALTER DATABASE \"{name}\" SET timezone = 'Asia/Tokyo'"));
        // written since, in a zone without changes of clocks
        story.database.execute("INSERT INTO tram (line, wagon, n, ph, seen, at) VALUES (99, 1, 999, 'open', '2025-06-01 12:00:00', '2025-06-01 12:00:00')");
        story.back(&[]).unwrap();
        story.database.execute("DELETE FROM tram WHERE line = 99");
        assert_eq!(story.database.value(ROWS), before, "{sql}");
    }
}

/// What was written since is never overwritten: it is cast where that is possible, and named where it is not.
#[test]
fn what_was_written_since_is_cast_or_named() {
    let mut story = Story::new(INIT);
    story.apply("2_change", "ALTER TABLE tram ALTER COLUMN note TYPE TEXT USING note || '!', ALTER COLUMN n DROP DEFAULT, ALTER COLUMN n TYPE TEXT USING 'n' || n;").unwrap();
    story.database.execute(
        "UPDATE tram SET note = 'edited' WHERE n = 'n5'; DELETE FROM tram WHERE n = 'n6';
         INSERT INTO tram (line, wagon, n, ph, note) VALUES (99, 1, '500', 'open', 'since'), (99, 2, 'many', 'open', NULL)",
    );
    let error = story.back(&[]).unwrap_err();
    assert_eq!(error.exit(), prisma_safe::exit::Exit::Decision);
    assert!(error.help_text().unwrap().contains("--fill 'tram.n=VALUE'"), "{error:?}");
    let fill = Fill { table: "tram".into(), column: "n".into(), value: "-1".into() };
    let done = story.back(&[fill]).unwrap();
    assert_eq!(done.filled, [("tram.n".to_owned(), 1)]);
    let put_back = &done.put_back[0];
    assert_eq!((put_back.kept, put_back.restored, put_back.newer, put_back.deleted), (100, 98, 1, 1), "{put_back:?}");
    assert_eq!(
        story.database.value("SELECT string_agg(n::text || note, ' ') FROM tram WHERE note IN ('edited', 'since')"),
        "5edited 500since"
    );
    assert_eq!(story.count("tram WHERE n = -1"), 1);
    assert_eq!(story.count("tram WHERE note = 'note ' || n"), 84);
}

#[test]
fn a_key_finds_its_rows_by_its_new_value() {
    let mut story = Story::new(
        "CREATE TABLE stop (id INT PRIMARY KEY, name TEXT); INSERT INTO stop SELECT g, 's' || g FROM generate_series(1, 20) g; CREATE TABLE bare (v INT); INSERT INTO bare VALUES (1), (2), (2);",
    );
    story.apply("2_change", "ALTER TABLE stop ALTER COLUMN id TYPE TEXT USING 'k' || id;").unwrap();
    story.database.execute("DELETE FROM stop WHERE id = 'k3'");
    assert_eq!(story.back(&[]).unwrap().put_back[0].restored, 19);
    assert_eq!(story.count("stop WHERE name = 's' || id"), 19);
    // without a key, equal values cannot be told apart
    story.apply("2_change", "ALTER TABLE bare ALTER COLUMN v TYPE TEXT USING 'v' || (v % 2);").unwrap();
    let error = story.back(&[]).unwrap_err();
    assert!(error.to_string().contains("was not rolled back"), "{error:?}");
    assert_eq!(story.count("bare WHERE v LIKE 'v%'"), 3);
}

/// What changes the values that are put back is found out before the commit. Triggers do not get to see them.
#[test]
fn what_is_made_of_it_is_not_verified() {
    let mut story = Story::new(INIT);
    story.apply("2_change", "UPDATE tram SET note = 'none';").unwrap();
    story.database.execute(
        "CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := upper(NEW.note); RETURN NEW; END $$;
         CREATE TRIGGER shout BEFORE UPDATE ON tram FOR EACH ROW EXECUTE FUNCTION shout();
         CREATE RULE quiet AS ON UPDATE TO tram WHERE NEW.line = 1 DO INSTEAD NOTHING;
         ALTER TABLE tram ENABLE ALWAYS TRIGGER shout;",
    );
    let edited = format!("{}\nUPDATE tram SET note = 'edited' WHERE line > 2;\n", story.down().text);
    let edited = prisma_safe::undo::Down::parse(edited, None).unwrap();
    let error = story.back_by(&edited, &[]).unwrap_err();
    assert!(error.to_string().contains("differ from what was kept"), "{error:?}");
    assert_eq!(story.count("tram WHERE note = 'none'"), 100);
    story.back(&[]).unwrap();
    assert_eq!(story.count("tram WHERE note = 'none' OR note <> lower(note)"), 0);
    let state = "pg_trigger WHERE tgname = 'shout' AND tgenabled = 'A'";
    assert_eq!((story.count(state), story.count("pg_rewrite WHERE rulename = 'quiet' AND ev_enabled = 'O'")), (1, 1));
}
