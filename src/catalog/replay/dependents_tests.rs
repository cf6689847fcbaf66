//! Names that PostgreSQL chooses and things that go along: each expectation here was read off PostgreSQL 15.

use crate::catalog::{Catalog, ObjectName};
use crate::sql::{ConstraintKind, Script};

fn replay(text: &str) -> Catalog {
    let script = Script::parse(text);
    assert_eq!(script.errors(), [], "{text}");
    Catalog::replay("public", [("m", &script)])
}

/// What a table has besides columns: constraints and indexes by name.
fn parts(catalog: &Catalog, table: &str) -> String {
    let (_, table) = catalog.tables.iter().find(|(name, _)| name.name == table).expect("there");
    table.constraints.keys().chain(table.indexes.keys()).cloned().collect::<Vec<_>>().join(" ")
}

fn columns(catalog: &Catalog, table: &str) -> String {
    let (_, table) = catalog.tables.iter().find(|(name, _)| name.name == table).expect("there");
    table.columns.keys().cloned().collect::<Vec<_>>().join(" ")
}

fn sequences(catalog: &Catalog) -> String {
    catalog.sequences.keys().map(|name| name.name.clone()).collect::<Vec<_>>().join(" ")
}

#[test]
fn names_of_constraints() {
    let catalog = replay(
        "CREATE TABLE t (id SERIAL PRIMARY KEY, a INT UNIQUE, b INT REFERENCES t, c INT CHECK (c > 0), d TEXT CHECK (length(d) > 1 AND c > 0),
            CHECK (c > a), UNIQUE (a, b), FOREIGN KEY (a) REFERENCES t(a), EXCLUDE USING btree (d WITH =));
        ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES t (a), ADD CHECK (a > 3), ADD CHECK (a > 4), ADD UNIQUE (d);",
    );
    let want = "t_a_b_key t_a_check t_a_check1 t_a_fkey t_a_fkey1 t_a_key t_b_fkey t_c_check t_check t_check1 t_d_excl t_d_key t_pkey";
    assert_eq!(parts(&catalog, "t"), want);
    let (_, table) = catalog.tables.iter().next().expect("there");
    assert!(
        matches!(&table.constraints["t_b_fkey"].kind, ConstraintKind::ForeignKey { referenced, .. } if referenced == &["id"])
    );
}

#[test]
fn names_of_indexes() {
    let catalog = replay(
        "CREATE TABLE t (a INT, b INT, d TEXT); CREATE INDEX ON t (a, b); CREATE INDEX ON t (a, b); CREATE INDEX ON t (lower(d), a);
        CREATE INDEX ON t ((a + b), (a * b)); CREATE INDEX IF NOT EXISTS x ON t (a); CREATE INDEX IF NOT EXISTS x ON t (b);",
    );
    assert_eq!(parts(&catalog, "t"), "t_a_b_idx t_a_b_idx1 t_expr_expr1_idx t_lower_a_idx x");
}

#[test]
fn names_of_sequences() {
    let long = "Long_table_name_that_goes_on_and_on_and_on_and_on_and_on_abc";
    let catalog = replay(&format!(
        "CREATE SEQUENCE t_id_seq; CREATE TABLE t (id SERIAL, k INT GENERATED ALWAYS AS IDENTITY);
        CREATE TABLE \"{long}\" (\"Long_column_name_that_goes_on_and_on_and_on_and_on_and_on_abcd\" SERIAL);"
    ));
    assert_eq!(
        sequences(&catalog),
        "Long_table_name_that_goes_on__Long_column_name_that_goes_on_seq t_id_seq t_id_seq1 t_k_seq"
    );
    let default = catalog.tables.values().find_map(|table| table.columns.get("id")?.default.clone());
    assert_eq!(default.map(|default| default.text).as_deref(), Some("nextval('t_id_seq1'::regclass)"));
}

