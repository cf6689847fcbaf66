//! Tables that inherit from others: what happens to the one happens to the others, there and back.

use super::story::Story;

/// `moped` inherits from `car`, which has a column of its own and inherits from `vehicle`; `bus` inherits from `vehicle` as well and
/// has `seats` by itself.
const INIT: &str = "CREATE TABLE vehicle (id INT PRIMARY KEY, label VARCHAR(20) DEFAULT 'x', seats INT, CONSTRAINT some_seats CHECK (seats >= 0));
CREATE TABLE car (id INT PRIMARY KEY, doors INT NOT NULL) INHERITS (vehicle);
CREATE TABLE moped (noise TEXT, PRIMARY KEY (id)) INHERITS (car);
CREATE TABLE bus (seats INT, line TEXT, PRIMARY KEY (id)) INHERITS (vehicle);
ALTER TABLE ONLY car ALTER label SET DEFAULT 'c';
INSERT INTO vehicle VALUES (1, 'sled', 2), (2, 'raft', 4);
INSERT INTO car VALUES (1, 'van', 7, 5), (3, 'cab', 4, 4);
INSERT INTO moped VALUES (1, 'red', 1, 0, 'loud'), (5, NULL, NULL, 0, 'low');
INSERT INTO bus VALUES (1, 'long', 60, 'M1'), (6, 'long', 60, 'M1');";

/// Every row in its own table, and which columns each has from others alone.
const STATE: &str = "SELECT string_agg(part, E'\\n' ORDER BY part) FROM (
  SELECT 'vehicle ' || t::text AS part FROM (SELECT id, label, seats FROM ONLY vehicle) AS t
  UNION ALL SELECT 'car ' || t::text FROM (SELECT id, label, seats, doors FROM ONLY car) AS t
  UNION ALL SELECT 'moped ' || t::text FROM (SELECT id, label, seats, doors, noise FROM ONLY moped) AS t
  UNION ALL SELECT 'bus ' || t::text FROM (SELECT id, label, seats, line FROM ONLY bus) AS t
  UNION ALL SELECT format('%s.%s %s %s', attrelid::regclass, attname, attinhcount, attislocal) FROM pg_attribute
    WHERE attrelid IN ('vehicle'::regclass, 'car'::regclass, 'moped'::regclass, 'bus'::regclass) AND attnum > 0 AND NOT attisdropped
  UNION ALL SELECT format('%s in %s', inhrelid::regclass, inhparent::regclass) FROM pg_inherits) AS all_of_it";

/// The state after the migration, and with everything as before again.
#[track_caller]
fn there_and_back(sql: &str) -> String {
    let mut story = Story::new(INIT);
    let catalog = |story: &Story| {
        story.database.execute("DROP SCHEMA IF EXISTS _prisma_safe CASCADE");
        story.database.catalog()
    };
    let before = (story.database.value(STATE), catalog(&story));
    story.apply("2_change", sql).unwrap();
    let after = match sql.contains("DROP TABLE") {
        true => String::new(),
        false => story.database.value(&STATE.replace("SELECT id, label, seats", "SELECT id, label")),
    };
    let done = story.back(&[]).unwrap();
    let now = (story.database.value(STATE), catalog(&story));
    assert_eq!(now.0, before.0, "{sql}: {done:?}");
    assert_eq!(now.1, before.1, "{sql}: {done:?}");
    after
}

#[test]
fn rows_of_every_table_that_inherits_come_back_into_their_own() {
    let after = there_and_back("DELETE FROM vehicle WHERE vehicle.id = 1;");
    assert!(!after.contains("(1,") && after.contains("car (3,cab"), "{after}");
    let after = there_and_back("DELETE FROM ONLY vehicle;");
    assert!(!after.contains("vehicle (") && after.contains("moped (1,red"), "{after}");
    there_and_back("TRUNCATE vehicle;");
    there_and_back("TRUNCATE ONLY car;");
    let after = there_and_back("UPDATE vehicle SET label = 'none' WHERE id = 1;");
    assert!(
        after.contains("car (1,none") && after.contains("moped (1,none") && after.contains("car (3,cab"),
        "{after}"
    );
}

#[test]
fn columns_go_and_come_with_those_of_the_table_above() {
    let after = there_and_back("ALTER TABLE vehicle DROP COLUMN seats;");
    // what a table has by itself stays
    assert!(after.contains("bus.seats 0 t") && !after.contains("car.seats"), "{after}");
    there_and_back("ALTER TABLE vehicle ADD COLUMN weight INT NOT NULL DEFAULT 3;");
    there_and_back("ALTER TABLE vehicle ALTER COLUMN label TYPE VARCHAR(2) USING left(label, 2);");
    there_and_back("ALTER TABLE vehicle DROP CONSTRAINT some_seats, ALTER COLUMN label DROP DEFAULT;");
    there_and_back("ALTER TABLE vehicle ADD CONSTRAINT known CHECK (label <> 'unknown');");
    there_and_back(
        "ALTER TABLE vehicle RENAME COLUMN label TO name;\nALTER TABLE vehicle RENAME COLUMN name TO label;\nUPDATE car SET doors = 9;",
    );
}

#[test]
fn a_default_of_its_own_comes_back() {
    there_and_back("ALTER TABLE vehicle ALTER label SET DEFAULT 'z';");
    there_and_back("ALTER TABLE vehicle ALTER label DROP DEFAULT;");
}

#[test]
fn tables_that_cascade_takes_along_come_back() {
    there_and_back("DROP TABLE vehicle CASCADE;");
    there_and_back("DROP TABLE car CASCADE;");
    // CASCADE names again what is named
    there_and_back("DROP TABLE bus, moped, vehicle CASCADE;");
    there_and_back("DROP TABLE moped;");
}
