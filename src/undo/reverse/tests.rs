use super::*;

const BEFORE: &str = r#"
CREATE TYPE "Role" AS ENUM ('USER', 'ADMIN');
CREATE TABLE "User" ("id" SERIAL NOT NULL, "name" TEXT NOT NULL, "role" "Role" NOT NULL DEFAULT 'USER',
    "age" BIGINT, CONSTRAINT "User_pkey" PRIMARY KEY ("id"));
CREATE TABLE "Post" ("id" SERIAL NOT NULL, "title" TEXT NOT NULL, "authorId" INTEGER NOT NULL,
    CONSTRAINT "Post_pkey" PRIMARY KEY ("id"));
CREATE INDEX "Post_title_idx" ON "Post"("title" DESC);
CREATE UNIQUE INDEX "User_name_key" ON "User"("name") WHERE "age" > 3;
ALTER TABLE "Post" ADD CONSTRAINT "Post_authorId_fkey" FOREIGN KEY ("authorId") REFERENCES "User"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "User" ADD CONSTRAINT "grown" CHECK ("age" > 0) NOT VALID;
"#;

fn sql(steps: &[Step]) -> String {
    steps.iter().flat_map(|step| step.room.iter().chain(&step.rules)).cloned().collect::<Vec<_>>().join("\n")
}

/// Goes up and down again, and demands to be where it began.
#[track_caller]
fn there_and_back(up: &str) -> Vec<Step> {
    let before = Catalog::replay("public", [("1", &Script::parse(BEFORE))]);
    let script = Script::parse(up);
    assert!(script.errors().is_empty(), "{:?}", script.errors());
    let steps = reverse(&before, &script);
    let down = sql(&steps);
    let back = Script::parse(down.as_str());
    assert!(back.errors().is_empty(), "{:?}\n{down}", back.errors());
    let mut catalog = before.clone();
    catalog.apply(&script, "2");
    // what could not be followed on the way there is said where it stands
    catalog.opaque.clone_from(&before.opaque);
    catalog.apply(&back, "down");
    assert_eq!(before.differences(&catalog), [""; 0], "\n{down}");
    steps
}

