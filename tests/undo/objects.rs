//! Views, functions, triggers, policies and rights that a migration made, replaced or dropped.

use super::story::Story;

const INIT: &str = "CREATE TABLE tram (id INT PRIMARY KEY, status VARCHAR(20), n INT, line TEXT);
CREATE TYPE mood AS ENUM ('calm');
CREATE TABLE depot (id INT PRIMARY KEY, mood mood);
INSERT INTO tram SELECT g, 'open', g, 'line ' || g FROM generate_series(1, 50) g;";

/// Applies a migration and takes it back: everything that `pg_dump` prints is as before, rows and rights included.
#[track_caller]
fn there_and_back(by_hand: &str, sql: &str) -> Vec<String> {
    let mut story = Story::new(INIT);
    let role = format!("driver_{}", story.database.name());
    story.database.execute(&format!("CREATE ROLE {role}"));
    story.database.execute(&by_hand.replace("driver", &role));
    let before = contents(&story);
    story.apply("2_change", sql).unwrap();
    let done = story.back(&[]).unwrap();
    let after = contents(&story);
    story.database.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
    let lacks = |some: &[String], other: &[String]| {
        some.iter().filter(|line| !other.contains(line)).cloned().collect::<Vec<_>>()
    };
    assert_eq!((lacks(&before, &after), lacks(&after, &before)), (vec![], vec![]), "{done:?}");
    assert_eq!(done.lost, [""; 0]);
    done.recreated
}

/// Sorted: the order in which rights were given and columns added says nothing.
fn contents(story: &Story) -> Vec<String> {
    story.database.execute("DROP SCHEMA IF EXISTS _prisma_safe CASCADE");
    let text = story.database.contents();
    let own = |line: &&str| !line.starts_with("--");
    let mut lines: Vec<String> = text.lines().filter(own).map(|line| line.trim_end_matches(',').to_owned()).collect();
    lines.sort();
    lines
}

#[test]
fn what_was_new_goes() {
    let sql = "CREATE OR REPLACE FUNCTION set_n() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.n := 1; RETURN NEW; END $$;
        CREATE TRIGGER set_n BEFORE INSERT ON tram FOR EACH ROW EXECUTE FUNCTION set_n();
        CREATE FUNCTION twice(i INT) RETURNS INT LANGUAGE sql IMMUTABLE AS 'SELECT i * 2';
        ALTER TABLE tram ADD COLUMN double INT DEFAULT twice(2);
        CREATE OR REPLACE VIEW doubles AS SELECT id, double FROM tram;
        CREATE POLICY own ON tram FOR SELECT USING (n > 0);
        CREATE DOMAIN plate AS TEXT CHECK (VALUE <> '');
        COMMENT ON TABLE tram IS 'all of them';
        GRANT SELECT ON tram TO PUBLIC;";
    assert_eq!(there_and_back("", sql), [""; 0]);
}

#[test]
fn what_was_replaced_comes_back() {
    let by_hand = "CREATE FUNCTION fare(i INT) RETURNS INT LANGUAGE sql IMMUTABLE AS 'SELECT i';
        REVOKE EXECUTE ON FUNCTION fare(INT) FROM PUBLIC; GRANT EXECUTE ON FUNCTION fare(INT) TO driver;
        ALTER TABLE tram ADD COLUMN price INT DEFAULT fare(3);
        CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER logging BEFORE INSERT ON tram FOR EACH ROW EXECUTE FUNCTION log();
        CREATE VIEW v_trams WITH (security_barrier = true) AS SELECT id, line, n FROM tram;
        CREATE VIEW v_lines AS SELECT line FROM v_trams;
        GRANT SELECT ON v_trams, v_lines TO driver; GRANT SELECT (id) ON v_trams TO PUBLIC;
        COMMENT ON VIEW v_trams IS 'of old';
        CREATE POLICY own ON tram FOR SELECT USING (n > 0);
        CREATE RULE quiet AS ON DELETE TO tram DO INSTEAD NOTHING;";
    let sql = "CREATE OR REPLACE FUNCTION fare(i INT) RETURNS INT LANGUAGE sql IMMUTABLE AS 'SELECT i + 1';
        GRANT EXECUTE ON FUNCTION fare(INT) TO PUBLIC;
        CREATE OR REPLACE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.n := 0; RETURN NEW; END';
        DROP TRIGGER logging ON tram;
        CREATE TRIGGER logging AFTER INSERT ON tram FOR EACH STATEMENT EXECUTE FUNCTION log();
        CREATE OR REPLACE VIEW v_trams AS SELECT id, line, n, n + 1 AS next FROM tram;
        COMMENT ON VIEW v_trams IS 'of late';
        ALTER POLICY own ON tram USING (n > 5);
        DROP RULE quiet ON tram;";
    let made = there_and_back(by_hand, sql);
    for what in [
        "function public.fare(i integer)",
        "trigger public.tram.logging",
        "view public.v_trams",
        "rule public.tram.quiet",
    ] {
        assert!(made.iter().any(|own| own == what), "{what}: {made:?}");
    }
}

