//! The review with a real target: what is measured raises and lowers findings, and nothing is changed by asking.

use std::path::Path;
use std::time::Duration;

use prisma_safe::catalog::ObjectName;
use prisma_safe::database::Standing;
use prisma_safe::project::Migration;
use prisma_safe::report::{Format, Look, render};
use prisma_safe::review::probes::Probes;
use prisma_safe::review::{Request, Review, Verdict, review};
use prisma_safe::rules::{Live as _, Settings, Severity, Which};

use crate::support::postgres::Database;
use crate::support::{Project, sarif, schema};

const INIT: &str = r#"
CREATE TYPE "Role" AS ENUM ('USER', 'ADMIN', 'GUEST');
CREATE TABLE "Album" ("id" INTEGER NOT NULL, CONSTRAINT "Album_pkey" PRIMARY KEY ("id"));
CREATE TABLE "Song" (
    "id" SERIAL NOT NULL,
    "title" TEXT NOT NULL,
    "artist" VARCHAR(200),
    "empty" TEXT,
    "plays" BIGINT NOT NULL DEFAULT 0,
    "price" DECIMAL(10,3) NOT NULL DEFAULT 1.5,
    "role" "Role" NOT NULL DEFAULT 'USER',
    "albumId" INTEGER,
    CONSTRAINT "Song_pkey" PRIMARY KEY ("id")
);
CREATE TABLE "Nobody" ("id" INTEGER NOT NULL, "name" TEXT, CONSTRAINT "Nobody_pkey" PRIMARY KEY ("id"));
"#;

const ROWS: &str = r#"
INSERT INTO "Album" VALUES (1);
INSERT INTO "Song" ("title", "artist", "plays", "role", "albumId")
SELECT 'title ' || n % 20000, CASE WHEN n % 10 > 0 THEN repeat('x', n % 60) END, n * 200000::bigint,
    CASE WHEN n = 7 THEN 'ADMIN' ELSE 'USER' END::"Role", CASE WHEN n < 4 THEN n END
FROM generate_series(1, 20000) AS n;
INSERT INTO "Song" ("title") VALUES ('title 1');
"#;

/// What the review says about one migration, as `severity rule(object): evidence`.
fn against(database: &Database, sql: &str) -> (Review, Vec<String>) {
    after(database, INIT, sql)
}

fn after(database: &Database, earlier: &str, sql: &str) -> (Review, Vec<String>) {
    let mut client = database.connect();
    let probes = Probes::new(&mut client, Duration::from_secs(10), 3).expect("a session");
    let migration = |name: &str, sql: &str| Migration { name: name.into(), path: name.into(), sql: sql.into() };
    let review = review(Request {
        migrations: &[migration("2", sql)],
        world: None,
        earlier: &[migration("1", earlier)],
        default_schema: "public",
        live: Some(&probes),
        identity: Some("here"),
        settings: &settings(),
        standing: Vec::new(),
    });
    let line = |finding: &prisma_safe::rules::Finding| {
        let evidence: Vec<&str> = finding.evidence.iter().map(|it| it.text.as_str()).collect();
        format!("{} {}({}): {}", finding.severity.as_str(), finding.rule, finding.object, evidence.join("; "))
    };
    let lines = review.findings().map(line).collect();
    (review, lines)
}

fn settings() -> Settings {
    Settings { small_table_rows: 10_000, lock_budget_seconds: 5, ..Settings::default() }
}

fn filled() -> Database {
    let database = Database::new();
    database.execute(INIT);
    database.execute(ROWS);
    database
}

