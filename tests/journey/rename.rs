//! A field renamed in schema.prisma is a column renamed in the database, data intact.

use super::{INIT, RENAMED, backups, prisma_is_content, songs};
use crate::support::{Prisma, Project};

const DECIDED: [&str; 6] = ["migrate", "dev", "--name", "artist_name", "--rename", "Song.artist:artist_name"];

#[track_caller]
fn every_value_is_in_its_place(project: &Project) {
    let moved =
        project.database().value("SELECT count(*) FROM \"Song\" WHERE artist_name = replace(isrc, 'isrc', 'artist')");
    assert_eq!(moved, "100000");
}

/// On production `migrate dev` only creates; `migrate deploy` applies.
fn on_production(prisma: Prisma) {
    let project = songs(prisma, 100_000).production();
    let before = project.database().contents();
    project.set_schema(RENAMED);
    project.run(DECIDED).succeeds().says("production");
    let migration = project.newest_migration();
    assert!(migration.contains("RENAME COLUMN \"artist\" TO \"artist_name\""), "{migration}");
    assert!(!migration.contains("DROP"), "{migration}");
    assert!(!migration.contains("All the data in the column will be lost"), "{migration}");
    assert_eq!(project.database().contents(), before, "migrate dev changed production");

    project.run(["migrate", "deploy", "--non-interactive"]).succeeds();
    every_value_is_in_its_place(&project);
    prisma_is_content(prisma, &project);
    assert_eq!(backups(&project).len(), 2, "a dump and its manifest: {:?}", backups(&project));

    // the page shows what Prisma drafted beside what has run
    let page = project.run(["report"]).succeeds();
    let page = std::fs::read_to_string(page.stdout.trim()).expect("the page");
    for part in ["Before the rewrite", "<i>-</i><span>ALTER TABLE &quot;Song&quot; DROP COLUMN &quot;artist&quot;,"] {
        assert!(page.contains(part), "{part} is not in the page");
    }

    // without prisma-safe the same folder ends in the same catalog
    let other = Project::on(prisma).schema(RENAMED);
    for name in project.migrations() {
        other.add_migration(&name, &project.read(&format!("prisma/migrations/{name}/migration.sql")));
    }
    other.prisma(["migrate", "deploy"]).succeeds();
    assert_eq!(other.database().catalog(), project.database().catalog());

    project.run(["migrate", "deploy", "--non-interactive"]).succeeds().says("No pending migrations to apply.");
    assert_eq!(backups(&project).len(), 2, "nothing to deploy needs no backup");
}

#[test]
fn on_production_7() {
    on_production(Prisma::V7);
}

#[test]
fn on_production_6() {
    on_production(Prisma::V6);
}

/// On a development database `migrate dev` also applies, as Prisma's does.
fn on_development(prisma: Prisma) {
    let project = songs(prisma, 100_000);
    project.set_schema(RENAMED);
    project.run(DECIDED).succeeds();
    every_value_is_in_its_place(&project);
    prisma_is_content(prisma, &project);
    project.run(["migrate", "deploy", "--non-interactive"]).succeeds().says("No pending migrations to apply.");
}

#[test]
fn on_development_7() {
    on_development(Prisma::V7);
}

#[test]
fn on_development_6() {
    on_development(Prisma::V6);
}

/// A backup of a development database too, unless its environment is freed.
#[test]
fn a_deploy_backs_up_wherever_it_deploys() {
    for (config, files) in [("", 2), ("[environments.ci]\nhosts = [\"127.0.0.1\"]\nbackup = \"never\"\n", 0)] {
        let project = songs(Prisma::V7, 10);
        project.write("prisma-safe.toml", config);
        project.add_migration("20250102000000_year", "ALTER TABLE \"Song\" ADD COLUMN \"year\" INTEGER;\n");
        project.run(["migrate", "deploy"]).succeeds().says("All migrations have been successfully applied.");
        assert_eq!(backups(&project).len(), files, "{config}");
        assert_eq!(project.database().value("SELECT count(*) FROM \"Song\" WHERE year IS NULL"), "10");
    }
}

/// An empty database has nothing to lose.
#[test]
fn the_first_deploy_needs_no_backup() {
    let project = Project::prisma7().schema(super::SONG).migration(INIT, super::SONG_SQL);
    project.run(["migrate", "deploy"]).succeeds();
    assert!(backups(&project).is_empty());
    prisma_is_content(Prisma::V7, &project);
}

