use std::path::PathBuf;
use std::time::Duration;

use super::super::{Rehearsed, Statement, Write};
use super::*;
use crate::catalog::ObjectName;
use crate::review::review;
use crate::rules::Settings;

const BASE: &str = "
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE TABLE \"T\" (id int PRIMARY KEY, a text, b text, m mood, part int);
CREATE TABLE \"Child\" (id int PRIMARY KEY, t int REFERENCES \"T\"(id) ON DELETE CASCADE, u int REFERENCES \"T\"(id) ON DELETE SET NULL);
CREATE TABLE \"Other\" (id int PRIMARY KEY, a text);
CREATE VIEW v AS SELECT 1; CREATE VIEW w AS SELECT 2;";

fn migration(name: &str, sql: &str) -> Migration {
    Migration { name: name.into(), path: PathBuf::new(), sql: sql.into() }
}

/// A loss as the comparison tells it; `Song.artist` is a column's.
fn loss(kind: Kind, object: &str) -> Loss {
    let (parent, name) = object.rsplit_once('.').unwrap_or((object, object));
    let loss = Loss::new(kind, object, name, "is lost");
    Loss { count: Some(5), parents: vec![parent.into()], ..loss }
}

/// A statement that wrote: its line, the table, rows updated and deleted.
type Wrote<'a> = (usize, &'a str, u64, u64);

fn rehearsed(wrote: &[Wrote<'_>]) -> Rehearsed {
    let statement = |(line, table, updated, deleted): &Wrote<'_>| Statement {
        line: *line,
        sql: String::new(),
        took: Duration::ZERO,
        wal_bytes: 0,
        locks: Vec::new(),
        rewrites: Vec::new(),
        indexes: Vec::new(),
        writes: vec![Write {
            table: (*table).into(),
            name: ObjectName { schema: "public".into(), name: (*table).into() },
            inserted: 0,
            updated: *updated,
            deleted: *deleted,
            // as TRUNCATE does, which counts no rows
            anew: *updated + *deleted == 0,
            gone: false,
            derived: false,
        }],
        range: 0..0,
    };
    Rehearsed {
        name: "2".into(),
        atomic: true,
        took: Duration::ZERO,
        wal_bytes: 0,
        statements: wrote.iter().map(statement).collect(),
        locks: Vec::new(),
        rewrites: Vec::new(),
        indexes: Vec::new(),
    }
}

