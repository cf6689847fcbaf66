//! A migration that fails leaves nothing.

use super::{prisma_is_content, songs};
use crate::support::{Prisma, Project};

const BAD: &str =
    "ALTER TABLE \"Song\" ADD COLUMN \"year\" INTEGER;\n\nUPDATE \"Song\" SET \"year\" = 1 / 0 WHERE plays = 0;\n";
const GOOD: &str =
    "ALTER TABLE \"Song\" ADD COLUMN \"year\" INTEGER;\n\nUPDATE \"Song\" SET \"year\" = 1 WHERE plays = 0;\n";
const NAME: &str = "20250102000000_year";

fn models_with_year(project: &Project) {
    project.set_schema(&super::SONG.replace("plays  Int    @default(0)", "plays  Int    @default(0)\n  year   Int?"));
}

fn the_second_statement_fails(prisma: Prisma) {
    let project = songs(prisma, 100);
    models_with_year(&project);
    project.add_migration(NAME, BAD);
    let before = project.database().contents();
    let output = project.run(["migrate", "deploy"]).exits(1).says("division by zero").says("22012").says(NAME);
    assert!(!output.everything().contains("All migrations have been successfully applied"), "{output}");
    assert_eq!(project.database().contents(), before, "something of the first statement remains");

    project.add_migration(NAME, GOOD);
    project.run(["migrate", "deploy"]).succeeds();
    prisma_is_content(prisma, &project);
}

#[test]
fn the_second_statement_fails_7() {
    the_second_statement_fails(Prisma::V7);
}

#[test]
fn the_second_statement_fails_6() {
    the_second_statement_fails(Prisma::V6);
}

/// Several pending: what stands before the bad one is whole, what stands after it untouched.
#[test]
fn each_migration_is_whole_or_not_at_all() {
    let project = songs(Prisma::V7, 100);
    project.add_migration("20250102000000_one", "ALTER TABLE \"Song\" ADD COLUMN \"one\" INTEGER;\n");
    project.add_migration("20250103000000_bad", BAD);
    project.add_migration("20250104000000_three", "ALTER TABLE \"Song\" ADD COLUMN \"three\" INTEGER;\n");
    // the rehearsal meets it first: nothing at all is applied
    let before = project.database().contents();
    project.run(["migrate", "deploy"]).exits(1).says("20250103000000_bad").says("on the copy");
    assert_eq!(project.database().contents(), before);
    let unrehearsed = ["migrate", "deploy", "--skip-rehearsal", "--reason", "a test"];
    project.run(unrehearsed).exits(1).says("20250103000000_bad");
    let columns = project.database().rows(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'Song' AND column_name IN ('one', 'year', 'three')",
    );
    assert_eq!(columns, ["one"]);
    let history =
        project.database().rows("SELECT migration_name, finished_at IS NOT NULL FROM _prisma_migrations ORDER BY 1");
    assert_eq!(history, [format!("{}|t", super::INIT), "20250102000000_one|t".into()]);
}

/// Prisma's own enum block brings BEGIN and COMMIT; it stays whole with the rest of the file all the same.
#[test]
fn an_enum_block_does_not_split_the_file() {
    let project = Project::prisma7()
        .schema("enum Role {\n  USER\n  ADMIN\n  GUEST\n}\nmodel U {\n  id Int @id\n  role Role\n}\n")
        .migration(
            super::INIT,
            "CREATE TYPE \"Role\" AS ENUM ('USER', 'ADMIN', 'GUEST');\nCREATE TABLE \"U\" (\"id\" INTEGER NOT NULL, \"role\" \"Role\" NOT NULL, CONSTRAINT \"U_pkey\" PRIMARY KEY (\"id\"));\n",
        )
        .applied();
    project.database().execute("INSERT INTO \"U\" VALUES (1, 'USER')");
    let block = "-- prisma-safe:allow drop-enum-value(Role.GUEST): unused\n-- AlterEnum\nBEGIN;\nCREATE TYPE \"Role_new\" AS ENUM ('USER', 'ADMIN');\nALTER TABLE \"U\" ALTER COLUMN \"role\" TYPE \"Role_new\" USING (\"role\"::text::\"Role_new\");\nALTER TYPE \"Role\" RENAME TO \"Role_old\";\nALTER TYPE \"Role_new\" RENAME TO \"Role\";\nDROP TYPE \"Role_old\";\nCOMMIT;\n\nSELECT 1 / 0;\n";
    project.add_migration("20250102000000_enum", block);
    let before = project.database().contents();
    project.run(["migrate", "deploy"]).exits(1).says("division by zero");
    assert_eq!(project.database().contents(), before);
}

/// What cannot run in a transaction goes to Prisma's engine, alone, and the rest around it stays atomic.
fn an_index_built_concurrently(prisma: Prisma) {
    let project = songs(prisma, 100);
    project.set_schema(&super::SONG.replace("@@index([artist])", "@@index([artist])\n  @@index([title])"));
    project.add_migration(
        "20250102000000_title_idx",
        "CREATE INDEX CONCURRENTLY \"Song_title_idx\" ON \"Song\"(\"title\");\n",
    );
    project.run(["migrate", "deploy"]).succeeds().says("All migrations have been successfully applied.");
    prisma_is_content(prisma, &project);
}

#[test]
fn an_index_built_concurrently_7() {
    an_index_built_concurrently(Prisma::V7);
}

#[test]
fn an_index_built_concurrently_6() {
    an_index_built_concurrently(Prisma::V6);
}
