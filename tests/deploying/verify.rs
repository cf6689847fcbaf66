//! `verify`, and the verification of a deploy: each check fails when what it looks at is broken.

use serde_json::Value;

use super::{ADD_YEAR, YEAR, pending};
use crate::journey::{SONG, prisma_is_content, songs};
use crate::support::schema::assert_valid;
use crate::support::{Prisma, Project};

/// The checks by name and status.
fn checks(project: &Project) -> Vec<(String, String)> {
    let document = verify(project);
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let checks = document["checks"].as_array().expect("checks").iter();
    checks.map(|check| (text(&check["name"]), text(&check["status"]))).collect()
}

fn verify(project: &Project) -> Value {
    let document = project.run(["verify", "--format", "json"]).json();
    assert_valid("verify", &document);
    document
}

/// After a deploy everything passes; what is broken by hand later is found, each by its own check.
fn each_check_finds_what_it_looks_for(prisma: Prisma) {
    let project = songs(prisma, 100);
    project.set_schema(
        &SONG.replace("plays  Int    @default(0)", "plays  Int    @default(0)\n  number Int @default(autoincrement())"),
    );
    project.add_migration(YEAR, "ALTER TABLE \"Song\" ADD COLUMN \"number\" SERIAL NOT NULL;\n");
    project.write(
        "prisma-safe.toml",
        "[[verify.query]]\nname = \"songs\"\nsql = 'SELECT count(*) FROM \"Song\"'\nexpect = 100\nmax-seconds = 30\n",
    );
    project.run(["migrate", "deploy"]).succeeds().says("Verified history, catalog, rows");
    prisma_is_content(prisma, &project);
    project.run(["verify"]).succeeds().says("nothing is broken");
    let document = verify(&project);
    assert_eq!(document["sound"], true, "{document}");
    assert_eq!(document["rollback"], format!("prisma-safe rollback {YEAR}"));
    let names = ["history", "catalog", "rows", "indexes", "constraints", "sequences", "query: songs", "drift"];
    assert_eq!(checks(&project), names.map(|name| (name.to_owned(), "passed".to_owned())));

    let database = project.database();
    database.execute("DELETE FROM \"Song\" WHERE isrc = 'isrc 7'; SELECT setval('\"Song_number_seq\"', 5)");
    database.execute("UPDATE \"Song\" SET title = 'same' WHERE isrc IN ('isrc 1', 'isrc 2')");
    let index = "CREATE UNIQUE INDEX CONCURRENTLY broken ON \"Song\" (title)";
    database.connect().batch_execute(index).expect_err("a duplicate");
    database.execute("ALTER TABLE \"Song\" ADD CONSTRAINT positive CHECK (plays >= 0) NOT VALID");
    database.execute("ALTER TABLE \"Song\" ADD COLUMN extra INT; UPDATE _prisma_migrations SET checksum = 'x'");
    project.run(["verify"]).exits(1).says("gives \"99\"").says(&format!("prisma-safe rollback {YEAR}"));
    let document = verify(&project);
    let statuses = ["failed", "failed", "passed", "failed", "warned", "failed", "failed", "warned"];
    let found: Vec<&str> =
        document["checks"].as_array().expect("checks").iter().filter_map(|check| check["status"].as_str()).collect();
    assert_eq!(found, statuses, "{document}");
    assert!(document["checks"][1]["notes"].to_string().contains("extra"), "{document}");
    assert!(document["checks"][2]["notes"].to_string().contains("100 rows before, 99 rows now"), "{document}");

    for cure in [3, 5] {
        database.execute(document["checks"][cure]["cure"].as_str().expect("a cure"));
    }
    super::quick(&project, "[verify]\ndrift = \"fail\"\n");
    database.execute("DELETE FROM \"Song\"");
    let statuses = ["failed", "failed", "warned", "passed", "warned", "passed", "failed"];
    let document = verify(&project);
    let found: Vec<&str> =
        document["checks"].as_array().expect("checks").iter().filter_map(|check| check["status"].as_str()).collect();
    assert_eq!(found, statuses, "{document}");
}

#[test]
fn each_check_finds_what_it_looks_for_7() {
    each_check_finds_what_it_looks_for(Prisma::V7);
}

#[test]
fn each_check_finds_what_it_looks_for_6() {
    each_check_finds_what_it_looks_for(Prisma::V6);
}

/// A critical query that the migration breaks fails the deploy, and the way back is printed.
#[test]
fn a_critical_query_that_breaks_fails_the_deploy() {
    let project = pending(Prisma::V7);
    super::quick(
        &project,
        "[[verify.query]]\nname = \"columns\"\nsql = \"SELECT count(*) FROM information_schema.columns WHERE table_name = 'Song'\"\nexpect = \"4\"\n",
    );
    project.run(["migrate", "deploy"]).exits(1).says("query: columns").says(&format!("prisma-safe rollback {YEAR}"));
    assert_eq!(project.database().count("_prisma_migrations"), 2, "it is applied all the same");
    super::quick(&project, "[[verify.query]]\nname = \"two\"\nsql = \"SELECT 1; COMMIT\"\n");
    project.add_migration("20250103000000_b", &ADD_YEAR.replace("year", "b"));
    project.run(["migrate", "deploy"]).exits(2).says("not one statement");
}

/// An UPDATE in the place of a query changes nothing.
#[test]
fn it_only_reads() {
    let project = songs(Prisma::V7, 10);
    let before = project.database().contents();
    project
        .write("prisma-safe.toml", "[[verify.query]]\nname = \"writes\"\nsql = 'DELETE FROM \"Song\" RETURNING 1'\n");
    project.run(["verify"]).exits(1).says("read-only");
    assert_eq!(project.database().contents(), before);
}