#[test]
fn what_is_measured_decides() {
    let mut wrong = Vec::new();
    let database = filled();
    for (sql, expected) in [
        (
            r#"ALTER TABLE "Song" DROP COLUMN "artist";"#,
            &["error drop-column(Song.artist): 18,000 rows hold a value in Song.artist"][..],
        ),
        (
            r#"ALTER TABLE "Song" DROP COLUMN "empty";"#,
            &["warning drop-column(Song.empty): 0 rows hold a value in Song.empty: nothing is lost now"],
        ),
        (r#"DROP TABLE "Nobody";"#, &["warning drop-table(Nobody): Nobody holds 0 rows: nothing is lost now"]),
        (
            r#"ALTER TABLE "Nobody" ADD COLUMN "x" TEXT NOT NULL;"#,
            &["info required-column(Nobody.x): Nobody holds 0 rows, safe now"],
        ),
        (
            r#"ALTER TABLE "Song" ADD COLUMN "x" TEXT NOT NULL;"#,
            &["error required-column(Song.x): Song holds 20,001 rows"],
        ),
        (
            r#"ALTER TABLE "Song" ALTER COLUMN "artist" SET NOT NULL;"#,
            &["error set-not-null(Song.artist): 2,001 rows hold NULL in Song.artist; among them id 10, 20, 30, …"],
        ),
        (
            r#"UPDATE "Song" SET "artist" = '' WHERE "artist" IS NULL; ALTER TABLE "Song" ALTER COLUMN "artist" SET NOT NULL;"#,
            &[
                "warning bulk-write(Song): Song holds 20,001 rows; about 1 s, at 200,000 rows a second",
                "warning set-not-null(Song.artist): 2,001 rows hold NULL in Song.artist; among them id 10, 20, 30, …",
            ],
        ),
        (r#"ALTER TABLE "Nobody" ALTER COLUMN "name" SET NOT NULL;"#, &[]),
        (
            r#"CREATE UNIQUE INDEX CONCURRENTLY "u" ON "Song"("title");"#,
            &["error add-unique(u): 1 value stands in more than one row; among them id 1 and 20001"],
        ),
        (r#"CREATE UNIQUE INDEX CONCURRENTLY "u" ON "Song"("title", "artist");"#, &[]),
        (r#"CREATE UNIQUE INDEX CONCURRENTLY "u" ON "Song"("title") WHERE "plays" > 0;"#, &[]),
        (r#"CREATE UNIQUE INDEX CONCURRENTLY "u" ON "Song"(lower("title")) WHERE "plays" < 1;"#, &[]),
        (
            r#"CREATE UNIQUE INDEX CONCURRENTLY "u" ON "Song"(lower("title"));"#,
            &["error add-unique(u): 1 value stands in more than one row; among them id 1 and 20001"],
        ),
        (r#"CREATE UNIQUE INDEX "u" ON "Nobody"("name");"#, &[]),
        (
            r#"ALTER TABLE "Song" ADD CONSTRAINT "c" CHECK ("plays" < 600000);"#,
            &["error validated-constraint(c): 19,998 rows break the check: this fails; among them id 3, 4, 5, …"],
        ),
        (
            r#"ALTER TABLE "Song" ADD CONSTRAINT "c" CHECK ("plays" >= 0);"#,
            &[
                "warning validated-constraint(c): every row passes; Song holds 20,001 rows; about 1 s, at 2,000,000 rows a second",
            ],
        ),
        (r#"ALTER TABLE "Song" ADD CONSTRAINT "c" CHECK ("plays" >= 0) NOT VALID;"#, &[]),
        (
            r#"DELETE FROM "Album"; ALTER TABLE "Song" DROP COLUMN "albumId";"#,
            &[
                "error delete-without-where(Album): Album holds 1 row",
                "error drop-column(Song.albumId): 3 rows hold a value in Song.albumId; among them id 1, 2, 3",
            ],
        ),
        (
            r#"CREATE INDEX "i" ON "Song"("title");"#,
            &["warning blocking-index(i): Song holds 20,001 rows; about 1 s, at 500,000 rows a second"],
        ),
        (
            r#"ALTER TABLE "Song" ALTER COLUMN "artist" SET DATA TYPE VARCHAR(59);"#,
            &[
                "warning table-rewrite(Song.artist): Song holds 20,001 rows; about 1 s, at 200,000 rows a second",
                "info narrow-type(Song.artist): Song.artist is character varying(200); every value of Song.artist fits character varying(59)",
            ],
        ),
        (
            r#"ALTER TABLE "Song" ALTER COLUMN "artist" SET DATA TYPE VARCHAR(58);"#,
            &[
                "error narrow-type(Song.artist): Song.artist is character varying(200); 333 rows hold values that do not fit character varying(58); among them id 59, 119, 179, …",
                "warning table-rewrite(Song.artist): Song holds 20,001 rows; about 1 s, at 200,000 rows a second",
            ],
        ),
        (
            r#"ALTER TABLE "Song" ALTER COLUMN "title" SET DATA TYPE INTEGER USING "title"::integer;"#,
            &[
                "error narrow-type(Song.title): Song.title is text; 20,001 rows hold values that do not fit integer; among them id 1, 2, 3, …",
                "warning table-rewrite(Song.title): Song holds 20,001 rows; about 1 s, at 200,000 rows a second",
            ],
        ),
        (r#"DROP DATABASE "music";"#, &["error drop-database(music): "]),
        (r#"ALTER TABLE "Song" ADD COLUMN "label" TEXT;"#, &[]),
        (r#"ALTER TABLE "Missing" DROP COLUMN "x";"#, &["error drop-column(Missing.x): "]),
    ] {
        let found = against(&database, sql).1;
        if found != expected {
            wrong.push(format!("{sql}\n  expected {expected:#?}\n  found {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rewrites_foreign_keys_and_enums_are_measured() {
    let database = filled();
    let (_, lines) = against(&database, r#"ALTER TABLE "Song" ALTER COLUMN "plays" SET DATA TYPE INTEGER;"#);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("9,263 rows hold values that do not fit integer"), "{lines:?}");
    let (_, lines) = against(&database, r#"ALTER TABLE "Song" ALTER COLUMN "price" SET DATA TYPE DECIMAL(10,2);"#);
    assert!(lines[1].starts_with("info narrow-type"), "{lines:?}");
    let (_, lines) = against(
        &database,
        r#"ALTER TABLE "Song" ADD CONSTRAINT "f" FOREIGN KEY ("albumId") REFERENCES "Album"("id");"#,
    );
    assert!(lines[0].starts_with("error validated-constraint(f): 2 rows have no partner in Album"), "{lines:?}");
    assert!(lines[1].starts_with("warning unindexed-foreign-key(f)"), "{lines:?}");
    let recreate = |values: &str| {
        format!(
            r#"CREATE TYPE "Role_new" AS ENUM ({values});
            ALTER TABLE "Song" ALTER COLUMN "role" DROP DEFAULT;
            ALTER TABLE "Song" ALTER COLUMN "role" TYPE "Role_new" USING ("role"::text::"Role_new");
            ALTER TYPE "Role" RENAME TO "Role_old"; ALTER TYPE "Role_new" RENAME TO "Role"; DROP TYPE "Role_old";"#
        )
    };
    let (_, lines) = against(&database, &recreate("'USER', 'GUEST'"));
    let expected = "error drop-enum-value(Role.ADMIN): 1 row of Song.role: `ADMIN`; among them id 7";
    assert!(lines.iter().any(|line| line == expected), "{lines:?}");
    let (_, lines) = against(&database, &recreate("'USER', 'ADMIN'"));
    assert!(lines.iter().all(|line| !line.starts_with("error")), "{lines:?}");
    assert!(
        lines.iter().any(|line| line == "warning drop-enum-value(Role.GUEST): 0 rows of Song.role hold `GUEST` now")
    );
}

/// Constraints of an earlier migration that were never proved: `VALIDATE` fails on one row.
#[test]
fn what_validation_would_refuse_is_measured() {
    let database = filled();
    let not_valid = r#"
        ALTER TABLE "Song" ADD CONSTRAINT "f" FOREIGN KEY ("albumId") REFERENCES "Album"("id") NOT VALID;
        ALTER TABLE "Song" ADD CONSTRAINT "c" CHECK ("plays" > 0) NOT VALID;"#;
    database.execute(not_valid);
    let earlier = format!("{INIT}{not_valid}");
    let (_, lines) = after(&database, &earlier, r#"ALTER TABLE "Song" VALIDATE CONSTRAINT "f";"#);
    assert_eq!(
        lines,
        ["error validated-constraint(f): 2 rows have no partner in Album: this fails; among them id 2, 3"]
    );
    let (_, lines) = after(&database, &earlier, r#"ALTER TABLE "Song" VALIDATE CONSTRAINT "c";"#);
    assert_eq!(lines, ["error validated-constraint(c): 1 row breaks the check: this fails; among them id 20001"]);
    let settled = r#"DELETE FROM "Song" WHERE "plays" = 0; ALTER TABLE "Song" VALIDATE CONSTRAINT "c";"#;
    assert!(after(&database, &earlier, settled).1.iter().all(|line| !line.starts_with("error")));
}

#[test]
fn what_an_earlier_try_left_and_how_the_server_is_set_decide() {
    let database = filled();
    let failed = r#"CREATE UNIQUE INDEX CONCURRENTLY "left" ON "Song"("title")"#;
    assert!(database.connect().batch_execute(failed).is_err());
    let again = r#"CREATE INDEX CONCURRENTLY IF NOT EXISTS "left" ON "Song"("artist");"#;
    assert_eq!(against(&database, again).1, ["warning unsound-index(left): left is invalid"]);
    database.execute(r#"DROP INDEX "left""#);
    assert_eq!(against(&database, again).1, Vec::<String>::new());

    let moment = r#"ALTER TABLE "At" ALTER COLUMN "at" TYPE timestamptz(3);"#;
    let earlier = r#"CREATE TABLE "At" ("at" TIMESTAMP(3)); INSERT INTO "At" VALUES (now());"#;
    database.execute(earlier);
    let zone = |zone: &str| format!("ALTER DATABASE \"{}\" SET timezone = '{zone}'", database.name());
    database.execute(&zone("UTC"));
    assert_eq!(after(&database, earlier, moment).1, Vec::<String>::new());
    database.execute(&zone("Etc/UTC"));
    assert_eq!(after(&database, earlier, moment).1, Vec::<String>::new());
    // in winter London has the hours of UTC
    for other in ["Asia/Tokyo", "Europe/London"] {
        database.execute(&zone(other));
        assert_eq!(after(&database, earlier, moment).1, ["warning time-zone-cast(At.at): "]);
    }

    let parts = r#"CREATE TABLE "Part" ("id" INTEGER) PARTITION BY RANGE ("id");"#;
    database.execute(parts);
    let index = r#"CREATE INDEX CONCURRENTLY "p" ON "Part"("id");"#;
    assert_eq!(after(&database, parts, index).1, ["error partitioned-index(p): Part is a partitioned table"]);
}

#[test]
fn keys_are_named_only_where_they_are_wanted() {
    let database = filled();
    database.execute(r#"CREATE TABLE "Pair" ("a" INT, "b" TEXT, "secret" TEXT, PRIMARY KEY ("a", "b"))"#);
    database.execute(r#"INSERT INTO "Pair" VALUES (1, 'x', NULL), (1, repeat('y', 99), NULL), (2, 'z', 'hush')"#);
    let table = ObjectName { schema: "public".into(), name: "Pair".into() };
    let which = Which::Null { column: "secret" };
    let mut client = database.connect();
    let probes = Probes::new(&mut client, Duration::from_secs(1), 3).expect("a session");
    assert_eq!(probes.keys(&table, &which), Some(format!("a, b 1, x; 1, {}", "y".repeat(40))));
    drop(probes);
    let none = Probes::new(&mut client, Duration::from_secs(1), 0).expect("a session");
    assert_eq!((none.keys(&table, &which), none.count(&table, &which)), (None, Some(2)));
}

#[test]
fn names_are_followed_to_the_target() {
    let database = filled();
    let (_, lines) = against(
        &database,
        r#"ALTER TABLE "Song" RENAME TO "Track"; ALTER TABLE "Track" RENAME COLUMN "artist" TO "singer";
           ALTER TABLE "Track" DROP COLUMN "singer"; CREATE TABLE "Song" ("id" INT); DROP TABLE "Song";"#,
    );
    assert!(
        lines.contains(&"error drop-column(Track.singer): 18,000 rows hold a value in Track.singer".to_owned()),
        "{lines:?}"
    );
    assert!(!lines.iter().any(|line| line.contains("drop-table")), "{lines:?}");
}

/// What mentions a renamed column is only known to the database; where nothing is renamed, nothing is said of it.
#[test]
fn offline_the_dependents_of_what_is_renamed_are_unchecked() {
    let told = |sql: &str| offline(sql).unchecked.iter().any(|it| it.what.contains("that mention what is renamed"));
    assert!(told("ALTER TABLE \"Song\" RENAME COLUMN \"artist\" TO \"singer\";"));
    assert!(told("ALTER TABLE \"Song\" RENAME TO \"Track\";"));
    assert!(!told("ALTER TABLE \"Song\" ADD COLUMN \"year\" INTEGER;"));
}

#[test]
fn a_question_that_takes_too_long_is_unchecked() {
    let database = filled();
    let before = database.contents();
    let mut other = database.connect();
    let mut lock = other.transaction().expect("a transaction");
    lock.batch_execute(r#"LOCK TABLE "Song" IN ACCESS EXCLUSIVE MODE"#).expect("the lock");
    let (review, lines) = against(&database, r#"ALTER TABLE "Song" DROP COLUMN "artist";"#);
    assert_eq!(lines, ["error drop-column(Song.artist): "]);
    assert_eq!(
        review.unchecked.iter().map(|it| it.what.as_str()).collect::<Vec<_>>(),
        ["rows of Song", "values in Song.artist"]
    );
    drop(lock);
    assert_eq!(database.contents(), before);
}

#[test]
fn nothing_can_be_written_by_asking() {
    let database = filled();
    database.execute(r#"CREATE FUNCTION evil(x text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT true $$"#);
    let (review, _) = against(&database, r#"CREATE UNIQUE INDEX "u" ON "Song"("title") WHERE evil("title");"#);
    assert!(review.unchecked.iter().any(|it| it.why.contains("calls a function")), "{:?}", review.unchecked);
    assert_eq!(review.verdict, Verdict::Warn);
    assert!(review.findings().all(|finding| finding.severity == Severity::Warning));
    let mut client = database.connect();
    let probes = Probes::new(&mut client, Duration::from_secs(1), 3).expect("a session");
    assert_eq!(probes.server_version() / 10_000, 15);
    // hostile names stay names
    let name = ObjectName { schema: "public".into(), name: "Song\"; DROP TABLE \"Song".into() };
    assert_eq!(probes.rows(&name), None);
    assert_eq!(database.count("Song"), 20_001);
}

/// Everything a JSON document of a review may hold: each file of `tests/rules` and `tests/review`, and a live one.
#[test]
fn json_keeps_to_its_schema() {
    let look = Look { color: false, width: 80, root: Path::new("") };
    let document =
        |review: &Review| serde_json::from_str::<serde_json::Value>(&render(review, Format::Json, look)).expect("JSON");
    let database = filled();
    let (mut review, _) = against(
        &database,
        r#"-- prisma-safe:allow drop-column(Song.artist): unused since 2.3
           ALTER TABLE "Song" DROP COLUMN "artist", DROP COLUMN "title";"#,
    );
    assert_eq!(review.accepted_losses().count(), 1);
    let fix = prisma_safe::rules::Fix {
        title: "x".into(),
        edits: vec![prisma_safe::sql::Edit { range: 0..1, text: "y".into() }],
        following: Vec::new(),
        index: None,
    };
    review.migrations[0].findings[0].fix = Some(fix);
    let missing = Standing { missing: vec!["gone".to_owned()], ..Standing::default() };
    let gone = prisma_safe::review::history::standing(&missing, &[], Path::new("migrations"));
    review.migrations.extend(gone);
    let valid = document(&review);
    schema::assert_valid("review", &valid);
    assert!(valid["planHash"].is_string() && valid["target"]["serverVersion"].is_string());
    for (file, text) in examples() {
        let review = offline(&text);
        let document = document(&review);
        assert!(document["planHash"].is_null(), "{file}");
        schema::assert_valid("review", &document);
    }
    // the checker checks
    for (pointer, wrong) in [
        ("/verdict", serde_json::json!("maybe")),
        ("/planHash", serde_json::json!("short")),
        ("/migrations/0/findings/0/line", serde_json::json!(0)),
        ("/migrations/0/findings/0/severity", serde_json::json!(3)),
        ("/migrations/0/findings/0", serde_json::json!({})),
        ("/unchecked", serde_json::json!([{"what": "x", "why": "y", "more": 1}])),
    ] {
        let mut document = valid.clone();
        *document.pointer_mut(pointer).expect("a place") = wrong;
        let text = std::fs::read_to_string("schemas/review.schema.json").expect("the schema");
        assert!(!schema::problems(&serde_json::from_str(&text).expect("JSON"), &document).is_empty(), "{pointer}");
    }
}

/// What code scanning demands of a log: places from 1, known rules, results that name them, relative files.
#[test]
fn sarif_points_to_places_and_rules() {
    let look = Look { color: false, width: 80, root: Path::new("") };
    for (file, text) in examples() {
        let log: serde_json::Value = serde_json::from_str(&render(&offline(&text), Format::Sarif, look)).expect("JSON");
        let run = &log["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
        for result in run["results"].as_array().expect("results") {
            let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("small");
            assert_eq!(rules[index]["id"], result["ruleId"], "{file}");
            let place = &result["locations"][0]["physicalLocation"];
            assert!(!place["artifactLocation"]["uri"].as_str().expect("a uri").starts_with('/'), "{file}");
            let number = |key: &str| place["region"][key].as_u64().expect("a number");
            assert!(number("startLine") >= 1 && number("startColumn") >= 1, "{file}");
            let (start, end) = ((number("startLine"), number("startColumn")), (number("endLine"), number("endColumn")));
            assert!(start <= end, "{file}");
        }
    }
}

/// The published schema's rules for what we write (OASIS, SARIF 2.1.0 errata 01): names, required members, enumerations.
#[test]
fn sarif_keeps_to_the_published_schema() {
    let look = Look { color: false, width: 80, root: Path::new("") };
    for (file, text) in examples() {
        let log: serde_json::Value = serde_json::from_str(&render(&offline(&text), Format::Sarif, look)).expect("JSON");
        let problems = sarif::problems(&log);
        assert!(problems.is_empty(), "{file}: {}", problems.join("\n"));
    }
    // the checker checks
    let sql = "ALTER TABLE \"Song\" DROP COLUMN \"artist\";";
    let valid: serde_json::Value = serde_json::from_str(&render(&offline(sql), Format::Sarif, look)).expect("JSON");
    for (pointer, wrong) in [
        ("/version", serde_json::json!("2.0.0")),
        ("/runs/0/tool", serde_json::json!({})),
        ("/runs/0/columnKind", serde_json::json!("bytes")),
        ("/runs/0/results/0/level", serde_json::json!("fatal")),
        ("/runs/0/results/0/message", serde_json::json!({"txt": "x"})),
        ("/runs/0/results/0/ruleIndex", serde_json::json!(-2)),
        ("/runs/0/results/0/locations/0/physicalLocation/region/startLine", serde_json::json!(0)),
        ("/runs/0/tool/driver/rules/0/id", serde_json::json!(1)),
    ] {
        let mut log = valid.clone();
        *log.pointer_mut(pointer).expect(pointer) = wrong;
        assert!(!sarif::problems(&log).is_empty(), "{pointer}");
    }
}

/// The page is one file: nothing is fetched, no script runs, every finding is there, light and dark are chosen by the reader.
#[test]
fn html_is_one_file_that_fetches_nothing() {
    let look = Look { color: false, width: 80, root: Path::new("") };
    for (file, text) in examples() {
        let review = offline(&text);
        let page = render(&review, Format::Html, look);
        for (what, pattern) in [
            ("a script", "<script"),
            ("an event", " on[a-z]+=\""),
            ("something to fetch", "(src|href)=\"[^#]|url\\(|@import|<link|<img|<iframe"),
        ] {
            let pattern = regex::Regex::new(pattern).expect("a pattern");
            assert!(!pattern.is_match(&page), "{file}: {what}");
        }
        assert!(page.contains("default-src 'none'") && page.contains("name=\"viewport\""), "{file}");
        assert!(page.contains("content=\"light dark\"") && page.contains("@media (max-width"), "{file}");
        let shown = page.matches("<div class=\"finding ").count();
        assert_eq!(shown, review.findings().count(), "{file}");
        for open in ["section", "details", "ol", "li", "div", "dl", "nav", "span"] {
            let opened = regex::Regex::new(&format!("<{open}[ >]")).expect("a pattern").find_iter(&page).count();
            assert_eq!(opened, page.matches(&format!("</{open}>")).count(), "{file}: {open}");
        }
    }
}

/// The migrations of `tests/review` and of the labelled cases.
fn examples() -> Vec<(String, String)> {
    let folders = ["tests/rules", "tests/review"].map(|folder| std::fs::read_dir(folder).expect("the folder"));
    let paths = folders.into_iter().flatten().map(|entry| entry.expect("an entry").path());
    let files = paths.filter(|path| path.extension().is_some_and(|extension| extension == "sql"));
    let examples: Vec<_> = files
        .flat_map(|path| {
            let text = std::fs::read_to_string(&path).expect("text");
            let cases: Vec<String> = text.split("-- case: ").map(|case| format!("-- {case}")).collect();
            cases.into_iter().map(move |case| (path.display().to_string(), case))
        })
        .collect();
    assert!(examples.len() > 200);
    examples
}

fn offline(text: &str) -> Review {
    let (earlier, sql) = text.split_once("-- migration\n").unwrap_or(("", text));
    let migration = |name: &str, sql: &str| Migration {
        name: name.into(),
        path: format!("prisma/migrations/{name}/migration.sql").into(),
        sql: sql.into(),
    };
    review(Request {
        migrations: &[migration("20250121120000_change", sql)],
        world: None,
        earlier: &[migration("20250101120000_init", earlier)],
        default_schema: "public",
        live: None,
        identity: None,
        settings: &settings(),
        standing: Vec::new(),
    })
}

/// Join tables have the same columns, whatever they join.
#[test]
fn a_join_table_is_likely_the_one_that_joins_the_same_table() {
    let join = |name: &str, a: &str, b: &str| {
        format!(
            "CREATE TABLE \"{name}\" (\"A\" INTEGER NOT NULL REFERENCES \"{a}\"(\"id\"), \"B\" INTEGER NOT NULL REFERENCES \"{b}\"(\"id\"), \
             PRIMARY KEY (\"A\", \"B\"));\n"
        )
    };
    let model = |name: &str| format!("CREATE TABLE \"{name}\" (\"id\" INTEGER PRIMARY KEY, \"name\" TEXT);\n");
    let init = [
        model("Post"),
        model("User"),
        model("Tag"),
        join("_PostToTag", "Post", "Tag"),
        join("_TagToUser", "Tag", "User"),
    ];
    let project = Project::prisma7();
    project.add_migration("20250101000000_init", &init.concat());
    let draft = [
        "DROP TABLE \"_PostToTag\";\nDROP TABLE \"_TagToUser\";\nDROP TABLE \"Tag\";\n".to_owned(),
        model("Label"),
        join("_LabelToUser", "Label", "User"),
        join("_LabelToPost", "Label", "Post"),
    ];
    project.add_migration("20250102000000_label", &draft.concat());
    project
        .run(["review", "prisma/migrations/20250102000000_label"])
        .says("--rename _PostToTag:_LabelToPost")
        .says("--rename _TagToUser:_LabelToUser")
        .says("--rename Tag:Label");
}