/// Why a loss may happen, and the line that would accept it.
fn covered(sql: &str, lost: Loss, wrote: &[Wrote<'_>]) -> (Option<String>, String) {
    let (base, pending) = (migration("1", BASE), migration("2", sql));
    let world = Catalog::of("public", [&base]);
    let settings = Settings { small_table_rows: 10_000, lock_budget_seconds: 5, ..Settings::default() };
    let reviewed = review(crate::review::Request {
        migrations: std::slice::from_ref(&pending),
        world: Some(world.clone()),
        earlier: &[],
        default_schema: "public",
        live: None,
        identity: Some("here"),
        settings: &settings,
        standing: Vec::new(),
    });
    let pending = [pending];
    assert_eq!(pending[0].script().errors(), [], "{sql}");
    let coverage = Coverage::new(&world, &pending, &reviewed.migrations, "public");
    let mut losses = [lost];
    coverage.cover(&mut losses, &[rehearsed(wrote)]);
    let line = coverage.line_for(&losses[0]);
    let [loss] = losses;
    (loss.covered_by, line)
}

fn is_covered(sql: &str, kind: Kind, object: &str) -> bool {
    covered(sql, loss(kind, object), &[]).0.is_some()
}

/// A line that accepts one loss does not cover another kind of loss in the same table, nor another column.
#[test]
fn an_accepted_effect_covers_its_own_loss_only() {
    const ALL: &[(Kind, &str)] = &[
        (Kind::Table, "T"),
        (Kind::Rows, "T"),
        (Kind::Column, "T.a"),
        (Kind::Column, "T.b"),
        (Kind::Values, "T.a"),
        (Kind::Values, "T.b"),
        (Kind::Rows, "Child"),
        (Kind::Values, "Child.t"),
        (Kind::Values, "Child.u"),
        (Kind::Rows, "Other"),
        (Kind::Column, "Other.a"),
        (Kind::Values, "Other.a"),
        (Kind::Label, "mood.sad"),
        (Kind::View, "v"),
        (Kind::View, "w"),
    ];
    let within = [
        (Kind::Table, "T"),
        (Kind::Rows, "T"),
        (Kind::Column, "T.a"),
        (Kind::Column, "T.b"),
        (Kind::Values, "T.a"),
        (Kind::Values, "T.b"),
    ];
    let cases: &[(&str, &[(Kind, &str)])] = &[
        ("", &[]),
        (
            "-- prisma-safe:allow drop-column(T.a): x\nALTER TABLE \"T\" DROP COLUMN a;",
            &[(Kind::Column, "T.a"), (Kind::Values, "T.a")],
        ),
        ("-- prisma-safe:allow drop-table(T): x\nDROP TABLE \"T\" CASCADE;", &within),
        // a reader of the review sees a warning; foreign keys reach further
        ("DELETE FROM \"T\" WHERE id > 3;", &[(Kind::Rows, "T"), (Kind::Rows, "Child"), (Kind::Values, "Child.u")]),
        ("DELETE FROM \"Child\" WHERE id > 3;", &[(Kind::Rows, "Child")]),
        ("-- prisma-safe:allow delete-without-where(Other): x\nDELETE FROM \"Other\";", &[(Kind::Rows, "Other")]),
        ("DELETE FROM \"Other\";", &[]),
        (
            "-- prisma-safe:allow truncate-table(T): x\nTRUNCATE \"T\" CASCADE;",
            &[(Kind::Rows, "T"), (Kind::Rows, "Child")],
        ),
        ("-- prisma-safe:allow truncate-table(Other): x\nTRUNCATE \"Other\", \"Child\";", &[(Kind::Rows, "Other")]),
        // a condition says which values; without one each column is accepted by itself
        ("UPDATE \"T\" SET a = 'x' WHERE id = 1;", &[(Kind::Values, "T.a")]),
        ("UPDATE \"T\" SET a = 'x' WHERE true;", &[]),
        (
            "-- prisma-safe:allow update-without-where(T.b): x\nUPDATE \"T\" SET a = 'x', b = 'y';",
            &[(Kind::Values, "T.b")],
        ),
        (
            "INSERT INTO \"T\" (id, a) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET a = EXCLUDED.a;",
            &[(Kind::Values, "T.a")],
        ),
        ("INSERT INTO \"T\" (id, a) VALUES (1, 'x') ON CONFLICT (id) DO NOTHING;", &[]),
        (
            "-- prisma-safe:allow narrow-type(T.a): x\nALTER TABLE \"T\" ALTER a TYPE varchar(1) USING left(a, 1);",
            &[(Kind::Values, "T.a")],
        ),
        ("ALTER TABLE \"T\" ALTER a TYPE varchar(300);", &[]),
        // names that a rename has led elsewhere
        (
            "ALTER TABLE \"T\" RENAME TO \"Old\";\nALTER TABLE \"Other\" RENAME TO \"T\";\n\
             -- prisma-safe:allow drop-column(T.a): x\nALTER TABLE \"T\" DROP COLUMN a;",
            &[(Kind::Column, "Other.a"), (Kind::Values, "Other.a")],
        ),
        (
            "ALTER TABLE \"T\" RENAME COLUMN a TO c;\nALTER TABLE \"T\" RENAME COLUMN b TO a;\n\
             -- prisma-safe:allow drop-column(T.a): x\nALTER TABLE \"T\" DROP COLUMN a;",
            &[(Kind::Column, "T.b"), (Kind::Values, "T.b")],
        ),
        // what is made here and goes again was never there
        ("CREATE TABLE \"New\" (a text);\nDROP TABLE \"New\";", &[]),
        // code names nothing, whatever is accepted of it
        ("-- prisma-safe:allow opaque-code(call 1): x\nSELECT tidy('T');", &[]),
        ("-- prisma-safe:allow opaque-code(DO 1): x\nDO $$ BEGIN DELETE FROM \"T\"; DROP VIEW v; END $$;", &[]),
        ("DROP VIEW v;", &[(Kind::View, "v")]),
        (
            "-- prisma-safe:allow rehearsed-loss(T.b): x\nSELECT tidy();",
            &[(Kind::Column, "T.b"), (Kind::Values, "T.b")],
        ),
        // one kind of loss does not cover another
        ("-- prisma-safe:allow rehearsed-loss(values of T.b): x\nSELECT tidy();", &[(Kind::Values, "T.b")]),
        ("-- prisma-safe:allow rehearsed-loss(column \"T\".\"b\"): x\nSELECT tidy();", &[(Kind::Column, "T.b")]),
    ];
    for (sql, expected) in cases {
        let found: Vec<(Kind, &str)> =
            ALL.iter().copied().filter(|(kind, object)| is_covered(sql, *kind, object)).collect();
        assert_eq!(found, *expected, "{sql}");
    }
}

#[test]
fn labels_are_accepted_one_by_one() {
    let sql = |allow: &str| {
        format!(
            "-- prisma-safe:allow drop-enum-value({allow}): x\nCREATE TYPE mood_new AS ENUM ('x');\n\
             ALTER TABLE \"T\" ALTER m TYPE mood_new USING m::text::mood_new;"
        )
    };
    assert!(is_covered(&sql("mood.sad"), Kind::Label, "mood.sad"));
    assert!(!is_covered(&sql("mood.glad"), Kind::Label, "mood.sad"));
}

/// What is accepted for one statement does not cover what code does to the same table.
#[test]
fn rows_that_code_has_written_need_a_line_of_their_own() {
    let sql = "-- prisma-safe:allow opaque-code(call 1): x\nSELECT tidy();\nDELETE FROM \"T\" WHERE id > 3;\nUPDATE \"T\" SET a = 'x' WHERE id = 1;";
    let rows = |wrote: &[Wrote<'_>]| covered(sql, loss(Kind::Rows, "T"), wrote).0;
    assert!(rows(&[(3, "T", 0, 5)]).is_some());
    assert_eq!(rows(&[(2, "T", 0, 1), (3, "T", 0, 5)]), None);
    assert_eq!(rows(&[(2, "T", 0, 0), (3, "T", 0, 5)]), None);
    assert!(rows(&[(2, "Other", 0, 1), (3, "T", 0, 5)]).is_some());
    let values = |wrote: &[Wrote<'_>]| covered(sql, loss(Kind::Values, "T.a"), wrote).0;
    assert!(values(&[(4, "T", 1, 0)]).is_some());
    assert_eq!(values(&[(2, "T", 1, 0), (4, "T", 1, 0)]), None);
}

/// A table without a key shows by its values that rows were exchanged.
#[test]
fn without_a_key_deleted_rows_are_missing_values() {
    let sql = "DELETE FROM \"T\" WHERE id > 3;";
    let keyless = |keyless| covered(sql, Loss { keyless, ..loss(Kind::Values, "T.a") }, &[]).0;
    assert!(keyless(true).is_some());
    assert_eq!(keyless(false), None);
}

#[test]
fn the_line_to_write_is_the_reviews_own_where_it_found_this() {
    let line = |sql: &str, kind, object| covered(sql, loss(kind, object), &[]).1;
    assert_eq!(
        line("ALTER TABLE \"T\" DROP COLUMN a;", Kind::Column, "T.a"),
        "-- prisma-safe:allow drop-column(T.a): why"
    );
    assert_eq!(
        line("ALTER TABLE \"T\" DROP COLUMN a;", Kind::Column, "T.b"),
        "-- prisma-safe:allow rehearsed-loss(column T.b): why"
    );
}
