//! What a deploy keeps, and how it comes back.

use super::{deploy, songs};
use crate::support::Prisma;

const DROP: &str = "-- prisma-safe:allow drop-column(Song.artist): unused\n\
    DROP INDEX \"Song_artist_idx\";\nALTER TABLE \"Song\" DROP COLUMN \"artist\";\n";
const NAME: &str = "20250102000000_drop_artist";

fn a_dropped_column_comes_back(prisma: Prisma) {
    let project = songs(prisma);
    let database = project.database();
    deploy(&project, NAME, DROP);
    // life goes on: a song is changed, one is deleted, one is new
    database.execute(
        r#"UPDATE "Song" SET title = 'new' WHERE id = 1; DELETE FROM "Song" WHERE id = 2;
           INSERT INTO "Song" (isrc, title) VALUES ('later', 'later')"#,
    );
    let output = project.run(["rollback"]).exits(4).says("1 row has no value for Song.artist").says("--fill");
    drop(output);
    assert_eq!(database.value("SELECT count(*) FROM information_schema.columns WHERE table_name = 'Song' AND column_name = 'artist'"), "0");
    let output = project.run(["rollback", "--fill", "Song.artist=nobody", "-v"]).succeeds();
    println!("{output}");
    let output = output.says("999 of 1,000 rows").says("1 deleted since");
    drop(output);
    assert_eq!(database.count("Song"), 1000);
    assert_eq!(database.value(r#"SELECT artist || title FROM "Song" WHERE id = 1"#), "artist 1new");
    assert_eq!(database.value(r#"SELECT artist FROM "Song" WHERE isrc = 'later'"#), "nobody");
    assert_eq!(database.value(r#"SELECT count(*) FROM "Song" WHERE artist = 'artist ' || id"#), "999");
    // Prisma sees the migration as pending, and applies it again
    project.prisma(["migrate", "status"]).exits(1).says(NAME);
    project.run(["migrate", "deploy"]).succeeds().says(NAME);
    project.prisma(["migrate", "status"]).succeeds();
    // and it can be taken back again, by its own capsule
    project.run(["rollback", "drop_artist"]).succeeds().says("1,000 of 1,000 rows");
    assert_eq!(database.count("_prisma_migrations"), 1);
    assert_eq!(database.value("SELECT count(*) FROM _prisma_safe.history WHERE finished_at IS NOT NULL"), "2");
    project.prisma(["migrate", "status"]).exits(1).says(NAME);
}

#[test]
fn a_dropped_column_comes_back_on_prisma_7() {
    a_dropped_column_comes_back(Prisma::V7);
}

#[test]
fn a_dropped_column_comes_back_on_prisma_6() {
    a_dropped_column_comes_back(Prisma::V6);
}
