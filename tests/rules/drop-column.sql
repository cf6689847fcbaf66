-- case: as its page shows it
-- migration
ALTER TABLE "Song" DROP COLUMN "artist";
-- expect: error drop-column(Song.artist)

-- case: the way out
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
ALTER TABLE "Song" DROP COLUMN "label";

-- case: empty
-- given: rows Song 900000; values Song.artist 0
-- migration
ALTER TABLE "Song" DROP COLUMN "artist";
-- expect: warning drop-column(Song.artist)

-- case: full
-- given: rows Song 900000; values Song.artist 12
-- migration
ALTER TABLE "Song" DROP COLUMN "artist";
-- expect: error drop-column(Song.artist)

-- case: filled by this migration first
-- given: rows Song 9; values Song.artist 0
-- migration
UPDATE "Song" SET "artist" = 'x' WHERE "id" = 1;
ALTER TABLE "Song" DROP COLUMN "artist";
-- expect: error drop-column(Song.artist)

-- case: accepted
-- migration
-- prisma-safe:allow drop-column(Song.artist): unused since 2.3
ALTER TABLE "Song" DROP COLUMN "artist";
-- expect: error drop-column(Song.artist) accepted

-- case: several
-- migration
ALTER TABLE "Song" DROP COLUMN "artist", DROP COLUMN "price";
-- expect: error drop-column(Song.artist)
-- expect: error drop-column(Song.price)