/// Without a decision nothing is guessed, and nothing is left behind.
#[test]
fn an_open_decision_ends_in_exit_4_with_the_options_that_answer_it() {
    let project = songs(Prisma::V7, 10).production();
    project.set_schema(
        &RENAMED.replace("artistName String @map(\"artist_name\")", "label      String").replace("artistName", "label"),
    );
    let files = project.files("prisma");
    project
        .run(["migrate", "dev", "--name", "x"])
        .exits(4)
        .says("--rename Song.artist:label")
        .says("--delete Song.artist");
    assert_eq!(project.files("prisma"), files);
}

#[test]
fn an_option_that_names_something_unknown_or_is_unused_is_wrong_usage() {
    let project = songs(Prisma::V7, 10).production();
    project.set_schema(RENAMED);
    let files = project.files("prisma");
    for option in [
        "Song.nobody:artist_name",
        "Song.artist:nobody",
        "Nobody.artist:artist_name",
        "Song.title:artist_name",
        "nonsense",
    ] {
        project.run(["migrate", "dev", "--name", "x", "--rename", option]).exits(2);
        assert_eq!(project.files("prisma"), files, "{option}");
    }
}

/// The harmless goes through in one calm line.
#[test]
fn without_a_rename_the_journey_asks_nothing() {
    let project = songs(Prisma::V7, 10);
    project.set_schema(&super::SONG.replace("plays  Int    @default(0)", "plays  Int    @default(0)\n  year   Int?"));
    project.run(["migrate", "dev", "--name", "year"]).succeeds();
    assert_eq!(project.newest_migration(), "-- AlterTable\nALTER TABLE \"Song\" ADD COLUMN     \"year\" INTEGER;\n");
    prisma_is_content(Prisma::V7, &project);
}

/// The seat is taken whichever of our programs was started.
#[test]
fn a_cargo_workspace_deploys_too() {
    let project = songs(Prisma::V7, 10);
    project.add_migration("20250102000000_year", "ALTER TABLE \"Song\" ADD COLUMN \"year\" INTEGER;\n");
    // `-C` stands for the workspace's metadata, which needs a Cargo of its own to be read
    let arguments = ["prisma-safe", "-C", ".", "migrate", "deploy"];
    project.program(env!("CARGO_BIN_EXE_cargo-prisma-safe"), arguments).succeeds().says("20250102000000_year");
    assert_eq!(project.database().value("SELECT count(*) FROM \"Song\" WHERE year IS NULL"), "10");
}

/// Two columns come where one goes, alike but for their names: its values tell which of them it is. No value is shown, and
/// without a database that answers the question stays open between both.
fn its_values_tell_which(prisma: Prisma) {
    let project = songs(prisma, 30).production();
    project.database().execute("UPDATE \"Song\" SET artist = 'secret' || md5(isrc) || '@example.com'");
    project.set_schema(
        "model Song {\n  isrc    String @id\n  title   String\n  homeUrl String?\n  email   String?\n  plays   Int    @default(0)\n}\n",
    );
    let output = project.run(["migrate", "dev", "--name", "x", "--format", "json"]).exits(4);
    assert!(!output.stdout.contains("secret") && !output.stderr.contains("secret"), "{}", output.stdout);
    let document = output.json();
    let candidates = document["renames"]["candidates"].as_array().expect("candidates").clone();
    let of = |to: &str| {
        let found = candidates.iter().find(|each| each["from"] == "artist" && each["to"] == to);
        found.unwrap_or_else(|| panic!("no {to}: {document:#}")).clone()
    };
    let said = of("email")["evidence"].to_string();
    assert!(said.contains("the values of artist are e-mail addresses"), "{said}");
    assert!(
        !candidates.iter().any(|each| each["to"] == "homeUrl" && each["score"].as_f64() > Some(0.2)),
        "{document:#}"
    );
    assert!(of("email")["score"].as_f64() > Some(0.25), "{document:#}");
}

#[test]
fn its_values_tell_which_7() {
    its_values_tell_which(Prisma::V7);
}

#[test]
fn its_values_tell_which_6() {
    its_values_tell_which(Prisma::V6);
}

/// The page shows what Prisma drafted beside what is written.
#[test]
fn the_page_shows_the_difference_to_the_draft() {
    let project = songs(Prisma::V7, 10).production();
    project.set_schema(RENAMED);
    let arguments = ["migrate", "dev", "--name", "x", "--rename", "Song.artist:artist_name", "--format", "html"];
    let page = project.run(arguments).succeeds().stdout;
    let (_, rewritten) = page.split_once("Rewritten:").expect("the difference");
    let (difference, _) = rewritten.split_once("</details>").expect("its end");
    let line = |class: &str, words: &str| {
        let mut lines = difference.split("<div").filter(|line| line.contains(&format!("class=\"{class}\"")));
        assert!(lines.any(|line| line.contains(words)), "{class} {words}: {difference}");
    };
    line("minus", "DROP COLUMN");
    line("plus", "RENAME COLUMN");
}
