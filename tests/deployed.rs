//! `review --deployed` and `[review.rules]`, through the binary with real Prisma.

use crate::support::project::Project;

const OLD: &str =
    "model Song {\n  id     Int     @id @default(autoincrement())\n  title  String\n  artist String?\n}\n";
const NEW: &str = "model Song {\n  id    Int    @id @default(autoincrement())\n  title String\n}\n";
const INIT: &str = r#"CREATE TABLE "Song" ("id" SERIAL NOT NULL, "title" TEXT NOT NULL, "artist" TEXT, CONSTRAINT "Song_pkey" PRIMARY KEY ("id"));"#;
const CHANGE: &str = r#"ALTER TABLE "Song" DROP COLUMN "artist";"#;

fn project() -> Project {
    let project = Project::prisma7().schema(OLD).migration("20250101000000_init", INIT).applied();
    project.git(&["init", "-q"]);
    project.git(&["add", "prisma"]);
    project.git(&["commit", "-q", "-m", "first"]);
    project.git(&["tag", "v1"]);
    project.set_schema(NEW);
    project.add_migration("20250201000000_change", CHANGE);
    project
}

/// `rule(object)` of every finding, with its message.
fn found(project: &Project, arguments: &[&str]) -> Vec<(String, String)> {
    let output = project.run([&["review", "--format", "json"], arguments].concat());
    let document = output.json();
    let findings = document["migrations"].as_array().expect("migrations").iter();
    let findings = findings.flat_map(|migration| migration["findings"].as_array().expect("findings").clone());
    findings
        .map(|it| {
            let text = |key: &str| it[key].as_str().unwrap_or_default().to_owned();
            (format!("{}({})", text("rule"), text("object")), text("message"))
        })
        .collect()
}

#[test]
fn the_deployed_release_is_a_revision_a_file_or_a_setting() {
    let project = project();
    let rules = |arguments: &[&str]| found(&project, arguments).into_iter().map(|it| it.0).collect::<Vec<_>>();
    assert_eq!(rules(&[]), ["drop-column(Song.artist)"]);
    let by_tag = found(&project, &["--deployed", "v1"]);
    let (_, message) = by_tag.iter().find(|it| it.0 == "running-release(Song.artist)").expect("the rule");
    assert!(
        message.contains("`Song.artist`") && message.contains("(v1)") && message.contains("song.findMany"),
        "{message}"
    );
    // the release that no longer has the field
    assert_eq!(rules(&["--deployed", "prisma/schema.prisma"]), ["drop-column(Song.artist)"]);
    project.write("prisma-safe.toml", "[review]\ndeployed = \"v1\"\n");
    assert!(rules(&[]).contains(&"running-release(Song.artist)".to_owned()));
    project.run(["review", "--deployed", "v9"]).exits(2).says("no model that could be read");
}

#[test]
fn settings_turn_rules_on_and_off_and_are_told() {
    let project = project();
    project.write("prisma-safe.toml", "[review.rules]\ndrop-column = \"off\"\n");
    project.run(["review"]).succeeds().says("drop-column (off in prisma-safe.toml)");
    project.write("prisma-safe.toml", "[review.rules]\ndrop-column = \"warning\"\n");
    project.run(["review"]).succeeds().says("warning[drop-column]").says("lowered in prisma-safe.toml");
    project.write("prisma-safe.toml", "[review.rules]\nunreadable-sql = \"off\"\n");
    project.run(["review"]).exits(2).says("cannot be less than an error");
    project.write("prisma-safe.toml", "[review.rules]\ndrop-colum = \"off\"\n");
    project.run(["review"]).exits(2).says("`drop-column`?");
}
