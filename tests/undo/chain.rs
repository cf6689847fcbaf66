//! Several migrations rolled back at once: each meets the database that the newer ones leave, and all of them go or none.

use super::{INIT, SONG};
use crate::support::Project;

/// A project whose first migration is applied, with twenty songs.
fn songs() -> Project {
    let project = Project::prisma7().schema(SONG).migration("20250101000000_init", INIT).applied();
    project.write("prisma-safe.toml", "[rehearsal]\nmode = \"off\"\nreason = \"the way back is what matters\"\n");
    project.database().execute(
        r#"INSERT INTO "Song" (isrc, artist, title, plays) SELECT 'I' || n, 'a' || n, 't', n FROM generate_series(1, 20) n"#,
    );
    project
}

/// What one migration makes, a later one drops, renames or changes.
#[test]
fn a_chain_meets_what_the_newer_ones_leave() {
    let project = songs();
    let before = project.database().application();
    project.add_migration(
        "20250102000000_make",
        r#"ALTER TABLE "Song" ADD COLUMN "note" TEXT;
        CREATE TYPE "Mood" AS ENUM ('calm', 'wild');
        ALTER TABLE "Song" ADD COLUMN "mood" "Mood" NOT NULL DEFAULT 'calm';
        CREATE TABLE "Extra" ("id" INT PRIMARY KEY, "song" INT);
        CREATE TABLE "Brief" ("id" INT PRIMARY KEY);
        INSERT INTO "Extra" VALUES (1, 1), (2, 2);"#,
    );
    project.add_migration("20250103000000_value", r#"ALTER TYPE "Mood" ADD VALUE 'lost';"#);
    project.add_migration(
        "20250104000000_change",
        r#"-- prisma-safe:allow drop-column(Song.note): never filled
        -- prisma-safe:allow drop-table(Brief): never used
        -- prisma-safe:allow breaking-rename(Extra): nothing reads it
        ALTER TABLE "Song" DROP COLUMN "note";
        ALTER TABLE "Extra" RENAME TO "More";
        DROP TABLE "Brief";
        ALTER TABLE "Song" ALTER COLUMN "mood" DROP DEFAULT;
        ALTER TABLE "Song" ALTER COLUMN "mood" SET DATA TYPE TEXT USING "mood"::text;
        DROP TYPE "Mood";"#,
    );
    project.add_migration(
        "20250105000000_drop",
        "-- prisma-safe:allow drop-table(More): never used\nDROP TABLE \"More\";",
    );
    project.run(["migrate", "deploy"]).succeeds();
    assert_eq!(project.database().value(r#"SELECT count(*) FROM "Song" WHERE mood = 'calm'"#), "20");
    project.run(["rollback", "make", "--with-later", "--dry-run"]).succeeds().says("Verified");
    assert_eq!(project.database().count("_prisma_migrations"), 5);
    let done = project.run(["rollback", "make", "--with-later"]).succeeds();
    done.says("20250105000000_drop, 20250104000000_change, 20250103000000_value, 20250102000000_make");
    assert_eq!(project.database().application(), before);
}

/// A table that code has made: nobody knows how to take that back.
#[test]
fn a_chain_that_cannot_go_through_is_refused_before_anything_is_committed() {
    let project = songs();
    project.add_migration("20250102000000_first", "CREATE TABLE \"First\" (\"id\" INT PRIMARY KEY);");
    project.add_migration(
        "20250103000000_code",
        "-- prisma-safe:allow opaque-code(DO 1): makes one table\nDO $$ BEGIN EXECUTE 'CREATE TABLE \"ByCode\" (\"id\" INT)'; END $$;",
    );
    project.add_migration("20250104000000_last", "CREATE TABLE \"Last\" (\"id\" INT PRIMARY KEY);");
    project.run(["migrate", "deploy"]).succeeds();
    let before = project.database().contents();
    for extra in [&["--dry-run"][..], &[]] {
        let arguments = [&["rollback", "first", "--with-later"], extra].concat();
        let output = project.run(arguments).exits(1);
        output.says("cannot be reversed: what this code did is not known").says("without 20250103000000_code");
        assert_eq!(project.database().contents(), before);
    }
}
