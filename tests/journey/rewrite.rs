//! `renames` and `rewrite` on a migration that plain Prisma drafted, and what programs read of them.

use super::{INIT, RENAMED, prisma_is_content, songs};
use crate::support::schema::assert_valid;
use crate::support::{Prisma, Project};

pub(super) const NAME: &str = "20250102000000_artist_name";
pub(super) const DRAFT: &str = "-- DropIndex\nDROP INDEX \"Song_artist_idx\";\n\n-- AlterTable\nALTER TABLE \"Song\" DROP COLUMN \"artist\",\nADD COLUMN     \"artist_name\" TEXT NOT NULL;\n\n-- CreateIndex\nCREATE INDEX \"Song_artist_name_idx\" ON \"Song\"(\"artist_name\");\n";
pub(super) const RENAME: [&str; 2] = ["--rename", "Song.artist:artist_name"];

pub(super) fn drafted(prisma: Prisma) -> Project {
    let project = songs(prisma, 100);
    project.set_schema(RENAMED);
    project.add_migration(NAME, DRAFT);
    project
}

fn is_rewritten(prisma: Prisma) {
    let project = drafted(prisma);
    project.run(["rewrite", NAME]).exits(4).says("--rename Song.artist:artist_name");
    project.run(["rewrite", NAME, "--dry-run"].into_iter().chain(RENAME)).succeeds().says("RENAME COLUMN");
    assert_eq!(project.newest_migration(), DRAFT, "an open decision or a dry run changed the file");

    let output = project.run(["rewrite", NAME, "--format", "json"].into_iter().chain(RENAME)).succeeds();
    assert_valid("renames", &output.json());
    assert_eq!(output.json()["proof"]["prismaDiff"], "empty");
    let rewritten = project.newest_migration();
    assert!(rewritten.contains("RENAME COLUMN") && !rewritten.contains("DROP"), "{rewritten}");
    project.run(["rewrite", NAME]).succeeds();
    assert_eq!(project.newest_migration(), rewritten, "run again, it changed something");

    project.run(["migrate", "deploy"]).succeeds();
    assert_eq!(project.database().value("SELECT count(artist_name) FROM \"Song\""), "100");
    prisma_is_content(prisma, &project);
    project.run(["rewrite", NAME]).exits(3).says("applied");
    project.run(["rewrite", INIT]).exits(3).says("applied");
}

#[test]
fn is_rewritten_7() {
    is_rewritten(Prisma::V7);
}

#[test]
fn is_rewritten_6() {
    is_rewritten(Prisma::V6);
}

/// What schema.prisma asks for beside the rename is no fault of the rewrite.
#[test]
fn a_schema_that_is_ahead_is_named() {
    let project = drafted(Prisma::V7);
    project.set_schema(&format!("{RENAMED}\nmodel Album {{\n  id Int @id\n}}\n"));
    let output = project.run(["rewrite", NAME].into_iter().chain(RENAME)).succeeds();
    output.says("schema.prisma asks for more than this migration");
    assert!(project.newest_migration().contains("RENAME COLUMN"));
}

#[test]
fn documents_for_programs_keep_to_their_schemas() {
    let project = drafted(Prisma::V7);
    let renames = project.run(["renames", NAME, "--format", "json"]).succeeds().json();
    assert_valid("renames", &renames);
    assert_eq!(renames["candidates"][0]["from"], "artist");

    std::fs::remove_dir_all(project.path(&format!("prisma/migrations/{NAME}"))).expect("the draft is gone");
    let dev = ["migrate", "dev", "--create-only", "--name", "x", "--format", "json"];
    let open = project.run(dev).exits(4).json();
    assert_valid("dev", &open);
    assert_valid("renames", &open["renames"]);
    assert_eq!(open["renames"]["open"][0]["options"][0], "--rename Song.artist:artist_name");
    let decided = project.run(dev.into_iter().chain(RENAME)).succeeds().json();
    assert_valid("dev", &decided);
    assert_valid("renames", &decided["renames"]);
    assert_valid("review", &decided["review"]);

    for command in [&["backup"][..], &["backup", "list"], &["backup", "verify"]] {
        let document = project.run(command.iter().chain(&["--format", "json"])).succeeds().json();
        assert_valid("backup", &document);
    }
}
