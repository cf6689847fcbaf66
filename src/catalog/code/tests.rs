//! Whatever runs code is known for it.

use super::*;
use crate::sql::Script;

/// What the last statement of a script runs.
fn run(sql: &str) -> Option<String> {
    let script = Script::parse(sql);
    assert_eq!(script.errors(), [], "{sql}");
    let mut found = None;
    Catalog::new("public").walk(&script, "1", |catalog, statement| {
        found = catalog.runs(statement, &script.text()[statement.range.clone()]);
    });
    found.map(|call| call.to_string())
}

#[test]
fn whatever_runs_an_unknown_function_is_known_for_it() {
    const TABLE: &str = "CREATE TABLE a (id int PRIMARY KEY, x text)";
    for (sql, named) in [
        ("SELECT unknown(1)", "calls `unknown()`"),
        ("CREATE TABLE b (id int DEFAULT unknown()); INSERT INTO b VALUES (1)", "generated column of `b`"),
        ("CREATE TABLE b (id int CHECK (unknown(id))); UPDATE b SET id = 1", "generated column of `b`"),
        ("CREATE TABLE b (id int CHECK (unknown(id)) NOT NULL); DELETE FROM b", ""),
        ("CREATE DOMAIN d AS int CHECK (unknown(VALUE)); CREATE TABLE b (id d); INSERT INTO b VALUES (1)", "of `b`"),
        ("ALTER TABLE a ADD CONSTRAINT c CHECK (unknown(id)) NOT VALID; ALTER TABLE a VALIDATE CONSTRAINT c", "of `a`"),
        ("CREATE INDEX i ON a (unknown(x)); INSERT INTO a VALUES (1)", "of `a`"),
        (
            "CREATE TRIGGER t BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION unknown(); UPDATE a SET x = '1'",
            "fires trigger `t` of `a`, which calls `unknown()`",
        ),
        ("CREATE TRIGGER t BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION unknown(); DELETE FROM a", ""),
        (
            "CREATE TRIGGER t AFTER DELETE ON a FOR EACH ROW EXECUTE FUNCTION unknown(); ALTER TABLE a RENAME TO z; DELETE FROM z",
            "of `z`",
        ),
        (
            "CREATE TRIGGER t AFTER DELETE ON a FOR EACH ROW EXECUTE FUNCTION unknown(); DROP TRIGGER t ON a; DELETE FROM a",
            "",
        ),
        ("CREATE RULE r AS ON DELETE TO a DO INSTEAD NOTHING; DELETE FROM a", "runs rule `r` of `a`"),
        ("CREATE VIEW v (n) AS SELECT unknown(id) FROM a; SELECT * FROM v", "reads view `v`, which calls `unknown()`"),
        (
            "CREATE VIEW v AS SELECT unknown(id) AS n FROM a; CREATE VIEW w AS SELECT n FROM v; INSERT INTO a SELECT n FROM w",
            "reads view `v`",
        ),
        (
            "CREATE VIEW v AS SELECT unknown(id) AS n FROM a; CREATE VIEW w AS SELECT n FROM v; ALTER VIEW v RENAME TO z; \
             DELETE FROM a WHERE id IN (SELECT n FROM w)",
            "reads view `z`",
        ),
        ("CREATE VIEW v AS SELECT unknown(id) AS n FROM a; DROP VIEW v; SELECT * FROM v", ""),
        ("CREATE VIEW v AS SELECT unknown(id) AS n FROM a; CREATE VIEW w AS SELECT * FROM v", ""),
        ("CREATE VIEW v AS SELECT lower(x) AS n FROM a; SELECT * FROM v", ""),
        (
            "CREATE MATERIALIZED VIEW m AS SELECT unknown(id) AS n FROM a WITH NO DATA; REFRESH MATERIALIZED VIEW m",
            "reads view `m`",
        ),
        (
            "CREATE VIEW v AS SELECT unknown(id) AS n FROM a; \
             CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT n FROM v'; SELECT f()",
            "calls `f()`",
        ),
        ("CREATE POLICY p ON a USING (unknown(id)); UPDATE a SET x = '1'", "policy `p` of `a`"),
        ("CREATE POLICY p ON a FOR INSERT WITH CHECK (unknown(id)); INSERT INTO a VALUES (1)", "policy `p` of `a`"),
        ("CREATE POLICY p ON a TO public USING (id > 0); UPDATE a SET x = '1'", ""),
        ("CREATE POLICY p ON a USING (unknown(id)); DROP POLICY p ON a; UPDATE a SET x = '1'", ""),
        (
            "CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = unknown); DELETE FROM a WHERE id === 1",
            "uses operator `===`, which calls `unknown()`",
        ),
        (
            "CREATE OPERATOR public.=== (LEFTARG = int, RIGHTARG = int, PROCEDURE = public.unknown); \
             CREATE TABLE b (id int CHECK (id === 1)); INSERT INTO b VALUES (1)",
            "generated column of `b`",
        ),
        ("CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = unknown); DELETE FROM a WHERE id = 1", ""),
        ("CREATE CAST (text AS int) WITH FUNCTION unknown(text); UPDATE a SET id = x::integer", "a cast to `integer`"),
        (
            "CREATE TYPE mood AS (n int); CREATE CAST (text AS mood) WITH FUNCTION unknown(text) AS ASSIGNMENT; \
             CREATE TABLE b (m mood); INSERT INTO b SELECT x FROM a",
            "a cast to `mood`",
        ),
        (
            "CREATE TYPE mood AS (n int); CREATE CAST (text AS mood) WITH FUNCTION unknown(text); \
             ALTER TABLE a ALTER COLUMN x TYPE mood",
            "a cast to `mood`",
        ),
        (
            "CREATE CAST (text AS mood) WITH FUNCTION unknown(text); DROP CAST (text AS mood); UPDATE a SET x = 'y'::mood",
            "",
        ),
    ] {
        let found = run(&format!("{TABLE}; {sql};"));
        match named {
            "" => assert_eq!(found, None, "{sql}"),
            named => assert!(found.as_ref().is_some_and(|found| found.contains(named)), "{sql}: {found:?}"),
        }
    }
}

