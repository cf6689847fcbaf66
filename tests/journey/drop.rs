//! A column really dropped: refused until a person has said so in the file.

use super::{DROPPED, SONG, backups, prisma_is_content, songs};
use crate::support::{Prisma, Project};

fn drafted(prisma: Prisma) -> Project {
    let project = songs(prisma, 100);
    project.set_schema(DROPPED);
    project.run(["migrate", "dev", "--create-only", "--name", "drop_artist"]).succeeds();
    project
}

/// Puts a line on top of the newest migration.
fn accept(project: &Project, line: &str) {
    let name = project.migrations().pop().expect("a migration");
    let sql = project.newest_migration();
    project.write(&format!("prisma/migrations/{name}/migration.sql"), &format!("{line}\n{sql}"));
}

fn refused_until_accepted(prisma: Prisma) {
    let project = drafted(prisma);
    let before = project.database().contents();
    project.run(["migrate", "deploy"]).exits(3).says("drop-column").says("Song.artist");
    assert_eq!(project.database().contents(), before, "something happened to the database");
    assert!(backups(&project).is_empty(), "{:?}", backups(&project));

    accept(&project, "-- prisma-safe:allow drop-column(Song.artist):");
    project.run(["migrate", "deploy"]).exits(3);
    assert_eq!(project.database().contents(), before, "accepted without a reason");
}

#[test]
fn refused_until_accepted_7() {
    refused_until_accepted(Prisma::V7);
}

#[test]
fn refused_until_accepted_6() {
    refused_until_accepted(Prisma::V6);
}

#[test]
fn accepted_with_a_reason_it_deploys() {
    let project = drafted(Prisma::V7);
    accept(&project, "-- prisma-safe:allow drop-column(Song.artist): nobody reads it since 2.3");
    project.run(["migrate", "deploy"]).succeeds();
    prisma_is_content(Prisma::V7, &project);
    let dump = backups(&project).into_iter().find(|file| file.ends_with(".sql")).expect("a dump");
    assert!(project.read(&dump).contains("artist 77"), "the backup holds what was dropped");
}

/// On production without a terminal: the plan's hash, for exactly this plan.
#[test]
fn on_production_the_hash_of_the_plan_is_the_consent() {
    let project = drafted(Prisma::V7).production();
    accept(&project, "-- prisma-safe:allow drop-column(Song.artist): nobody reads it since 2.3");
    let before = project.database().contents();
    project.run(["migrate", "deploy", "--yes"]).exits(3).says("--confirm");
    project.run(["migrate", "deploy", "--confirm", "0123456789abcdef"]).exits(3);
    assert_eq!(project.database().contents(), before);

    let plan = project.run(["review", "--pending", "--format", "json"]).succeeds().json()["planHash"].clone();
    let plan = plan.as_str().expect("a hash").to_owned();
    project.run(["migrate", "deploy", "--confirm", &plan]).succeeds();
    prisma_is_content(Prisma::V7, &project);
}

/// `migrate dev` that applies would lose the data of a development database: without a terminal it says how to answer.
#[test]
fn a_filled_development_column_is_not_dropped_unasked() {
    let project = songs(Prisma::V7, 100);
    project.set_schema(DROPPED);
    let files = project.files("prisma");
    let before = project.database().contents();
    project.run(["migrate", "dev", "--name", "x"]).exits(4).says("--delete Song.artist");
    assert_eq!(project.files("prisma"), files);
    assert_eq!(project.database().contents(), before);
    project.run(["migrate", "dev", "--name", "x", "--delete", "Song.artist"]).succeeds();
    prisma_is_content(Prisma::V7, &project);
}

/// An index that somebody wrote by hand is drift to Prisma: its next draft drops it, though nobody has asked for that.
#[test]
fn a_draft_that_drops_what_the_schema_never_declared_says_so() {
    let project = songs(Prisma::V7, 10);
    let by_hand = "CREATE INDEX \"Song_plays_idx\" ON \"Song\"(\"plays\");\n";
    project.add_migration("20250102000000_by_hand", by_hand);
    project.run(["migrate", "deploy"]).succeeds();
    project.git(&["init", "-q"]);
    project.git(&["add", "prisma"]);
    project.git(&["commit", "-q", "-m", "first"]);
    project.set_schema(&SONG.replace("  plays ", "  label  String?\n  plays ").replace("\n\n  @@index([artist])", ""));
    let output = project.run(["migrate", "dev", "--create-only", "--name", "label", "--format", "json"]).succeeds();
    let document = output.json();
    let findings = document["review"]["migrations"][0]["findings"].as_array().expect("findings").clone();
    let objects = |rule: &str| {
        let of_rule = findings.iter().filter(|each| each["rule"] == rule);
        of_rule.map(|each| each["object"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    // the other one was declared, and the schema has let it go
    assert!(project.newest_migration().contains("Song_artist_idx"), "{}", project.newest_migration());
    assert_eq!(objects("unexplained-index-drop"), ["Song_plays_idx"], "{document:#}");
}
