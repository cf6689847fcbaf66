//! What a deploy keeps, and how it comes back.

use super::{deploy, songs};
use crate::support::Prisma;
use crate::support::schema::assert_valid;

const DROP: &str = "-- prisma-safe:allow drop-column(Song.artist): unused\n\
    DROP INDEX \"Song_artist_idx\";\nALTER TABLE \"Song\" DROP COLUMN \"artist\";\n";
const NAME: &str = "20250102000000_drop_artist";
const COLUMN: &str =
    "SELECT count(*) FROM information_schema.columns WHERE table_name = 'Song' AND column_name = 'artist'";

fn a_dropped_column_comes_back(prisma: Prisma) {
    let project = songs(prisma);
    let database = project.database();
    deploy(&project, NAME, DROP);
    // life goes on: a song is changed, one is deleted, one is new
    database.execute(
        r#"UPDATE "Song" SET title = 'new' WHERE id = 1; DELETE FROM "Song" WHERE id = 2;
           INSERT INTO "Song" (isrc, title) VALUES ('later', 'later')"#,
    );
    project.run(["rollback"]).exits(4).says("1 row has no value for Song.artist").says("--fill");
    assert_eq!(database.value(COLUMN), "0");
    let fill = ["rollback", "--fill", "Song.artist=nobody", "--format", "json"];
    // a try keeps nothing
    let tried = project.run(fill.into_iter().chain(["--dry-run"])).succeeds().says("1 deleted since");
    assert_valid("rollback", &tried.json());
    assert_eq!(database.value(COLUMN), "0");
    let done = project.run(fill).succeeds().says("999 of 1,000 rows").says("1 deleted since").json();
    assert_valid("rollback", &done);
    assert_eq!(done["migrations"][0]["putBack"][0]["restored"], 999);
    assert_eq!(done["migrations"][0]["filled"][0]["rows"], 1);
    assert_eq!(database.count("Song"), 1000);
    assert_eq!(database.value(r#"SELECT artist || title FROM "Song" WHERE id = 1"#), "artist 1new");
    assert_eq!(database.value(r#"SELECT artist FROM "Song" WHERE isrc = 'later'"#), "nobody");
    assert_eq!(database.value(r#"SELECT count(*) FROM "Song" WHERE artist = 'artist ' || id"#), "999");
    // Prisma sees the migration as pending, and applies it again
    project.prisma(["migrate", "status"]).exits(1).says(NAME);
    project.prisma(["migrate", "deploy"]).succeeds().says(NAME);
    project.prisma(["migrate", "status"]).succeeds();
    assert_eq!(database.value(COLUMN), "0");
    // what plain Prisma has destroyed is not in any capsule: an older one is not taken for it, but the backup before it is,
    // which has no value for the row that came later
    project
        .run(["rollback"])
        .exits(4)
        .says("what it destroyed was not saved")
        .says("1 row has no value for Song.artist");
    assert_eq!(database.value(COLUMN), "0");
    assert_eq!(database.value("SELECT count(*) FROM _prisma_safe.history WHERE finished_at IS NOT NULL"), "1");
}

#[test]
fn a_dropped_column_comes_back_on_prisma_7() {
    a_dropped_column_comes_back(Prisma::V7);
}

#[test]
fn a_dropped_column_comes_back_on_prisma_6() {
    a_dropped_column_comes_back(Prisma::V6);
}