#[test]
fn what_is_known_to_compute_is_none() {
    const GENERATOR: &str = "CREATE FUNCTION short_id(size int DEFAULT 21) RETURNS text LANGUAGE plpgsql VOLATILE AS $$ \
         DECLARE id text := ''; i int := 0; BEGIN WHILE (i < size) LOOP \
         id := id || substr('abc', (random() * 3)::int, 1); i := i + 1; END LOOP; RETURN id; END $$;";
    for sql in [
        "CREATE TABLE b (id text DEFAULT short_id()); INSERT INTO b DEFAULT VALUES;",
        "UPDATE t SET id = short_id(9) WHERE id = gen_random_uuid()::text;",
        "CREATE FUNCTION pair_of_ids() RETURNS text LANGUAGE sql AS 'SELECT short_id(1) || short_id(2)'; SELECT pair_of_ids();",
        "CREATE FUNCTION c_one(text) RETURNS text IMMUTABLE LANGUAGE c AS 'lib'; CREATE INDEX ON t (c_one(id));",
        "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.id := now(); RETURN NEW; END $$; \
         CREATE TRIGGER t BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch(); UPDATE t SET id = 'x';",
    ] {
        assert_eq!(run(&format!("CREATE TABLE t (id text); {GENERATOR} {sql}")), None, "{sql}");
    }
    let hidden = "CREATE FUNCTION far() RETURNS int LANGUAGE sql AS 'DELETE FROM t RETURNING 1'; \
         CREATE FUNCTION near() RETURNS int LANGUAGE sql STABLE AS 'SELECT far()'; UPDATE t SET id = near();";
    assert!(run(&format!("CREATE TABLE t (id text); {hidden}")).is_some());
    let replaced = "CREATE OR REPLACE FUNCTION short_id(size int DEFAULT 21) RETURNS text LANGUAGE sql AS 'DELETE FROM t RETURNING id'; SELECT short_id();";
    assert!(run(&format!("CREATE TABLE t (id text); {GENERATOR} {replaced}")).is_some());
}