#[test]
fn a_dropped_column_is_required_only_after_its_values() {
    let steps = there_and_back(r#"ALTER TABLE "User" DROP COLUMN "name";"#);
    assert!(steps[0].values);
    assert_eq!(steps[0].room, [r#"ALTER TABLE "User" ADD COLUMN "name" text;"#]);
    assert_eq!(steps[0].rules[0], r#"ALTER TABLE "User" ALTER COLUMN "name" SET NOT NULL;"#);
    assert_eq!(steps[0].rules[1], r#"CREATE UNIQUE INDEX "User_name_key" ON "User"("name") WHERE "age" > 3;"#);
}

#[test]
fn whatever_goes_comes_back() {
    for up in [
        r#"ALTER TABLE "Post" DROP CONSTRAINT "Post_authorId_fkey"; DROP INDEX "Post_title_idx"; DROP TABLE "Post";"#,
        r#"DROP TABLE "User" CASCADE;"#,
        r#"ALTER TABLE "User" ALTER COLUMN "age" SET DATA TYPE INTEGER, ALTER COLUMN "age" SET NOT NULL, ALTER COLUMN "age" SET DEFAULT 3;"#,
        r#"ALTER TABLE "User" ALTER COLUMN "role" DROP DEFAULT, ALTER COLUMN "name" DROP NOT NULL, DROP CONSTRAINT "grown";"#,
        r#"ALTER TABLE "User" ADD COLUMN "mail" TEXT UNIQUE, ADD COLUMN "n" SERIAL; CREATE INDEX "i" ON "User"("mail");"#,
        r#"CREATE TYPE "Kind" AS ENUM ('A'); CREATE TABLE "T" ("id" SERIAL PRIMARY KEY, "k" "Kind", "u" INTEGER REFERENCES "User"("id"));"#,
        r#"CREATE SCHEMA "other"; CREATE TABLE "other"."T" ("x" INT); CREATE SEQUENCE "s"; CREATE VIEW "v" AS SELECT 1;"#,
        r#"ALTER TYPE "Role" ADD VALUE 'ROOT' BEFORE 'ADMIN';"#,
        r#"ALTER TABLE "User" DROP CONSTRAINT "User_pkey" CASCADE, ADD CONSTRAINT "User_pkey" PRIMARY KEY ("name");"#,
    ] {
        there_and_back(up);
    }
}

#[test]
fn renames_lead_back_by_renames() {
    let steps = there_and_back(
        r#"ALTER TABLE "User" RENAME COLUMN "name" TO "full name"; ALTER TABLE "User" RENAME TO "Person";
        ALTER INDEX "User_name_key" RENAME TO "Person_name_key"; ALTER TABLE "Person" RENAME CONSTRAINT "User_pkey" TO "Person_pkey";
        ALTER TYPE "Role" RENAME VALUE 'USER' TO 'MEMBER'; ALTER TYPE "Role" RENAME TO "Rank"; ALTER SEQUENCE "User_id_seq" RENAME TO "Person_id_seq";"#,
    );
    assert!(steps.iter().all(|step| !step.values && step.room.len() == 1));
    assert_eq!(steps[6].room, [r#"ALTER TABLE "User" RENAME COLUMN "full name" TO "name";"#]);
}

#[test]
fn a_removed_enum_value_is_there_again() {
    there_and_back(
        r#"BEGIN;
CREATE TYPE "Role_new" AS ENUM ('USER');
ALTER TABLE "User" ALTER COLUMN "role" DROP DEFAULT;
ALTER TABLE "User" ALTER COLUMN "role" TYPE "Role_new" USING ("role"::text::"Role_new");
ALTER TYPE "Role" RENAME TO "Role_old";
ALTER TYPE "Role_new" RENAME TO "Role";
DROP TYPE "Role_old";
ALTER TABLE "User" ALTER COLUMN "role" SET DEFAULT 'USER';
COMMIT;"#,
    );
}

#[test]
fn what_cannot_be_taken_back_is_said() {
    let steps = there_and_back(
        r#"WITH gone AS (DELETE FROM "Post" RETURNING "title") INSERT INTO "User" ("name") SELECT "title" FROM gone;
        MERGE INTO "Post" USING "User" u ON "authorId" = u."id" WHEN MATCHED THEN DELETE;
        INSERT INTO "User" ("name") VALUES ('x'); CREATE EXTENSION citext; SELECT tidy(); SELECT count(*) FROM "User";
        WITH new AS (INSERT INTO "Post" ("title") VALUES ('y') RETURNING "id") SELECT "id" FROM new;
        SELECT setval('"User_id_seq"', 4); ALTER SEQUENCE "User_id_seq" RESTART WITH 9; UPDATE "User" SET "id" = "id" + 10;"#,
    );
    let said: Vec<&str> = steps.iter().flat_map(|step| &step.impossible).map(String::as_str).collect();
    assert_eq!(
        said,
        [
            "the keys that are changed in User stay, and rows with them as they are, also Post.authorId",
            "sequence User_id_seq is not set back",
            "sequence User_id_seq is not set back",
            "the rows inserted into Post stay",
            "what this call did is not known",
            "extension citext stays",
            "the rows inserted into User stay",
            "what this code did is not known",
            "the rows inserted into User stay"
        ]
    );
}

fn steps_of(before: &Catalog, up: &str) -> (String, Vec<String>) {
    let steps = reverse(before, &Script::parse(up));
    (sql(&steps), steps.into_iter().flat_map(|step| step.impossible).collect())
}

const CONDITIONAL: &str = r#"CREATE SCHEMA IF NOT EXISTS "other"; CREATE TABLE IF NOT EXISTS "Zone" ("id" INT PRIMARY KEY);
    ALTER TABLE "Zone" ADD COLUMN IF NOT EXISTS "name" TEXT; CREATE INDEX IF NOT EXISTS "Zone_i" ON "Zone"("id");
    CREATE SEQUENCE IF NOT EXISTS "s"; CREATE MATERIALIZED VIEW IF NOT EXISTS "m" AS SELECT 1;"#;

/// What the target has stays, what it lacks goes, and what is not known is said.
#[test]
fn what_was_there_before_a_conditional_statement_stays() {
    use crate::catalog::live::{Definition, Kind, Live};
    type Object<'a> = (Kind, &'a str, &'a [(&'a str, &'a str)]);
    let there = |objects: &[Object<'_>]| {
        let mut live = Live::default();
        for (kind, name, parts) in objects {
            let definition: Definition = parts.iter().map(|(own, text)| ((*own).into(), (*text).into())).collect();
            live.objects.entry(*kind).or_default().insert((*name).into(), definition);
        }
        Catalog::of_target("public", &live)
    };
    let all = there(&[
        (Kind::Schema, "other", &[]),
        (Kind::Table, "public.\"Zone\"", &[]),
        (Kind::Column, "public.\"Zone\".id", &[("type", "integer"), ("nullability", "NOT NULL")]),
        (Kind::Column, "public.\"Zone\".name", &[("type", "text"), ("nullability", "NULL")]),
        (
            Kind::Index,
            "public.\"Zone_i\"",
            &[("definition", "CREATE INDEX \"Zone_i\" ON public.\"Zone\" USING btree (id)")],
        ),
        (Kind::Sequence, "public.s", &[]),
        (Kind::MaterializedView, "public.m", &[]),
    ]);
    assert_eq!(steps_of(&all, CONDITIONAL), (String::new(), vec![]));
    let (sql, said) = steps_of(&there(&[]), CONDITIONAL);
    for drop in ["DROP MATERIALIZED VIEW \"m\"", "DROP SEQUENCE \"s\"", "DROP TABLE \"Zone\"", "DROP SCHEMA \"other\""]
    {
        assert!(sql.contains(drop), "{drop}: {sql}");
    }
    assert_eq!(said, [""; 0]);
    let (sql, said) = steps_of(&Catalog::new("public"), CONDITIONAL);
    assert_eq!((sql.as_str(), said.len()), ("", 6), "{said:?}");
    assert!(said.iter().all(|own| own.ends_with("stays: whether it was there before is not known")), "{said:?}");
}

#[test]
fn settings_that_no_definition_holds_are_said() {
    let before = Script::parse("CREATE TABLE t (id INT, x TEXT);");
    let steps = |sql: &str| reverse(&Catalog::replay("public", [("1", &before)]), &Script::parse(sql));
    let of = |sql: &str| steps(sql).into_iter().flat_map(|step| step.impossible).collect::<Vec<_>>();
    for action in ["SET TABLESPACE fast", "ALTER COLUMN id RESTART WITH 5"] {
        let said = of(&format!("ALTER TABLE t {action};"));
        assert!(said.len() == 1 && said[0].ends_with(" of t is not undone"), "{action}: {said:?}");
    }
    for sql in [
        "ALTER TABLE t ALTER COLUMN x SET STATISTICS 100;",
        "ALTER TABLE t ALTER COLUMN x SET STORAGE PLAIN;",
        "ALTER TABLE t ALTER COLUMN x SET (n_distinct = 5);",
        "ALTER SEQUENCE s AS BIGINT;",
    ] {
        let defined: Vec<String> = steps(sql).into_iter().flat_map(|step| step.defined).collect();
        assert!(of(sql).is_empty() && defined.len() == 1, "{sql}: {defined:?}");
    }
    assert_eq!(of("ALTER TABLE t SET (fillfactor = 70); ALTER TABLE t REPLICA IDENTITY FULL;"), [""; 0]);
    // a temporary table stands in front of the one of its name, and goes by itself
    let temporary = Script::parse("CREATE TEMP TABLE t AS SELECT 1 AS id; DELETE FROM t; DROP TABLE t;");
    let room = reverse(&Catalog::replay("public", [("1", &before)]), &temporary).into_iter().flat_map(|step| step.room);
    assert_eq!(room.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn a_refreshed_view_is_refreshed_after_everything_else() {
    let before = Script::parse("CREATE TABLE t (id INT, x TEXT); CREATE MATERIALIZED VIEW m AS SELECT id FROM t;");
    let sql = "DELETE FROM t; REFRESH MATERIALIZED VIEW m; ALTER TABLE t DROP COLUMN x;";
    let steps = reverse(&Catalog::replay("public", [("1", &before)]), &Script::parse(sql));
    let rules: Vec<&Vec<String>> = steps.iter().map(|step| &step.rules).collect();
    let (last, others) = rules.split_last().expect("steps");
    assert!(last[0].contains("REFRESH MATERIALIZED VIEW \"public\".\"m\""), "{last:?}");
    assert!(!others.iter().any(|rules| rules.concat().contains("REFRESH")), "{others:?}");
}

#[test]
fn columns_that_go_with_their_domain_come_back_where_it_is_known() {
    let gone = "columns of the domain that go along by CASCADE are not made again";
    let before = Script::parse("CREATE DOMAIN short AS TEXT; CREATE TABLE t (id INT, tag short NOT NULL);");
    let of = |before: &Catalog, sql: &str| reverse(before, &Script::parse(sql)).remove(0);
    assert_eq!(of(&Catalog::new("public"), "DROP DOMAIN short CASCADE;").impossible, [gone]);
    let known = of(&Catalog::replay("public", [("1", &before)]), "DROP DOMAIN short CASCADE;");
    assert_eq!(known.impossible, [""; 0]);
    assert_eq!(known.room, ["ALTER TABLE \"t\" ADD COLUMN \"tag\" short;"]);
    assert!(known.values);
}

#[test]
fn a_detached_partition_is_attached_before_what_its_whole_was_given() {
    let before = Script::parse(
        "CREATE TABLE log (id INT, day DATE) PARTITION BY RANGE (day); \
         CREATE TABLE log_a PARTITION OF log FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');",
    );
    let sql = "ALTER TABLE log ADD COLUMN n INT; ALTER TABLE log DETACH PARTITION log_a;";
    let steps = reverse(&Catalog::replay("public", [("1", &before)]), &Script::parse(sql));
    let all: Vec<String> = steps.iter().flat_map(|step| step.room.iter().chain(&step.rules)).cloned().collect();
    let attach = "ALTER TABLE \"log\" ATTACH PARTITION \"log_a\" FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');";
    assert_eq!(all, [attach, "ALTER TABLE \"log\" DROP COLUMN \"n\";"]);
}

#[test]
fn a_column_comes_back_to_the_partitions_with_their_table() {
    // as a catalog that was read has it
    let before = Script::parse(
        "CREATE DOMAIN short AS text; CREATE TABLE log (id INT, tag short) PARTITION BY RANGE (id); \
         CREATE TABLE log_a (id INT, tag short); ALTER TABLE log ATTACH PARTITION log_a DEFAULT;",
    );
    let before = Catalog::replay("public", [("1", &before)]);
    let steps = reverse(&before, &Script::parse("DROP DOMAIN short CASCADE;"));
    let all: Vec<String> = steps.iter().flat_map(|step| step.room.iter().chain(&step.rules)).cloned().collect();
    let added: Vec<&String> = all.iter().filter(|sql| sql.contains("ADD COLUMN")).collect();
    assert_eq!(added, ["ALTER TABLE \"log\" ADD COLUMN \"tag\" short;"]);
}

#[test]
fn a_check_comes_and_goes_with_that_of_the_partitioned_table() {
    let tables = "CREATE TABLE log (id INT) PARTITION BY RANGE (id); CREATE TABLE log_a (id INT); \
                  ALTER TABLE log ATTACH PARTITION log_a DEFAULT;";
    let all = |before: &str, sql: &str| {
        let before = Script::parse(format!("{tables} {before}"));
        self::sql(&reverse(&Catalog::replay("public", [("1", &before)]), &Script::parse(sql)))
    };
    let (add, drop) = ("ALTER TABLE log ADD CONSTRAINT few CHECK (id < 9);", "ALTER TABLE log DROP CONSTRAINT few;");
    assert_eq!(all("", add), "ALTER TABLE \"log\" DROP CONSTRAINT \"few\";");
    assert_eq!(all(add, drop), "ALTER TABLE \"log\" ADD CONSTRAINT \"few\" CHECK (id < 9);");
    // one that is attached on the way back needs it before
    let detached = all(add, "ALTER TABLE log DETACH PARTITION log_a; ALTER TABLE log_a DROP CONSTRAINT few;");
    assert!(detached.starts_with("ALTER TABLE \"log_a\" ADD CONSTRAINT \"few\""), "{detached}");
}

#[test]
fn what_a_column_brings_along_is_the_table_s_own() {
    let before = Script::parse("CREATE TABLE shelf (id INT PRIMARY KEY); CREATE TABLE box () INHERITS (shelf);");
    let before = Catalog::replay("public", [("1", &before)]);
    let drop = |sql: &str| self::sql(&reverse(&before, &Script::parse(sql)));
    let key = "ALTER TABLE shelf ADD COLUMN ref INT UNIQUE REFERENCES shelf CHECK (ref > 0);";
    let all = drop(key);
    assert!(!all.contains("box") && all.contains("ALTER TABLE \"shelf\" DROP COLUMN \"ref\";"), "{all}");
    assert_eq!(drop("ALTER TABLE shelf ADD COLUMN n SERIAL;"), "ALTER TABLE \"shelf\" DROP COLUMN \"n\";");
    let check = "ALTER TABLE \"shelf\" DROP CONSTRAINT \"shelf_id_check\";";
    assert_eq!(drop("ALTER TABLE shelf ADD CHECK (id > 0);"), check);
}

#[test]
fn a_column_from_a_table_above_gets_its_enum_back_with_that_one() {
    let before = Script::parse(
        "CREATE TYPE m AS ENUM ('a', 'c'); CREATE TABLE p (x m DEFAULT 'a'); CREATE TABLE b () INHERITS (p); ALTER TABLE b ALTER x SET DEFAULT 'c';",
    );
    let steps = reverse(&Catalog::replay("public", [("1", &before)]), &Script::parse("ALTER TYPE m ADD VALUE 'd';"));
    let room = steps[0].room.join("\n");
    let at = |text: &str| room.find(text).unwrap_or_else(|| panic!("{text}: {room}"));
    assert!(!room.contains("ALTER TABLE \"b\" ALTER COLUMN \"x\" TYPE"), "{room}");
    assert!(at("ALTER TABLE \"b\" ALTER COLUMN \"x\" DROP DEFAULT") < at("ALTER TABLE \"p\" ALTER COLUMN \"x\" TYPE"));
    // the one above sets the default of all below
    assert!(at("\"p\" ALTER COLUMN \"x\" SET DEFAULT 'a'") < at("\"b\" ALTER COLUMN \"x\" SET DEFAULT 'c'"));
}
