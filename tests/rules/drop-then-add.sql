-- case: as its page shows it
-- migration
ALTER TABLE "Song" DROP COLUMN "artist",
ADD COLUMN     "artist_name" VARCHAR(200);
-- expect: error drop-column(Song.artist)
-- expect: warning drop-then-add(Song)

-- case: the way out
-- migration
-- prisma-safe:allow drop-column(Song.artist): unused since 2.3
ALTER TABLE "Song" DROP COLUMN "artist",
ADD COLUMN     "genre" TEXT;
-- expect: error drop-column(Song.artist) accepted
