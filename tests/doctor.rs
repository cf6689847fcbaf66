//! `doctor`: every line by itself, whatever is missing, and nothing is changed.

use serde_json::Value;

use crate::support::project::Project;
use crate::support::schema::assert_valid;

/// `passed`, by group and name.
fn status<'a>(document: &'a Value, group: &str, name: &str) -> &'a str {
    check(document, group, name)["status"].as_str().expect("a status")
}

fn check<'a>(document: &'a Value, group: &str, name: &str) -> &'a Value {
    let groups = document["groups"].as_array().expect("groups");
    let group = groups.iter().find(|it| it["name"] == group).expect("the group");
    let found = group["checks"].as_array().expect("checks").iter().find(|it| it["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {group:#}"))
}

#[test]
fn a_project_is_examined_line_by_line_with_and_without_its_database() {
    let project = Project::prisma7()
        .schema("model Song {\n  id Int @id\n}\n")
        .migration("20250101000000_init", "CREATE TABLE \"Song\" (\"id\" INTEGER NOT NULL, PRIMARY KEY (\"id\"));\n")
        .applied()
        .production();
    project.write("package.json", "{\"scripts\": {\"migrate\": \"prisma migrate deploy\", \"build\": \"tsc\"}}\n");
    let before = (project.database().catalog(), project.files("prisma"));

    let document = project.run(["doctor", "--format", "json"]).succeeds().json();
    assert_valid("doctor", &document);
    for (group, name) in [
        ("project", "prisma"),
        ("project", "settings"),
        ("project", "schema"),
        ("database", "target"),
        ("database", "connection"),
        ("database", "pooler"),
        ("database", "server"),
        ("database", "rights"),
        ("database", "history"),
        ("database", "clock"),
        ("backups", "pg_dump"),
        ("backups", "scratch server"),
        ("backups", "disk"),
        ("backups", "encryption"),
        ("backups", "backups"),
        ("ways", "other files"),
        ("ways", "agents"),
    ] {
        assert_eq!(status(&document, group, name), "passed", "{group} {name}: {document:#}");
    }
    let scripts = check(&document, "ways", "scripts");
    assert_eq!((scripts["status"].as_str(), scripts["cure"].as_str()), (Some("warned"), Some("prisma-safe init")));
    assert!(scripts["notes"][0].as_str().expect("a note").contains("migrate"), "{scripts}");
    assert_eq!(status(&document, "ways", "ci"), "warned");
    assert_eq!(status(&document, "ways", "production url"), "warned", "it is in .env");
    assert_eq!((project.database().catalog(), project.files("prisma")), before, "nothing is changed");
    let made = |name: &str| project.path(name).exists();
    assert!(![".prisma-safe", "backups", ".gitignore"].into_iter().any(made), "nothing is written");

    // where nothing answers, everything else is still looked at
    let document =
        project.run(["doctor", "--format", "json", "--url", "postgresql://u:p@127.0.0.1:1/none"]).exits(1).json();
    assert_valid("doctor", &document);
    assert_eq!((&document["sound"], status(&document, "database", "connection")), (&Value::Bool(false), "failed"));
    for (group, name) in [("database", "rights"), ("database", "clock"), ("backups", "scratch server")] {
        assert_eq!(status(&document, group, name), "unchecked", "{group} {name}");
    }
    assert_eq!(status(&document, "project", "schema"), "passed");
    assert_eq!(status(&document, "ways", "scripts"), "warned");

    // a setting that is not understood is a line, too
    project.write("prisma-safe.toml", "[backup]\nproof = \"hope\"\n");
    // another command fails by it, and says so in a document
    let failure = project.run(["status", "--format", "json"]).exits(2).json();
    assert_valid("error", &failure);
    assert!(failure["error"]["message"].as_str().expect("a message").ends_with("prisma-safe.toml is not understood"));
    let failure = project.run(["deploy", "--format", "json", "--no-such-option"]).exits(2).json();
    assert_valid("error", &failure);
    project
        .run(["doctor"])
        .exits(1)
        .says("✗ settings: ")
        .says("proof = \"hope\"")
        .says("✓ connection: reached as music");
}

#[test]
fn without_prisma_and_node_the_rest_is_looked_at() {
    let project = Project::prisma7().only_programs(&[], &[]);
    project.write("package.json", "{ no JSON");
    let output = project.run(["doctor"]).exits(1);
    output.says("✗ prisma: ").says("✗ scripts: ").says("✗ target: no database URL is known").says("disk: ");
}
