//! Every SQL that a finding proposes is tried on the server, for columns of every kind of type and for names that need quotes.

use prisma_safe::sql::Script;

use crate::support::Project;

/// Each with a type that a column of it is changed to.
const TYPES: &[(&str, &str)] = &[
    ("integer", "bigint"),
    ("smallint", "integer"),
    ("bigint", "integer"),
    ("numeric(10,2)", "numeric(8,1)"),
    ("real", "double precision"),
    ("text", "varchar(20)"),
    ("varchar(20)", "varchar(10)"),
    ("char(3)", "text"),
    ("boolean", "text"),
    ("uuid", "text"),
    ("jsonb", "json"),
    ("date", "timestamp(3)"),
    ("timestamp(3)", "timestamptz(3)"),
    ("timestamptz(6)", "timestamp(3)"),
    ("time", "text"),
    ("interval", "text"),
    ("bytea", "text"),
    ("inet", "text"),
    ("bit(4)", "bit varying(4)"),
    ("text[]", "varchar(5)[]"),
    ("\"Odd One\".\"Mood\"", "text"),
    ("\"Odd One\".\"Mood\"[]", "text[]"),
    ("\"Odd One\".\"order\"", "text"),
    ("int4range", "text"),
    ("money", "numeric"),
    ("double precision", "real"),
];

/// One statement for each table; `{t}` is the table, `{d}` the column's type, `{n}` the new one.
const CHANGES: &[&str] = &[
    "CREATE INDEX \"{x}\" ON {t} (\"user\");",
    "CREATE UNIQUE INDEX \"{x}\" ON {t} (\"user\");",
    "ALTER TABLE {t} ALTER COLUMN \"user\" SET NOT NULL;",
    "ALTER TABLE {t} ADD CONSTRAINT \"{x}\" UNIQUE (\"user\");",
    "ALTER TABLE {t} DROP COLUMN \"Title\";",
    "ALTER TABLE {t} ALTER COLUMN \"user\" TYPE {n} USING \"user\"::text::{n};",
    "ALTER TABLE {t} ADD COLUMN \"more\" {d} NOT NULL;",
    "ALTER TABLE {t} ADD CONSTRAINT \"{x}\" CHECK (\"user\" IS NOT NULL);",
    "ALTER TABLE {t} DROP CONSTRAINT \"{t-}_pkey\";",
    "DROP INDEX \"Odd One\".\"{t-}_Title\";",
    "CREATE INDEX CONCURRENTLY \"{t-}_Title\" ON {t} (\"Title\");",
];

#[test]
fn every_sql_that_is_proposed_runs() {
    let project = Project::prisma7();
    let database = project.database();
    let mut made = vec![
        "CREATE SCHEMA \"Odd One\"; CREATE TYPE \"Odd One\".\"Mood\" AS ENUM ('calm', 'Wild'); \
         CREATE DOMAIN \"Odd One\".\"order\" AS text CHECK (VALUE <> '');"
            .to_owned(),
    ];
    let mut changes = Vec::new();
    for (kind, (from, to)) in TYPES.iter().enumerate() {
        for (at, change) in CHANGES.iter().enumerate() {
            // a type that no B-tree takes, or whose text is no value of the other
            let name = format!("Select {kind} {at}");
            let table = format!("\"Odd One\".\"{name}\"");
            made.push(format!(
                "CREATE TABLE {table} (id int, \"user\" {from}, \"Title\" {from}, CONSTRAINT \"{name}_pkey\" PRIMARY KEY (id)); \
                 CREATE INDEX \"{name}_Title\" ON {table} (\"Title\"); INSERT INTO {table} (id) VALUES (1);"
            ));
            let change = change.replace("{t-}", &name).replace("{t}", &table).replace("{x}", &format!("x {kind} {at}"));
            changes.push(change.replace("{d}", from).replace("{n}", to));
        }
    }
    // a published table without a key, and an index that an earlier try has left
    made.push("CREATE PUBLICATION everything FOR ALL TABLES; ".to_owned());
    let last = CHANGES.len() - 1;
    made.push(format!(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid::regclass::text LIKE '%Select % {last}_Title%'; "
    ));
    database.execute(&made.concat());
    project.write("prisma-safe.toml", "[review]\nsmall-table-rows = 0\n");
    for (at, change) in changes.iter().enumerate() {
        project.add_migration(&format!("2025010100{at:04}_x"), change);
    }
    let document = project.run(["review", "--pending", "--format", "json"]).json();
    let mut client = database.connect();
    let mut tried = 0;
    for migration in document["migrations"].as_array().expect("migrations") {
        for finding in migration["findings"].as_array().expect("findings") {
            for sql in proposed(finding["help"].as_str().unwrap_or_default()) {
                let parsed = Script::parse(sql.as_str());
                assert!(parsed.errors().is_empty(), "{sql}: {finding}");
                let run = match sql.contains("CONCURRENTLY") {
                    true => client.batch_execute(&sql),
                    false => client.batch_execute(&format!("BEGIN; {sql}; ROLLBACK")),
                };
                if let Err(error) = run {
                    let error = error.as_db_error().map(ToString::to_string).unwrap_or_default();
                    panic!("{sql}: {error}\n{}: {finding}", migration["name"]);
                }
                tried += 1;
            }
        }
    }
    assert!(tried >= 2 * TYPES.len(), "{tried} proposals: the texts are read wrongly");
}

/// The SQL in a help text: between backticks, or behind a colon up to the line's end. What has a gap to fill in is none.
fn proposed(help: &str) -> Vec<String> {
    const WORDS: &[&str] = &["ALTER ", "CREATE ", "DROP ", "UPDATE ", "DELETE ", "INSERT ", "SET "];
    let quoted = help.split('`').skip(1).step_by(2);
    let behind = help.lines().filter_map(|line| line.split_once(": ")).map(|(_, rest)| rest);
    let sql = quoted.chain(behind).chain(help.lines()).map(str::trim);
    let whole = |text: &&str| WORDS.iter().any(|word| text.starts_with(word)) && text.split_whitespace().count() > 3;
    let sql = sql.filter(whole).filter(|text| !text.contains('…') && !text.contains('`'));
    let mut sql: Vec<String> = sql.map(|text| text.trim_end_matches(';').to_owned()).collect();
    sql.dedup();
    sql
}

/// The reader of help texts, so that a change of it cannot silence the test.
#[test]
fn sql_is_found_in_help_texts() {
    assert_eq!(
        proposed("first, by itself: DROP INDEX CONCURRENTLY \"a\".\"b\";"),
        ["DROP INDEX CONCURRENTLY \"a\".\"b\""]
    );
    assert_eq!(proposed("put `ALTER TABLE \"a\" ADD COLUMN b int` before it"), ["ALTER TABLE \"a\" ADD COLUMN b int"]);
    assert_eq!(proposed("add `ALTER TABLE … ADD COLUMN`, drop it later"), [""; 0]);
}
