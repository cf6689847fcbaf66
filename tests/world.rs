//! What no migration made: the review asks the target for it, and judges it as if the history had.

use serde_json::Value;

use crate::support::Project;

const TRAM: &str = "model Tram {\n  id   Int    @id\n  line String\n}\n";
const TRAM_SQL: &str = "CREATE TABLE \"Tram\" (\"id\" INTEGER NOT NULL, \"line\" TEXT NOT NULL, CONSTRAINT \"Tram_pkey\" PRIMARY KEY (\"id\"));\n";

/// A project whose applied migration is this SQL, with `by_hand` in the database only.
fn project(sql: &str, by_hand: &str) -> Project {
    let project = Project::prisma7().schema(TRAM).migration("20250101000000_init", sql).applied();
    project.database().execute(by_hand);
    project
}

/// What a review of the pending migrations finds beyond notes.
#[track_caller]
fn found(project: &Project, arguments: &[&str]) -> (String, Vec<String>) {
    let json = project.run(["review", "--format", "json"].iter().chain(arguments)).json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let migrations = json["migrations"].as_array().unwrap();
    let findings = migrations.iter().flat_map(|migration| migration["findings"].as_array().unwrap());
    let lines = findings.map(|finding| {
        format!("{} {}({})", text(&finding["severity"]), text(&finding["rule"]), text(&finding["object"]))
    });
    (text(&json["verdict"]), lines.filter(|line| !line.starts_with("info")).collect())
}

#[track_caller]
fn pending(project: &Project, sql: &str) -> (String, Vec<String>) {
    project.add_migration("20250201000000_change", sql);
    found(project, &["--pending"])
}

#[test]
fn a_table_that_somebody_made_by_hand_is_judged_like_one_of_the_history() {
    let archive = "CREATE TABLE \"archive\" (id int PRIMARY KEY, title varchar(200)); \
        INSERT INTO \"archive\" SELECT g, rpad('box ', 90, 'x') FROM generate_series(1, 300) g;";
    let narrowing = "ALTER TABLE \"archive\" ALTER COLUMN title TYPE varchar(50) USING left(title, 50);";
    let by_hand = project(TRAM_SQL, archive);
    let (verdict, findings) = pending(&by_hand, narrowing);
    assert_eq!(verdict, "fail", "{findings:?}");
    assert!(findings.contains(&"error narrow-type(archive.title)".to_owned()), "{findings:?}");
    assert_eq!(pending(&project(&format!("{TRAM_SQL}{archive}"), ""), narrowing).1, findings);
    by_hand.run(["migrate", "deploy"]).exits(3);
    assert_eq!(by_hand.database().value("SELECT max(length(title)) FROM archive"), "90");
}

#[test]
fn every_comparing_rule_asks_the_target() {
    let shelf = "CREATE TYPE \"Mood\" AS ENUM ('calm', 'wild', 'lost'); \
        CREATE TABLE \"shelf\" (id int PRIMARY KEY, code text UNIQUE, mood \"Mood\", seen timestamp(3), n int); \
        CREATE UNIQUE INDEX \"shelf_n_key\" ON \"shelf\"(n); \
        INSERT INTO \"shelf\" VALUES (1, 'a', 'lost', now(), 1);";
    let (by_hand, by_file) = (project(TRAM_SQL, shelf), project(&format!("{TRAM_SQL}{shelf}"), ""));
    for (sql, rule) in [
        ("ALTER TABLE \"shelf\" DROP CONSTRAINT \"shelf_pkey\";", "dropped-guarantee"),
        ("ALTER TABLE \"shelf\" DROP CONSTRAINT \"shelf_code_key\";", "dropped-guarantee"),
        ("DROP INDEX \"shelf_n_key\";", "dropped-guarantee"),
        (
            "CREATE TYPE \"Mood_new\" AS ENUM ('calm', 'wild');\n\
             ALTER TABLE \"shelf\" ALTER COLUMN mood TYPE \"Mood_new\" USING mood::text::\"Mood_new\";",
            "drop-enum-value",
        ),
        ("DROP INDEX \"shelf_code_key\";", "index-of-constraint"),
    ] {
        let (hand, file) = (pending(&by_hand, sql), pending(&by_file, sql));
        assert_eq!(hand, file, "{sql}");
        assert!(hand.1.iter().any(|finding| finding.contains(rule)), "{sql}: {hand:?}");
    }
}

