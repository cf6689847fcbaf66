//! `catalog`, and `review --catalog`: a file stands for a database that nobody can reach.

use std::time::Duration;

use jiff::{Timestamp, ToSpan as _};
use prisma_safe::catalog::Catalog;
use prisma_safe::catalog::live::{CatalogFile, Live, Without};
use prisma_safe::project::Migration;
use prisma_safe::review::probes::Probes;
use prisma_safe::review::recorded::Recorded;
use prisma_safe::review::{Request, Review, review};
use prisma_safe::rules::{Live as Ask, Settings};
use serde_json::Value;

use crate::support::{Database, Project, schema};

const TRAM: &str = "model Tram {\n  id   Int    @id\n  line String\n}\n";
const TRAM_SQL: &str = "CREATE TABLE \"Tram\" (\"id\" INTEGER NOT NULL, \"line\" TEXT NOT NULL, CONSTRAINT \"Tram_pkey\" PRIMARY KEY (\"id\"));\n";

/// Made by hand: no migration knows it.
const BY_HAND: &str = "
CREATE TABLE archive (id int PRIMARY KEY, title varchar(200));
INSERT INTO archive SELECT g, rpad('box ' || g || ' ', 90, 'x') FROM generate_series(1, 3000) g;
CREATE TYPE \"Mood\" AS ENUM ('calm', 'wild', 'lost');
CREATE TABLE shelf (id int PRIMARY KEY, code text UNIQUE, mood \"Mood\", seen timestamp(3), n int);
INSERT INTO shelf SELECT g, g::text, 'calm', now(), g FROM generate_series(1, 3000) g;
CREATE UNIQUE INDEX shelf_n_key ON shelf(n);
CREATE VIEW titles AS SELECT title FROM archive;
CREATE VIEW longer AS SELECT title FROM titles;
CREATE FUNCTION shelved(text) RETURNS \"Mood\" LANGUAGE sql AS 'SELECT mood FROM public.shelf WHERE code = $1';
CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER watcher BEFORE UPDATE OF code ON shelf FOR EACH ROW EXECUTE FUNCTION watch();
CREATE POLICY own ON shelf USING (n > 0);
CREATE TABLE copied (LIKE \"Tram\" INCLUDING ALL);
INSERT INTO copied SELECT g, 'line' FROM generate_series(1, 3000) g;
CREATE TABLE selected AS SELECT * FROM \"Tram\";
COMMENT ON TABLE shelf IS 'a comment with hunter2';
";

/// E1, E2 and more of what compares with what is there.
const MIGRATIONS: &[&str] = &[
    "ALTER TABLE \"archive\" ALTER COLUMN title TYPE varchar(50) USING left(title, 50);",
    "ALTER TABLE \"shelf\" DROP CONSTRAINT \"shelf_pkey\";",
    "ALTER TABLE \"shelf\" DROP CONSTRAINT \"shelf_code_key\";",
    "DROP INDEX \"shelf_n_key\";",
    "CREATE TYPE \"Mood_new\" AS ENUM ('calm', 'wild');\nALTER TABLE \"shelf\" ALTER COLUMN mood TYPE \"Mood_new\" USING mood::text::\"Mood_new\";",
    "ALTER TABLE \"shelf\" ALTER COLUMN seen TYPE timestamptz(3);",
    "ALTER TABLE \"shelf\" ALTER COLUMN n TYPE bigint;",
    "ALTER TABLE \"shelf\" RENAME COLUMN \"code\" TO \"barcode\";",
    "ALTER TABLE \"shelf\" DROP COLUMN \"code\";",
    "ALTER TABLE \"shelf\" ADD COLUMN \"room\" TEXT NOT NULL;",
    "ALTER TABLE \"shelf\" DROP COLUMN \"nothing\";",
    "ALTER TABLE \"copied\" ALTER COLUMN line TYPE varchar(3) USING left(line, 3);",
    "ALTER TABLE \"selected\" RENAME COLUMN line TO route;",
    "DROP TABLE \"archive\";",
    "DROP TABLE \"archive\" CASCADE;",
    "DROP VIEW \"titles\" CASCADE;",
    "DROP TYPE \"Mood\" CASCADE;",
    "DROP FUNCTION shelved(text) CASCADE;",
    "CREATE INDEX \"shelf_seen_idx\" ON \"shelf\"(\"seen\");",
    "CREATE TABLE IF NOT EXISTS \"archive\" (id int PRIMARY KEY);",
    "ALTER TABLE \"Tram\" ADD COLUMN \"note\" TEXT;",
    "DELETE FROM \"shelf\";",
];

fn project() -> Project {
    let project = Project::prisma7().schema(TRAM).migration("20250101000000_init", TRAM_SQL).applied();
    project.database().execute(BY_HAND);
    project
}

/// Takes the catalog, then takes away everything that could connect.
fn by_catalog_alone() -> Project {
    let project = project();
    project.run(["catalog", "--output", "catalog.json"]).succeeds();
    std::fs::remove_file(project.path(".env")).unwrap();
    std::fs::remove_file(project.path("node_modules")).unwrap();
    project.write(".env", "DATABASE_URL=\"postgresql://nobody@127.0.0.1:1/none\"\n");
    project
}

fn asked(sql: &str, world: Catalog, live: &dyn Ask) -> Review {
    let migration = Migration { name: "2".into(), path: "2".into(), sql: sql.into() };
    review(Request {
        migrations: &[migration],
        world: Some(world),
        earlier: &[],
        default_schema: "public",
        live: Some(live),
        identity: None,
        settings: &Settings { small_table_rows: 1000, lock_budget_seconds: 5, ..Settings::default() },
        standing: Vec::new(),
    })
}

/// `rule(object)` of every finding.
fn lines(review: &Review) -> Vec<String> {
    review.findings().map(|finding| format!("{}({})", finding.rule, finding.object)).collect()
}

#[test]
fn it_agrees_with_the_database_but_for_what_is_measured() {
    let database = Database::new();
    database.execute(&format!(
        "{TRAM_SQL}INSERT INTO \"Tram\" SELECT g, 'line' FROM generate_series(1, 3000) g; {BY_HAND}"
    ));
    let mut client = database.connect();
    let definitions = Live::read(&mut client, &Without::default()).unwrap();
    let taken = CatalogFile::take(&mut client, "public").unwrap();
    // as it comes back from the disk
    let file: CatalogFile = serde_json::from_str(&serde_json::to_string(&taken).unwrap()).unwrap();
    let (mut some, mut apart) = (0, Vec::new());
    for sql in MIGRATIONS {
        let probes = Probes::new(&mut client, Duration::from_secs(10), 3).unwrap();
        let online = lines(&asked(sql, Catalog::of_target("public", &definitions), &probes));
        let recorded = Recorded::new(&file, "catalog.json", Timestamp::now());
        let recorded = lines(&asked(sql, file.catalog(), &recorded));
        some += online.len();
        if online != recorded {
            apart.push(format!("{sql}\n  {online:?}\n  {recorded:?}"));
        }
    }
    assert!(apart.is_empty(), "{}", apart.join("\n"));
    assert!(some >= MIGRATIONS.len(), "{some} findings");
}

#[test]
fn what_it_writes_is_as_the_schema_says_and_holds_no_value() {
    let project = project();
    project.database().execute(
        "CREATE EXTENSION postgres_fdw; CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'far-away.example'); \
         CREATE USER MAPPING FOR CURRENT_USER SERVER far OPTIONS (user 'far_user', password 'hunter2'); \
         CREATE FOREIGN TABLE beyond (id int) SERVER far OPTIONS (table_name 'their_table'); \
         CREATE SUBSCRIPTION sub CONNECTION 'host=far-away.example password=hunter2' PUBLICATION p \
         WITH (connect = false, slot_name = NONE)",
    );
    let printed = project.run(["catalog", "--format", "json"]).succeeds();
    let document = printed.json();
    schema::assert_valid("catalog", &document);
    for secret in ["far-away", "far_user", "hunter2", "their_table", "box 7", "127.0.0.1", project.database().name()] {
        assert!(!printed.stdout.contains(secret), "{secret}\n{}", printed.stdout);
    }
    assert_eq!(document["appliedMigrations"], serde_json::json!(["20250101000000_init"]));
    let rows = document["tables"]["\"public\".\"archive\""]["rows"].as_u64().unwrap();
    assert!((300..30_000).contains(&rows), "{rows}");
    // the same to a file, which nobody can take for people's text
    project.run(["catalog", "--output", "there.json"]).succeeds().says("no value of any row");
    let mut written: Value = serde_json::from_str(&project.read("there.json")).unwrap();
    written["takenAt"] = document["takenAt"].clone();
    assert_eq!(written, document);
}

#[test]
fn a_review_needs_neither_database_nor_prisma() {
    let project = by_catalog_alone();
    let cut = "20250201000000_cut";
    project.add_migration(cut, &format!("{}\nALTER TABLE \"shelf\" DROP COLUMN \"mood\";", MIGRATIONS[0]));
    let file = format!("prisma/migrations/{cut}/migration.sql");
    for what in [cut, &file] {
        let json = project.run(["review", what, "--catalog", "catalog.json", "--format", "json"]).exits(3).json();
        schema::assert_valid("review", &json);
        let text = json.to_string();
        assert!(text.contains("narrow-type") && text.contains("dependent-object"), "{json:#}");
        assert!(text.contains("catalog.json, taken less than two hours ago"), "{json:#}");
        assert!(json["unchecked"].to_string().contains("from a catalog file: no data was asked"), "{json:#}");
        assert_eq!(json["target"]["catalog"]["file"], "catalog.json");
        assert!(!text.contains("\"measured\""), "{json:#}");
    }
    // the newest, without a name
    project.run(["review", "--catalog", "catalog.json"]).exits(3).says("estimates of catalog.json");
    // what the file does not have is absent, not unknown
    project.add_migration("20250202000000_gone", "ALTER TABLE \"gone\" DROP COLUMN \"x\";");
    project.run(["review", "--catalog", "catalog.json"]).exits(3).says("impossible-statement");
}

#[test]
fn earlier_migrations_are_replayed_over_it_unless_it_has_them() {
    let project = by_catalog_alone();
    project.add_migration("20250201000000_shed", "CREATE TABLE \"Shed\" (\"id\" INTEGER PRIMARY KEY, \"name\" TEXT);");
    project.add_migration("20250202000000_short", "ALTER TABLE \"Shed\" ALTER COLUMN \"name\" TYPE varchar(5);");
    let review = ["review", "20250202000000_short", "--catalog", "catalog.json", "--format", "json"];
    let json = project.run(review).exits(3).json();
    assert!(json.to_string().contains("narrow-type") && !json.to_string().contains("impossible"), "{json:#}");
    // applied there before it was taken: the file does not tell what was before
    let json = project.run(["review", "20250101000000_init", "--catalog", "catalog.json", "--format", "json"]).json();
    assert!(json["unchecked"].to_string().contains("was applied before it was taken"), "{json:#}");
}

/// The folder alone knows neither the table that was made by hand nor what it would take to make it again.
#[test]
fn what_a_rollback_could_do_is_graded_by_it() {
    let project = by_catalog_alone();
    for (name, sql) in [
        ("20250201000000_drop", "ALTER TABLE \"shelf\" DROP COLUMN \"seen\";"),
        ("20250202000000_seen", "ALTER TABLE \"shelf\" ADD COLUMN \"seen\" TEXT;"),
        ("20250203000000_short", "ALTER TABLE \"shelf\" DROP CONSTRAINT \"shelf_code_key\";"),
    ] {
        project.add_migration(name, sql);
    }
    let grades = |what: &[&str], how: &[&str]| {
        let json = project.run([&["review", "--format", "json"], what, how].concat()).json();
        let migrations = json["migrations"].as_array().expect("migrations").clone();
        let grade = |it: Value| it["undo"]["grade"].as_str().expect("a grade").to_owned();
        migrations.into_iter().map(grade).collect::<Vec<_>>()
    };
    let file = ["--catalog", "catalog.json"];
    let pending = ["20250201000000_drop", "20250202000000_seen", "20250203000000_short"];
    assert_eq!(grades(&pending, &["--offline"]), ["backup"; 3]);
    assert_eq!(grades(&pending, &file), ["kept", "reversible", "reversible"]);
    // one alone stands behind those before it, and what has run is graded by the folder
    assert_eq!(grades(&pending[1..2], &file), ["reversible"]);
    assert_eq!(grades(&["--all"], &file), ["reversible", "kept", "reversible", "reversible"]);
}

#[test]
fn an_old_file_is_said_to_be_old() {
    let project = by_catalog_alone();
    project.add_migration("20250201000000_note", "ALTER TABLE \"Tram\" ADD COLUMN \"note\" TEXT;");
    let mut file: Value = serde_json::from_str(&project.read("catalog.json")).unwrap();
    for (hours, said) in
        [(80, "taken 3 days ago"), (24 * 12, "was taken 12 days ago: `prisma-safe catalog` takes a new one")]
    {
        file["takenAt"] = (Timestamp::now() - hours.hours()).to_string().into();
        project.write("catalog.json", &file.to_string());
        let review = project.run(["review", "--catalog", "catalog.json"]).exits(0).says(said);
        assert_eq!(review.everything().contains("has changed on the target"), hours > 80);
    }
}

#[test]
fn a_file_that_is_no_catalog_is_refused() {
    let project = by_catalog_alone();
    let whole = project.read("catalog.json");
    project.write("truncated.json", &whole[..whole.len() / 2]);
    project.write("newer.json", &whole.replacen("\"schemaVersion\": 1", "\"schemaVersion\": 2", 1));
    project.write("other.json", "{\"name\": \"music\"}");
    project.write("text.json", "CREATE TABLE t ();");
    for (file, cause) in [
        ("truncated.json", "EOF while parsing"),
        ("newer.json", "schemaVersion 2"),
        ("other.json", "missing field"),
        ("text.json", "expected value"),
        ("prisma", "Is a directory"),
        ("none.json", "No such file"),
    ] {
        project.run(["review", "--catalog", file]).exits(2).says(cause).says("help:");
    }
    let url = "postgresql://nobody@127.0.0.1:1/none";
    project.run(["review", "--catalog", "catalog.json", "--url", url]).exits(2).says("leave out --url");
}