#[test]
fn a_view_dropped_and_made_anew_comes_back_with_its_rights_and_all_that_fell_with_it() {
    let by_hand = "CREATE VIEW v_trams AS SELECT id, line, status FROM tram;
        CREATE VIEW v_open AS SELECT id FROM v_trams WHERE status = 'open';
        CREATE MATERIALIZED VIEW m_trams AS SELECT status, count(*) AS trams FROM v_trams GROUP BY status;
        CREATE UNIQUE INDEX m_trams_status ON m_trams (status);
        GRANT SELECT ON v_trams TO driver WITH GRANT OPTION; GRANT SELECT ON v_open, m_trams TO driver;
        ALTER VIEW v_open OWNER TO driver;
        COMMENT ON MATERIALIZED VIEW m_trams IS 'by status'; COMMENT ON INDEX m_trams_status IS 'once each';";
    let sql = "DROP VIEW IF EXISTS v_trams CASCADE;
        ALTER TABLE tram ALTER COLUMN status SET DATA TYPE TEXT;
        CREATE VIEW v_trams AS SELECT id, line, status FROM tram;";
    there_and_back(by_hand, sql);
}

#[test]
fn rights_on_what_was_dropped_come_back() {
    let by_hand =
        "GRANT SELECT ON tram TO driver; GRANT UPDATE (line), SELECT (line) ON tram TO driver WITH GRANT OPTION;
        REVOKE USAGE ON TYPE mood FROM PUBLIC; GRANT USAGE ON TYPE mood TO driver;
        ALTER TABLE depot OWNER TO driver; GRANT ALL ON depot TO PUBLIC;
        GRANT SELECT (id) ON depot TO PUBLIC;";
    there_and_back(by_hand, "ALTER TABLE tram DROP COLUMN line; DROP TABLE depot; REVOKE SELECT ON tram FROM PUBLIC;");
}

/// What somebody has changed since the deploy is not overwritten.
#[test]
fn what_was_changed_since_stays() {
    let mut story = Story::new(INIT);
    story.database.execute("CREATE FUNCTION fare() RETURNS INT LANGUAGE sql AS 'SELECT 1'");
    story.apply("2_change", "CREATE OR REPLACE FUNCTION fare() RETURNS INT LANGUAGE sql AS 'SELECT 2'; CREATE VIEW v AS SELECT 1 AS one;").unwrap();
    story.database.execute("CREATE OR REPLACE FUNCTION fare() RETURNS INT LANGUAGE sql AS 'SELECT 3'; CREATE VIEW w AS SELECT fare() FROM v");
    let error = story.back(&[]).unwrap_err();
    assert!(format!("{error:?}").contains("view public.w, made since the migration, would be lost"), "{error:?}");
    story.database.execute("DROP VIEW w");
    let error = story.back(&[]).unwrap_err();
    assert!(error.causes().join("").contains("SELECT 3"), "{error:?}");
    assert_eq!(story.count("fare() AS f WHERE f = 3"), 1);
}

/// A view that reads a column of the changed type, made since, is made again over it.
#[test]
fn a_view_made_since_stands_not_in_the_way() {
    let mut story = Story::new(INIT);
    story.apply("2_change", "ALTER TABLE tram ALTER COLUMN status SET DATA TYPE TEXT;").unwrap();
    story.database.execute("CREATE VIEW since AS SELECT status FROM tram");
    story.back(&[]).unwrap();
    assert_eq!(story.count("since"), 50);
}