#[test]
fn tables_that_the_replay_does_not_follow_are_judged_by_the_target() {
    let made = "CREATE TABLE \"copy_a\" (LIKE \"Tram\" INCLUDING ALL);\nCREATE TABLE \"copy_b\" AS SELECT * FROM \"Tram\";\n\
        CREATE TABLE \"copy_c\" () INHERITS (\"Tram\");\n\
        DO $$ BEGIN EXECUTE 'CREATE TABLE \"copy_d\" (id int PRIMARY KEY, line text)'; END $$;\n\
        CREATE FUNCTION make_copy() RETURNS void LANGUAGE sql AS 'CREATE TABLE \"copy_e\" (id int PRIMARY KEY, line text)';\n\
        SELECT make_copy();\n";
    let rows =
        ["copy_a", "copy_b", "copy_d", "copy_e"].map(|table| format!("INSERT INTO {table} VALUES (1, 'a long line');"));
    let project = project(&format!("{TRAM_SQL}{made}"), &rows.concat());
    for table in ["copy_a", "copy_b", "copy_d", "copy_e"] {
        let sql = format!("ALTER TABLE \"{table}\" ALTER COLUMN line TYPE varchar(3) USING left(line, 3);");
        let (_, findings) = pending(&project, &sql);
        assert!(findings.iter().any(|each| each.contains(&format!("narrow-type({table}.line)"))), "{findings:?}");
    }
}

#[test]
fn a_table_that_may_have_been_there_is_not_new() {
    let zone = "CREATE TABLE \"Zone\" (\"code\" TEXT PRIMARY KEY, \"name\" TEXT, \"note\" TEXT);";
    let rows = "INSERT INTO \"Zone\" SELECT 'z' || g, 'zone ' || g, 'by hand' FROM generate_series(1, 3000) g;";
    let conditional = zone.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS");
    let sql = format!(
        "{conditional}\nTRUNCATE \"Zone\";\nINSERT INTO \"Zone\" (\"code\", \"name\") VALUES ('N', 'North');\n"
    );
    let there = project(TRAM_SQL, &format!("{zone}{rows}"));
    let (verdict, findings) = pending(&there, &sql);
    assert_eq!(verdict, "fail", "{findings:?}");
    assert!(findings.contains(&"error truncate-table(Zone)".to_owned()), "{findings:?}");
    // two files: the second drops a column of it
    there.add_migration("20250201000000_change", &conditional);
    there.add_migration("20250202000000_drop", "ALTER TABLE \"Zone\" DROP COLUMN \"note\";\n");
    let (verdict, findings) = found(&there, &["--pending"]);
    assert_eq!((verdict.as_str(), findings), ("fail", vec!["error drop-column(Zone.note)".to_owned()]));
    // offline nobody knows
    let (_, findings) = found(&there, &["--offline", "20250202000000_drop"]);
    assert_eq!(findings, ["error drop-column(Zone.note)"]);
    // where the target has no such table, it is new and empty: an index on it blocks nobody, and a rollback drops it
    let new = project(TRAM_SQL, "");
    let (verdict, findings) = pending(&new, &format!("{sql}CREATE INDEX \"Zone_name_idx\" ON \"Zone\"(\"name\");\n"));
    assert_eq!((verdict.as_str(), findings), ("pass", Vec::new()));
    new.run(["review", "--pending"]).succeeds().says("undo: reversible without loss");
    new.run(["review", "--offline"]).says("whether it was there before is not known");
}

/// What PostgreSQL does to a published table without a key, and the way out that the finding prints.
#[test]
fn the_key_of_a_published_table_is_an_error_until_replicas_have_another() {
    let publish = "INSERT INTO \"Tram\" VALUES (1, 'a'); CREATE PUBLICATION trams FOR TABLE \"Tram\";";
    let published = project(TRAM_SQL, publish);
    let drop = "ALTER TABLE \"Tram\" DROP CONSTRAINT \"Tram_pkey\";";
    assert!(pending(&published, drop).1.contains(&"error dropped-guarantee(Tram_pkey)".to_owned()));
    let told = published.run(["review", "--pending"]).exits(3).says("published by trams");
    let way_out = "ALTER TABLE \"public\".\"Tram\" REPLICA IDENTITY FULL;";
    let way_out = if told.stdout.contains(way_out) { way_out } else { "ALTER TABLE \"Tram\" REPLICA IDENTITY FULL;" };
    told.says(way_out);

    let mut client = published.database().connect();
    let refused =
        client.batch_execute(&format!("BEGIN; {drop} UPDATE \"Tram\" SET line = 'b'")).expect_err("no identity");
    assert!(refused.to_string().contains("db error"), "{refused}");
    client.batch_execute("ROLLBACK").expect("undone");
    client
        .batch_execute(&format!("BEGIN; {way_out} {drop} UPDATE \"Tram\" SET line = 'b'; ROLLBACK"))
        .expect("replicated");
    let (verdict, findings) = pending(&published, &format!("{way_out}\n{drop}"));
    assert_eq!((verdict.as_str(), findings), ("warn", vec!["warning dropped-guarantee(Tram_pkey)".to_owned()]));

    published
        .database()
        .execute("DROP PUBLICATION trams; CREATE PUBLICATION trams FOR TABLE \"Tram\" WITH (publish = 'insert')");
    assert_eq!(pending(&published, drop).1, ["warning dropped-guarantee(Tram_pkey)"]);
}
