//! What a statement does to data, as the review says it: offline, where objects are unknown, and asked of the target.

use serde_json::Value;

use crate::support::{Database, Prisma, Project};

const TRAM: &str = "model Tram {\n  id   Int    @id\n  line String\n}\n";
const TRAM_SQL: &str = "CREATE TABLE \"Tram\" (\"id\" INTEGER NOT NULL, \"line\" TEXT NOT NULL, CONSTRAINT \"Tram_pkey\" PRIMARY KEY (\"id\"));\n";

/// A project whose applied migration is this SQL, with `after` in the database only.
fn project(sql: &str, after: &str) -> Project {
    let project = Project::prisma7().schema(TRAM).migration("20250101000000_init", sql).applied();
    project.database().execute(after);
    project
}

/// The verdict, and `severity rule(object)` of every finding, of a review of one pending migration.
#[track_caller]
fn reviewed(project: &Project, sql: &str, options: &[&str]) -> (String, Vec<String>, Value) {
    project.add_migration("20250201000000_change", sql);
    let review = ["review", "20250201000000_change", "--format", "json"];
    let json = project.run(review.iter().chain(options)).json();
    let findings = json["migrations"][0]["findings"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let line = |finding: &Value| {
        format!("{} {}({})", text(&finding["severity"]), text(&finding["rule"]), text(&finding["object"]))
    };
    (text(&json["verdict"]), findings.iter().map(line).collect(), json)
}

/// Of a review: the rules that are worth more than a note.
#[track_caller]
fn found(project: &Project, sql: &str) -> Vec<String> {
    reviewed(project, sql, &[]).1.into_iter().filter(|finding| !finding.starts_with("info")).collect()
}

/// Every statement that compares with what is there says so where nobody knows what is there.
#[test]
fn offline_an_unknown_object_is_never_a_pass() {
    let project = Project::prisma7().schema(TRAM).migration("20250101000000_init", TRAM_SQL);
    for sql in [
        "ALTER TABLE \"archive\" ALTER COLUMN title TYPE varchar(50) USING left(title, 50);",
        "ALTER TABLE \"shelf\" DROP CONSTRAINT \"shelf_pkey\";",
        "ALTER TABLE \"shelf\" DROP CONSTRAINT IF EXISTS \"shelf_code_key\";",
        "DROP INDEX \"shelf_n_key\";",
        "DROP INDEX CONCURRENTLY IF EXISTS \"shelf_n_key\";",
        "CREATE TYPE \"Mood_new\" AS ENUM ('calm');\nALTER TABLE \"shelf\" ALTER COLUMN mood TYPE \"Mood_new\" USING mood::text::\"Mood_new\";",
        "ALTER TABLE \"shelf\" ALTER COLUMN seen TYPE timestamptz(3);",
        "ALTER TABLE \"shelf\" ALTER COLUMN n TYPE bigint;",
        "ALTER TYPE \"Mood\" ADD VALUE 'lost';",
        "DROP TYPE \"Mood\";",
        "ALTER TABLE \"other\".\"shelf\" ADD COLUMN n INT;",
        "CREATE INDEX \"i\" ON \"shelf\"(\"n\");",
        "INSERT INTO \"shelf\" (id) VALUES (1);",
    ] {
        let (verdict, findings, json) = reviewed(&project, sql, &["--offline"]);
        assert_ne!(verdict, "pass", "{sql}\n{findings:?}");
        let named = json["unchecked"].to_string();
        assert!(["archive", "shelf", "Mood", "i\""].iter().any(|name| named.contains(name)), "{sql}\n{named}");
    }
    let (verdict, findings, _) = reviewed(&project, "ALTER TABLE \"Tram\" ADD COLUMN \"note\" TEXT;", &["--offline"]);
    // a note about locks is no doubt about objects
    assert_eq!((verdict.as_str(), findings), ("pass", vec!["info no-lock-timeout(20250201000000_change)".to_owned()]));
}

/// Tables that migrations make in a way the replay does not follow.
#[test]
fn offline_a_table_from_elsewhere_is_never_a_pass() {
    for made in [
        "CREATE TABLE \"copy\" (LIKE \"Tram\" INCLUDING ALL);",
        "CREATE TABLE \"copy\" AS SELECT * FROM \"Tram\";",
        "DO $$ BEGIN EXECUTE 'CREATE TABLE \"copy\" (id int PRIMARY KEY, line text)'; END $$;",
        "CREATE FUNCTION make_copy() RETURNS void LANGUAGE sql AS 'CREATE TABLE \"copy\" (id int PRIMARY KEY, line text)'; SELECT make_copy();",
        "CREATE TABLE IF NOT EXISTS \"copy\" (id int PRIMARY KEY, line text);",
    ] {
        let project = Project::prisma7().schema(TRAM).migration("20250101000000_init", &format!("{TRAM_SQL}{made}"));
        let sql = "ALTER TABLE \"copy\" ALTER COLUMN line TYPE varchar(3) USING left(line, 3);";
        let (verdict, findings, json) = reviewed(&project, sql, &["--offline"]);
        assert_ne!(verdict, "pass", "{made}\n{findings:?}");
        assert!(json["unchecked"].to_string().contains("copy"), "{made}\n{}", json["unchecked"]);
    }
    // what it inherits is known
    let inherits = format!("{TRAM_SQL}CREATE TABLE \"copy\" () INHERITS (\"Tram\");");
    let project = Project::prisma7().schema(TRAM).migration("20250101000000_init", &inherits);
    let sql = "ALTER TABLE \"Tram\" ALTER COLUMN line TYPE varchar(3) USING left(line, 3);";
    let (_, findings, _) = reviewed(&project, sql, &["--offline"]);
    for table in ["Tram", "copy"] {
        assert!(findings.contains(&format!("error narrow-type({table}.line)")), "{findings:?}");
    }
}

/// PostgreSQL refuses a new type under a view, a materialized view, a policy and a trigger: each is named.
#[test]
fn a_type_change_under_dependents_is_an_error() {
    let project = project(
        TRAM_SQL,
        "CREATE VIEW v_trams AS SELECT id, line FROM \"Tram\"; \
         CREATE MATERIALIZED VIEW m_trams AS SELECT line, count(*) FROM \"Tram\" GROUP BY line; \
         CREATE POLICY own ON \"Tram\" USING (line <> ''); \
         CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; \
         CREATE TRIGGER watch BEFORE UPDATE ON \"Tram\" FOR EACH ROW WHEN (NEW.line <> '') EXECUTE FUNCTION t()",
    );
    let (verdict, findings, json) =
        reviewed(&project, "ALTER TABLE \"Tram\" ALTER COLUMN \"line\" SET DATA TYPE VARCHAR;", &[]);
    assert_eq!(verdict, "fail");
    assert_eq!(findings, vec!["error dependent-object(Tram.line)"; 4], "{json:#}");
    let text = json.to_string();
    for name in ["v_trams", "m_trams", "own", "watch"] {
        assert!(text.contains(name), "{name}: {json:#}");
    }
    // dropped and made again around it, nothing is in the way
    let around = "DROP VIEW v_trams; DROP MATERIALIZED VIEW m_trams; DROP POLICY own ON \"Tram\"; DROP TRIGGER watch ON \"Tram\";\n\
                  ALTER TABLE \"Tram\" ALTER COLUMN \"line\" SET DATA TYPE VARCHAR;\n";
    assert!(!found(&project, around).iter().any(|finding| finding.contains("dependent-object")));
}

/// CASCADE's victims are named one by one, down to the last.
#[test]
fn victims_of_a_cascade_are_named() {
    let project = project(
        TRAM_SQL,
        "CREATE VIEW v_trams AS SELECT id, line FROM \"Tram\"; CREATE VIEW v_open AS SELECT id FROM v_trams; \
         CREATE VIEW v_last AS SELECT id FROM v_open; CREATE TYPE mood AS ENUM ('a'); \
         CREATE TABLE feels (id int PRIMARY KEY, m mood); CREATE FUNCTION f() RETURNS mood LANGUAGE sql AS 'SELECT ''a''::mood'; \
         CREATE SCHEMA side; CREATE TABLE side.inner_one (id int PRIMARY KEY); CREATE VIEW v_side AS SELECT id FROM side.inner_one",
    );
    for (sql, victims) in [
        ("DROP VIEW IF EXISTS v_trams CASCADE;", vec!["view public.v_open", "view public.v_last"]),
        ("DROP TYPE mood CASCADE;", vec!["table column public.feels.m", "function public.f()"]),
        ("DROP SCHEMA side CASCADE;", vec!["table side.inner_one", "view public.v_side"]),
    ] {
        let (verdict, findings, json) = reviewed(&project, sql, &[]);
        assert_eq!(verdict, "fail", "{sql} {findings:?}");
        for victim in victims {
            assert!(json.to_string().contains(&format!("CASCADE drops {victim}")), "{sql} {victim}: {json:#}");
        }
    }
    let (verdict, ..) = reviewed(&project, "DROP VIEW v_last CASCADE;", &[]);
    assert_eq!(verdict, "warn", "nothing depends on it");
}

/// Keys of one table are read as keys of another.
#[test]
fn a_foreign_key_that_leads_elsewhere_is_an_error() {
    let init = "CREATE TABLE \"Gardener\" (\"id\" SERIAL PRIMARY KEY); CREATE TABLE \"Crew\" (\"id\" SERIAL PRIMARY KEY);\n\
                CREATE TABLE \"Plot\" (\"id\" SERIAL PRIMARY KEY, \"keeperId\" INTEGER NOT NULL);\n\
                CREATE INDEX \"Plot_keeperId_idx\" ON \"Plot\"(\"keeperId\");\n\
                ALTER TABLE \"Plot\" ADD CONSTRAINT \"Plot_keeperId_fkey\" FOREIGN KEY (\"keeperId\") REFERENCES \"Gardener\"(\"id\");\n";
    let project = project(
        init,
        "INSERT INTO \"Gardener\" SELECT FROM generate_series(1, 20); INSERT INTO \"Crew\" SELECT FROM generate_series(1, 20); \
         INSERT INTO \"Plot\" (\"keeperId\") SELECT 1 + n % 20 FROM generate_series(1, 100) n",
    );
    let sql = "ALTER TABLE \"Plot\" DROP CONSTRAINT \"Plot_keeperId_fkey\";\n\
               ALTER TABLE \"Plot\" ADD CONSTRAINT \"Plot_keeperId_fkey\" FOREIGN KEY (\"keeperId\") REFERENCES \"Crew\"(\"id\");\n";
    assert_eq!(found(&project, sql), ["error redirected-foreign-key(Plot.keeperId)"]);
    project.run(["migrate", "deploy"]).exits(3).says("keys of `Gardener` are read as keys of `Crew`");
}

/// Values that differ as text and are one as citext; measured, and silent where there are none.
#[test]
fn duplicates_under_a_new_type_are_found() {
    let init = "CREATE EXTENSION IF NOT EXISTS citext;\nCREATE TABLE \"Reader\" (\"id\" INTEGER PRIMARY KEY, \"email\" TEXT NOT NULL, \"code\" TEXT);\n\
                CREATE UNIQUE INDEX \"Reader_email_key\" ON \"Reader\"(\"email\");\nCREATE UNIQUE INDEX \"Reader_code_key\" ON \"Reader\"(\"code\");\n";
    let project =
        project(init, "INSERT INTO \"Reader\" VALUES (1, 'Ann@example.com', '1'), (2, 'ann@example.com', '01')");
    let citext = "ALTER TABLE \"Reader\" ALTER COLUMN \"email\" SET DATA TYPE CITEXT;";
    assert_eq!(found(&project, citext), ["error duplicate-after-cast(Reader.email)"]);
    let number = found(&project, "ALTER TABLE \"Reader\" ALTER COLUMN \"code\" TYPE integer USING \"code\"::integer;");
    assert!(number.contains(&"error duplicate-after-cast(Reader.code)".to_owned()), "{number:?}");
    project.database().execute("DELETE FROM \"Reader\" WHERE id = 2");
    assert_eq!(found(&project, citext), Vec::<String>::new());
    // Prisma's own way to take a value from an enum merges none
    let labels = "CREATE TYPE \"Kind_new\" AS ENUM ('1', '2');\n\
                  ALTER TABLE \"Reader\" ALTER COLUMN \"code\" TYPE \"Kind_new\" USING (\"code\"::text::\"Kind_new\");\n";
    let found = found(&project, labels);
    assert!(!found.iter().any(|finding| finding.contains("duplicate-after-cast")), "{found:?}");
}

/// What USING computes is a loss, whatever the types; a plain cast that leads back is none.
#[test]
fn using_is_read() {
    let init = "CREATE TYPE \"Phase\" AS ENUM ('open', 'resting', 'shut');\n\
                CREATE TABLE \"Site\" (\"id\" INTEGER PRIMARY KEY, \"ph\" \"Phase\" NOT NULL, \"name\" TEXT, \"at\" TIMESTAMP(3));\n";
    let project =
        project(init, "INSERT INTO \"Site\" VALUES (1, 'resting', 'a long name', now()), (2, 'open', 'b', now())");
    let mapped = "CREATE TYPE \"Phase_new\" AS ENUM ('open', 'shut');\n\
                  ALTER TABLE \"Site\" ALTER COLUMN \"ph\" TYPE \"Phase_new\" USING (CASE \"ph\"::text WHEN 'resting' THEN 'shut'::\"Phase_new\" ELSE \"ph\"::text::\"Phase_new\" END);\n\
                  DROP TYPE \"Phase\";\nALTER TYPE \"Phase_new\" RENAME TO \"Phase\";\n";
    let (verdict, findings, json) = reviewed(&project, mapped, &[]);
    assert_eq!(verdict, "fail");
    assert!(findings.contains(&"error drop-enum-value(Phase.resting)".to_owned()), "{findings:?}");
    let text = json.to_string();
    assert!(text.contains("cannot be told from the others") && !text.contains("make the deploy fail"), "{json:#}");
    for (sql, expected) in [
        (
            "\"ph\" TYPE text USING CASE \"ph\" WHEN 'shut' THEN 'open' ELSE \"ph\"::text END",
            vec!["error narrow-type(Site.ph)"],
        ),
        ("\"ph\" TYPE text USING \"ph\"::text", vec![]),
        ("\"name\" TYPE text USING \"name\"::varchar(3)::text", vec!["error narrow-type(Site.name)"]),
        ("\"name\" TYPE varchar(50) USING left(\"name\", 50)", vec!["error narrow-type(Site.name)"]),
        ("\"at\" TYPE timestamptz(3) USING \"at\" AT TIME ZONE 'Europe/Berlin'", vec![]),
    ] {
        let found = found(&project, &format!("ALTER TABLE \"Site\" ALTER COLUMN {sql};"));
        let found: Vec<&str> = found.iter().map(String::as_str).filter(|it| it.contains("narrow-type")).collect();
        assert_eq!(found, expected, "{sql}");
    }
}

/// What was made by hand is there, and is not made a second time; the target is asked.
#[test]
fn what_is_there_cannot_be_made_again() {
    let project = project(
        "CREATE TABLE \"Reader\" (\"id\" INTEGER PRIMARY KEY);\n",
        "CREATE TABLE \"Hand\" (\"id\" INTEGER, \"x\" TEXT)",
    );
    for (sql, expected) in [
        ("CREATE TABLE \"Hand\" (\"id\" INTEGER PRIMARY KEY);", "error impossible-statement(Hand)"),
        ("ALTER TABLE \"Hand\" ADD COLUMN \"x\" TEXT;", "error impossible-statement(Hand.x)"),
    ] {
        assert_eq!(found(&project, sql), [expected]);
    }
    for sql in [
        "CREATE TABLE IF NOT EXISTS \"Hand\" (\"id\" INTEGER);",
        "CREATE TEMPORARY TABLE \"Hand\" (\"id\" INTEGER);",
        "CREATE TABLE \"Other\" (\"id\" INTEGER);",
        "DROP TABLE \"Hand\";\nCREATE TABLE \"Hand\" (\"id\" INTEGER);",
        "ALTER TABLE \"Hand\" DROP COLUMN \"x\", ADD COLUMN \"x\" INTEGER;",
        "ALTER TABLE \"Hand\" ADD COLUMN IF NOT EXISTS \"x\" TEXT;",
    ] {
        let found = found(&project, sql);
        assert!(!found.iter().any(|it| it.contains("impossible")), "{sql}: {found:?}");
    }
}

const NOTICE: &str =
    "model Notice {\n  id     String                   @id\n  body   String\n  search Unsupported(\"tsvector\")?\n}\n";
const NOTICE_SQL: &str = "CREATE TABLE \"Notice\" (\n    \"id\" TEXT NOT NULL,\n    \"body\" TEXT NOT NULL,\n    \"search\" tsvector GENERATED ALWAYS AS (to_tsvector('english', \"body\")) STORED,\n\n    CONSTRAINT \"Notice_pkey\" PRIMARY KEY (\"id\")\n);\n";

/// Prisma drafts `DROP DEFAULT` for a generated column: it is taken out, and an error in a file that has it.
#[test]
fn a_generated_column_has_no_default_to_drop() {
    let project = Project::prisma7().schema(NOTICE).migration("20250101000000_init", NOTICE_SQL).applied();
    let (_, findings, _) = reviewed(&project, "ALTER TABLE \"Notice\" ALTER COLUMN \"search\" DROP DEFAULT;", &[]);
    assert_eq!(findings, ["error impossible-statement(Notice.search)"]);
    std::fs::remove_dir_all(project.path("prisma/migrations/20250201000000_change")).unwrap();

    project.set_schema(&NOTICE.replace("  body ", "  extra  Int?\n  body "));
    project.run(["migrate", "dev", "--name", "extra"]).succeeds().says("took `DROP DEFAULT` of Notice.search out");
    let migration = project.newest_migration();
    assert!(migration.contains("\"extra\" INTEGER") && !migration.contains("DROP DEFAULT"), "{migration}");
    assert_eq!(project.database().value("SELECT count(extra) FROM \"Notice\""), "0");
    // with nothing else to change, there is no migration
    let before = project.migrations();
    project.run(["migrate", "dev", "--name", "nothing"]).succeeds();
    assert_eq!(project.migrations(), before);
}

/// A rename beside it is proved: what Prisma drafts again and again is no change that is left.
#[test]
fn a_rename_beside_a_generated_column_is_proved() {
    let project = Project::on(Prisma::V7).schema(NOTICE).migration("20250101000000_init", NOTICE_SQL).applied();
    project.set_schema(&NOTICE.replace("  body   String\n", "  body   String\n  sender String?\n"));
    project.run(["migrate", "dev", "--name", "sender"]).succeeds();
    project.set_schema(&NOTICE.replace("  body   String\n", "  body   String\n  author String?\n"));
    project.run(["migrate", "dev", "--name", "author", "--rename", "Notice.sender:author"]).succeeds();
    let migration = project.newest_migration();
    assert!(migration.contains("RENAME COLUMN \"sender\" TO \"author\"") && !migration.contains("DROP"), "{migration}");
}

/// The tests' databases stand alone.
#[test]
fn an_extension_is_known_by_its_name() {
    let database = Database::new();
    database.execute("CREATE EXTENSION citext; CREATE TABLE r (id int PRIMARY KEY, e citext)");
    let query = prisma_safe::database::victims::QUERY;
    let dropped = prisma_safe::database::victims::Dropped::Extension("citext".into());
    let parameters = prisma_safe::database::victims::parameters(&dropped);
    let answer: String = database.connect().query_one(query, &[&parameters]).unwrap().get(0);
    assert!(answer.contains("table column public.r.e"), "{answer}");
}

/// Tables in another schema that Prisma manages are tables all the same: a database without a history is not taken for empty.
#[test]
fn a_database_is_not_empty_because_another_schema_holds_the_tables() {
    let schema = "datasource db {\n  provider = \"postgresql\"\n  schemas  = [\"billing\", \"public\"]\n}\n\
                  model Receipt {\n  id Int @id\n\n  @@schema(\"billing\")\n}\n";
    let project = Project::prisma7();
    project.write("prisma/schema.prisma", schema);
    project.add_migration(
        "20250101000000_init",
        "CREATE SCHEMA IF NOT EXISTS \"billing\";\nCREATE TABLE IF NOT EXISTS \"billing\".\"Receipt\" (\"id\" INTEGER NOT NULL, \"memo\" TEXT, CONSTRAINT \"Receipt_pkey\" PRIMARY KEY (\"id\"));\n",
    );
    project.add_migration("20250102000000_drop", "ALTER TABLE \"billing\".\"Receipt\" DROP COLUMN \"memo\";\n");
    project.write("prisma-safe.toml", "[rehearsal]\nmode = \"off\"\nreason = \"a test\"\n");
    project.database().execute(
        "CREATE SCHEMA billing; CREATE TABLE billing.\"Receipt\" (id int PRIMARY KEY, memo text); \
         INSERT INTO billing.\"Receipt\" SELECT n, 'memo' FROM generate_series(1, 4000) n",
    );
    project.run(["migrate", "deploy"]).exits(3).says("P3005").says("billing").says("migrate resolve --applied");
    assert_eq!(project.database().value("SELECT count(memo) FROM billing.\"Receipt\""), "4000");
}

/// What a new partition displaces: the target says whether there is a default partition, and how many rows it has.
#[test]
fn a_default_partition_is_read_for_a_new_one() {
    let made = "CREATE TABLE \"fare\" (day date NOT NULL) PARTITION BY RANGE (day);\n\
                CREATE TABLE \"fare_rest\" PARTITION OF \"fare\" DEFAULT;\n";
    let project = project(
        &format!("{TRAM_SQL}{made}"),
        "INSERT INTO fare SELECT '2025-01-01' FROM generate_series(1, 20000); ANALYZE fare_rest",
    );
    let next = "FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');";
    assert_eq!(
        found(&project, &format!("CREATE TABLE \"fare_2026\" PARTITION OF \"fare\" {next}")),
        ["warning blocking-attach(fare_2026)"]
    );
    let filled = format!(
        "CREATE TABLE \"fare_2026\" (LIKE \"fare\" INCLUDING DEFAULTS);\n\
         INSERT INTO \"fare_2026\" SELECT * FROM \"fare\" WHERE day >= '2026-01-01';\n\
         ALTER TABLE \"fare\" ATTACH PARTITION \"fare_2026\" {next}"
    );
    assert!(found(&project, &filled).contains(&"warning blocking-attach(fare_2026)".to_owned()));
    project.database().execute("DELETE FROM fare");
    assert_eq!(found(&project, &format!("CREATE TABLE \"fare_2026\" PARTITION OF \"fare\" {next}")), [""; 0]);
}