#[test]
fn a_dropped_column_takes_its_own_along() {
    let catalog = replay(
        "CREATE TABLE d1 (a SERIAL PRIMARY KEY, b INT, c INT, d INT UNIQUE, e INT CHECK (e > b), CONSTRAINT bc UNIQUE (b, c));
        CREATE INDEX ON d1 (b, c); CREATE INDEX ON d1 (c) INCLUDE (b); CREATE INDEX ON d1 (c) WHERE b > 0; CREATE INDEX ON d1 ((b + 1));
        CREATE INDEX keep ON d1 (c); CREATE TABLE d2 (a INT REFERENCES d1, d INT REFERENCES d1 (d), x INT, y INT, FOREIGN KEY (x, y) REFERENCES d1 (b, c));
        ALTER TABLE d1 DROP COLUMN b CASCADE;",
    );
    assert_eq!(parts(&catalog, "d1"), "d1_d_key d1_pkey keep");
    assert_eq!(parts(&catalog, "d2"), "d2_a_fkey d2_d_fkey");
    let mut catalog = catalog;
    catalog
        .apply(&Script::parse("ALTER TABLE d1 DROP CONSTRAINT d1_d_key CASCADE; ALTER TABLE d1 DROP a CASCADE"), "m");
    assert_eq!((parts(&catalog, "d1").as_str(), parts(&catalog, "d2").as_str()), ("keep", ""));
    assert_eq!(sequences(&catalog), "");
}

#[test]
fn cascades() {
    let catalog = replay(
        "CREATE TABLE a (x INT PRIMARY KEY, y INT GENERATED ALWAYS AS (x + 1) STORED, z INT); CREATE UNIQUE INDEX u ON a (z);
        CREATE TABLE b (x INT REFERENCES a, z INT REFERENCES a (z)); ALTER TABLE a DROP x CASCADE;",
    );
    assert_eq!((columns(&catalog, "a").as_str(), parts(&catalog, "b").as_str()), ("z", "b_z_fkey"));
    let catalog = replay(
        "CREATE SCHEMA s; CREATE TABLE s.x (a SERIAL PRIMARY KEY); CREATE TYPE s.e AS ENUM ('1'); CREATE TYPE t AS ENUM ('1');
        CREATE TABLE b (a INT REFERENCES s.x, e s.e, f t[], g INT); DROP SCHEMA s CASCADE; DROP TYPE t CASCADE;",
    );
    assert_eq!((columns(&catalog, "b").as_str(), parts(&catalog, "b").as_str()), ("a g", ""));
    assert!(sequences(&catalog).is_empty() && catalog.enums.is_empty() && !catalog.schemas.contains("s"));
    let catalog = replay(
        "CREATE SEQUENCE s; CREATE TABLE a (b INT DEFAULT nextval('s'), c INT DEFAULT 1); DROP SEQUENCE s CASCADE;",
    );
    let (_, table) = catalog.tables.iter().next().expect("there");
    assert!(table.columns["b"].default.is_none() && table.columns["c"].default.is_some());
}

