//! The gate around the review: which migrations it takes, where its report goes, and that no word given for one plan opens
//! another.

use crate::support::project::{Prisma, Project};

const SCHEMA: &str = "model Song {\n  id     Int     @id\n  artist String?\n}\n";
const INIT: &str = "CREATE TABLE \"Song\" (\"id\" INTEGER PRIMARY KEY, \"artist\" TEXT);\n";
const DROP: &str = "ALTER TABLE \"Song\" DROP COLUMN \"artist\";\n";

fn songs() -> Project {
    Project::on(Prisma::V7).schema(SCHEMA).migration("20250101000000_init", INIT).rows("Song", 3)
}

fn reviewed(document: &serde_json::Value) -> Vec<&str> {
    let migrations = document["migrations"].as_array().expect("a list");
    migrations.iter().map(|migration| migration["name"].as_str().expect("a name")).collect()
}

#[test]
fn only_what_is_new_on_the_branch_is_reviewed() {
    let project = songs();
    project.git(&["init", "-q"]);
    project.git(&["add", "prisma"]);
    project.git(&["commit", "-q", "-m", "x"]);
    let review = |revision: &str| project.run(["review", "--offline", "--format", "json", "--since", revision]);
    assert_eq!(reviewed(&review("HEAD").succeeds().json()), Vec::<&str>::new());
    project.add_migration("20250201000000_drop", DROP);
    assert_eq!(reviewed(&review("HEAD").exits(3).json()), ["20250201000000_drop"]);
    project.git(&["add", "prisma"]);
    project.git(&["commit", "-q", "-m", "y"]);
    assert_eq!(reviewed(&review("HEAD~1").exits(3).json()), ["20250201000000_drop"]);
    assert_eq!(reviewed(&review("HEAD").succeeds().json()), Vec::<&str>::new());
    // an edited one is new again
    project.add_migration("20250101000000_init", &format!("{INIT}{DROP}"));
    assert_eq!(reviewed(&review("HEAD").json()), ["20250101000000_init"]);
    review("nowhere").exits(2).says("nowhere");
    review("--help").exits(2);
}

#[test]
fn the_job_s_summary_shows_the_review() {
    let project = songs();
    project.add_migration("20250201000000_drop", DROP);
    project.write("summary.md", "# Another step\n");
    let summary = project.path("summary.md").display().to_string();
    let project = project.env("GITHUB_STEP_SUMMARY", &summary);
    project.run(["review", "--format", "github"]).exits(3).says("::error file=prisma/migrations/20250201000000_drop");
    let text = project.read("summary.md");
    assert!(text.starts_with("# Another step\n## ❌ Fail: 1 error"), "{text}");
    project.run(["review", "--format", "json"]).exits(3);
    assert_eq!(project.read("summary.md"), text);
}

#[test]
fn sql_files_need_no_prisma() {
    let project = songs().only_programs(&[], &[]);
    std::fs::remove_file(project.path("node_modules")).expect("the link");
    project.write("one.sql", INIT);
    project.write("two.sql", DROP);
    let output = project.run(["review", "--offline", "one.sql", "two.sql"]).exits(3);
    output.says("error[drop-column]").says("two.sql:1:20");
    let path = "prisma/migrations/20250101000000_init/migration.sql";
    let document = project.run(["review", "--offline", "--format", "json", path]).succeeds().json();
    assert_eq!(reviewed(&document), ["20250101000000_init"]);
}

/// Neither a hash for other SQL, nor an accepting line in another migration, opens the gate.
#[test]
fn no_word_for_one_plan_opens_another() {
    let project = songs().production();
    project
        .add_migration("20250201000000_note", "-- prisma-safe:allow drop-column(Song.artist): too early\nSELECT 1;\n");
    project.add_migration("20250202000000_drop", DROP);
    let before = project.database().contents();
    project.run(["migrate", "deploy"]).exits(3).says("drop-column");
    let hash = |project: &Project| {
        let document = project.run(["review", "--pending", "--format", "json"]).json();
        document["planHash"].as_str().expect("a hash").to_owned()
    };
    let early = hash(&project);
    let accepted = "-- prisma-safe:allow drop-column(\"Song\".\"artist\"): unused\n";
    project.add_migration("20250202000000_drop", &format!("{accepted}{DROP}"));
    project.run(["migrate", "deploy", "--confirm", &early]).exits(3).says("another plan");
    assert_eq!(project.database().contents(), before);
    // a harmless plan is refused as well where the hash is another's
    project.add_migration("20250202000000_drop", "SELECT 2;\n");
    project.run(["migrate", "deploy", "--confirm", &early]).exits(3).says("another plan");
    assert_eq!(project.database().contents(), before);
    project.add_migration("20250202000000_drop", &format!("{accepted}{DROP}"));
    let hash = hash(&project);
    assert_ne!(hash, early);
    project.run(["migrate", "deploy", "--confirm", &hash]).succeeds();
    assert_eq!(
        project
            .database()
            .rows("SELECT 1 FROM pg_attribute WHERE attname = 'artist' AND attrelid = '\"Song\"'::regclass"),
        Vec::<String>::new()
    );
}
