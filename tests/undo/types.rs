//! Domains and composite types, and the columns that are of them, there and back.

use super::measured::{accepted, there_and_back};
use super::{INIT, SONG};
use crate::support::Project;

const BY_HAND: &str = "
    CREATE DOMAIN short AS text CONSTRAINT brief CHECK (length(VALUE) < 9);
    CREATE DOMAIN code AS short NOT NULL;
    CREATE TYPE place AS (street text, zip int, town text);
    CREATE TYPE stay AS (at place, days int);
    CREATE TABLE doc (id int PRIMARY KEY, tag short DEFAULT 'none', tags short[], code code, home place, first stay);
    INSERT INTO doc SELECT n, 'tag ' || n, ARRAY['a', 'b' || n], 'code ' || n, ROW('street ' || n, n, 'town')::place,
      ROW(NULL, n)::stay FROM generate_series(1, 40) n;
    UPDATE doc SET home = NULL WHERE id = 7;
    UPDATE doc SET home = ROW(NULL, NULL, NULL)::place WHERE id = 8;";

fn docs() -> Project {
    let project = Project::prisma7().schema(SONG).migration("20250101000000_init", INIT).applied();
    project.database().execute(BY_HAND);
    project
}

#[test]
fn columns_that_fall_with_their_domain_come_back() {
    let project = docs();
    // PostgreSQL adds no column of a domain that is NOT NULL to rows that are there
    project.database().execute("ALTER DOMAIN code DROP NOT NULL");
    let sql = "-- prisma-safe:allow drop-cascade(short): gone\nDROP DOMAIN short CASCADE;\n";
    accepted(&project, sql).says("columns doc.code, doc.tag, doc.tags");
    project.run(["rollback"]).succeeds().says("Verified");
    let types =
        project.database().value("SELECT concat(tag::text, ' ', pg_typeof(code), ' ', tags) FROM doc WHERE id = 3");
    assert_eq!(types, "tag 3 code {a,b3}");
}

/// It stands in its place again; what was in it is gone, which is said before.
#[test]
fn a_dropped_attribute_is_made_again_without_its_values() {
    let project = docs();
    project.database().execute("ALTER TABLE doc DROP COLUMN first");
    accepted(&project, "ALTER TYPE place DROP ATTRIBUTE town;\n");
    project
        .run(["rollback"])
        .succeeds()
        .says("what the values of doc.home had in the dropped attribute is not put back");
    let values = "SELECT string_agg(coalesce(home::text, 'none'), ' ' ORDER BY id) FROM doc WHERE id IN (3, 7)";
    assert_eq!(project.database().value(values), "(\"street 3\",3,) none");
}

#[test]
fn added_and_renamed_attributes_and_a_renamed_domain_lead_back() {
    let project = docs();
    // PostgreSQL checks no array of a domain
    project.database().execute("ALTER TABLE doc DROP COLUMN tags");
    let sql = "ALTER TYPE place ADD ATTRIBUTE land text;\nALTER TYPE place RENAME ATTRIBUTE zip TO code;\n\
               ALTER DOMAIN short RENAME TO brief;\nALTER DOMAIN brief DROP CONSTRAINT brief;\n";
    there_and_back(&project, sql, &["no longer checks"]);
}

#[test]
fn what_goes_with_a_type_is_named_before() {
    let project = docs();
    let review = |sql: &str| {
        project.add_migration("20250102000000_next", sql);
        project.run(["review", "-v"])
    };
    review("DROP DOMAIN short CASCADE;\n").exits(3).says("doc.tag").says("doc.code").says("doc.tags");
    review("ALTER TYPE place DROP ATTRIBUTE zip;\n").exits(3).says("doc.home").says("doc.first");
    // tables that are made OF the type are not known by it
    review("ALTER TYPE place DROP ATTRIBUTE zip CASCADE;\n")
        .exits(3)
        .says("unknown-object")
        .says("made OF type `place`");
    review("ALTER DOMAIN code DROP NOT NULL;\nALTER DOMAIN short DROP CONSTRAINT brief;\n").says("no longer checks");
}

/// No migration makes the types, and nobody is asked.
#[test]
fn offline_a_type_is_unknown() {
    let project = Project::prisma7().schema(SONG).migration("20250101000000_init", INIT).applied();
    for sql in [
        "DROP DOMAIN short CASCADE;\n",
        "ALTER TYPE place DROP ATTRIBUTE zip;\n",
        "ALTER DOMAIN short DROP CONSTRAINT c;\n",
    ] {
        project.add_migration("20250102000000_next", sql);
        let output = project.run(["review", "--offline", "-v", "--format", "json"]);
        assert_ne!(output.json()["verdict"], "pass", "{sql}");
        assert!(output.everything().contains("unknown"), "{sql}");
    }
}

#[test]
fn partitions_get_their_columns_back_with_their_table() {
    let project = Project::prisma7().schema(SONG).migration("20250101000000_init", INIT).applied();
    project.database().execute(
        "CREATE DOMAIN short AS text;
         CREATE TABLE doc (id int PRIMARY KEY, tag short) PARTITION BY RANGE (id);
         CREATE TABLE doc_1 PARTITION OF doc FOR VALUES FROM (1) TO (11);
         CREATE TABLE doc_2 PARTITION OF doc FOR VALUES FROM (11) TO (99);
         INSERT INTO doc SELECT n, 'tag ' || n FROM generate_series(1, 20) n;",
    );
    let sql = "-- prisma-safe:allow drop-cascade(short): gone\nDROP DOMAIN short CASCADE;\n";
    accepted(&project, sql);
    let output = project.run(["rollback"]).succeeds().says("Verified").says("20 of 20 rows");
    // each of them is told once, with the table
    assert!(!output.everything().contains("doc_1"), "{}", output.everything());
    let tags = "SELECT count(*) FROM doc WHERE tag::text = 'tag ' || id AND pg_typeof(tag) = 'short'::regtype";
    assert_eq!(project.database().value(tags), "20");
}