#[test]
fn everything_follows_a_renamed_column() {
    let follow = |rename: &str, before: &str, after: &str| {
        let (left, right) = (replay(&format!("{before}; {rename}")), replay(after));
        assert_eq!(right.differences(&left), Vec::<String>::new());
    };
    follow(
        "ALTER TABLE t RENAME n TO \"N n\"; ALTER TABLE t RENAME id TO k; ALTER SEQUENCE t_id_seq RENAME TO s",
        "CREATE TABLE t (id SERIAL, n INT, g INT GENERATED ALWAYS AS (n * 2) STORED, CONSTRAINT c CHECK (n > 0 AND f(n) <> 'n'),
            CONSTRAINT x EXCLUDE (n WITH =), CONSTRAINT u UNIQUE (n, id), CONSTRAINT f FOREIGN KEY (n) REFERENCES t (id));
        CREATE INDEX i ON t (n DESC, id) INCLUDE (n) WHERE t.n > 1; CREATE INDEX j ON t ((n + id))",
        "CREATE SEQUENCE s; CREATE TABLE t (k INT NOT NULL DEFAULT nextval('s'), \"N n\" INT, g INT GENERATED ALWAYS AS (\"N n\" * 2) STORED,
            CONSTRAINT c CHECK (\"N n\" > 0 AND f(\"N n\") <> 'n'), CONSTRAINT x EXCLUDE (\"N n\" WITH =), CONSTRAINT u UNIQUE (\"N n\", k),
            CONSTRAINT f FOREIGN KEY (\"N n\") REFERENCES t (k)); ALTER SEQUENCE s OWNED BY t.k;
        CREATE INDEX i ON t (\"N n\" DESC, k) INCLUDE (\"N n\") WHERE t.\"N n\" > 1; CREATE INDEX j ON t ((\"N n\" + k))",
    );
    follow(
        "ALTER TABLE t RENAME TO u; ALTER TABLE u SET SCHEMA o",
        "CREATE SCHEMA o; CREATE TABLE t (id SERIAL, CONSTRAINT c CHECK (t.id > 0)); CREATE TABLE v (t INT, CONSTRAINT f FOREIGN KEY (t) REFERENCES t (id))",
        "CREATE SCHEMA o; CREATE SEQUENCE o.t_id_seq; CREATE TABLE o.u (id INT NOT NULL DEFAULT nextval('o.t_id_seq'), CONSTRAINT c CHECK (u.id > 0));
        ALTER SEQUENCE o.t_id_seq OWNED BY o.u.id; CREATE TABLE v (t INT, CONSTRAINT f FOREIGN KEY (t) REFERENCES o.u (id))",
    );
    follow(
        "ALTER TYPE e RENAME VALUE 'a' TO 'b'; ALTER TYPE e RENAME TO f",
        "CREATE TYPE e AS ENUM ('a', 'c'); CREATE TABLE t (x e DEFAULT 'a', y TEXT DEFAULT 'a', CONSTRAINT c CHECK (x <> 'a'::e)); CREATE INDEX i ON t (y) WHERE x = 'a'",
        "CREATE TYPE f AS ENUM ('b', 'c'); CREATE TABLE t (x f DEFAULT 'b', y TEXT DEFAULT 'a', CONSTRAINT c CHECK (x <> 'b'::f)); CREATE INDEX i ON t (y) WHERE x = 'b'",
    );
}

#[test]
fn a_new_enum_value_has_its_place() {
    let catalog = replay(
        "CREATE TYPE e AS ENUM ('a', 'c'); ALTER TYPE e ADD VALUE 'b' AFTER 'a'; ALTER TYPE e ADD VALUE '0' BEFORE 'a';
        ALTER TYPE e ADD VALUE 'd'; ALTER TYPE e ADD VALUE IF NOT EXISTS 'a';",
    );
    assert_eq!(catalog.enums.values().next().expect("there"), &["0", "a", "b", "c", "d"]);
}

#[test]
fn an_index_becomes_a_constraint() {
    let catalog = replay(
        "CREATE TABLE a (x INT, y INT); CREATE UNIQUE INDEX i ON a (x); CREATE UNIQUE INDEX j ON a (y);
        ALTER TABLE a ADD CONSTRAINT k PRIMARY KEY USING INDEX i; ALTER TABLE a ADD UNIQUE USING INDEX j; ALTER INDEX k RENAME TO l",
    );
    let (_, table) = catalog.tables.iter().next().expect("there");
    assert!(table.indexes.is_empty() && table.columns["x"].not_null && !table.columns["y"].not_null);
    assert_eq!(parts(&catalog, "a"), "j l");
}

#[test]
fn what_cannot_be_followed_is_said() {
    let catalog = replay(
        "DO $$ BEGIN END $$; CREATE TABLE a AS SELECT 1; ALTER TABLE unknown ADD b INT; ALTER TABLE IF EXISTS nope ADD b INT;
        GRANT ALL ON a TO b; COMMENT ON TABLE a IS 'x'; UPDATE a SET b = 1; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'select 1';
        CREATE TEMP TABLE t (a INT); ALTER TABLE t ADD b INT; CREATE INDEX ON t (a); CALL p();",
    );
    let words: Vec<&str> = catalog.opaque.iter().map(|opaque| opaque.words.as_str()).collect();
    assert_eq!(words, ["DO", "columns of table a from elsewhere", "ALTER TABLE of the unknown table unknown", "CALL"]);
}

#[test]
fn the_search_path_is_followed() {
    let catalog = replay(
        "CREATE SCHEMA app; SET search_path TO app, public; CREATE TYPE st AS ENUM ('on'); CREATE TABLE t (id SERIAL, s st DEFAULT 'on');
        SET search_path TO DEFAULT; CREATE TABLE u (s app.st DEFAULT 'on'::app.st, v app.st[]); ALTER TYPE app.st RENAME VALUE 'on' TO 'up'; ALTER TYPE app.st RENAME TO kind;",
    );
    let default = |table: &str| {
        let (_, table) = catalog.tables.iter().find(|(name, _)| name.name == table).expect("there");
        let column = &table.columns["s"];
        (column.data_type.to_string(), column.default.as_ref().map(|default| default.text.clone()).unwrap_or_default())
    };
    assert_eq!(default("t"), ("app.kind".to_owned(), "'up'".to_owned()));
    assert_eq!(default("u"), ("app.kind".to_owned(), "'up'::\"app\".\"kind\"".to_owned()));
    assert!(catalog.sequences.keys().all(|name| name.schema == "app"));
}

#[test]
fn differences_are_sentences() {
    let left = replay("CREATE TABLE a (x INT, y TEXT NOT NULL DEFAULT 'a', z INT); CREATE INDEX i ON a (x DESC);");
    let right = replay("CREATE TABLE a (z INT, y TEXT, w INT); CREATE INDEX i ON a (z); CREATE TYPE e AS ENUM ();");
    let want = [
        "enum e is additional",
        "column a.x is missing",
        "column a.y has the nullability NULL instead of NOT NULL",
        "column a.y has the default none instead of 'a'",
        "column a.w is additional",
        "index i of a has the definition btree (z) instead of btree (x desc)",
    ];
    assert_eq!(left.differences(&right), want);
    let same = "CREATE TABLE a (z INT4, y text not null default ('a'), \"x\" INT); CREATE INDEX i ON a (x DESC)";
    assert_eq!(left.differences(&replay(same)), Vec::<String>::new());
}

/// A bare name is the first of its name along the path; what is made, is made in the first schema.
#[test]
fn a_bare_name_is_looked_for_along_the_path() {
    let before = "CREATE TABLE t (a INT); CREATE TABLE u (a INT); CREATE SCHEMA side; CREATE TABLE side.t (a INT);";
    let path =
        "SET search_path = side, public; ALTER TABLE t DROP COLUMN a; ALTER TABLE u ADD b INT; CREATE TABLE u (c INT);";
    let next = "ALTER TABLE t ADD d INT;";
    let scripts = [before, path, next].map(Script::parse);
    let catalog = Catalog::replay("public", scripts.iter().map(|script| ("m", script)));
    let columns = |schema: &str, name: &str| {
        let name = ObjectName { schema: schema.into(), name: name.into() };
        catalog.tables.get(&name).unwrap().columns.keys().cloned().collect::<Vec<_>>().join(" ")
    };
    assert_eq!([columns("side", "t"), columns("public", "t")], ["", "a d"]);
    assert_eq!([columns("side", "u"), columns("public", "u")], ["c", "a b"]);
}
