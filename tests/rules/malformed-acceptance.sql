-- case: as its page shows it
-- migration
-- prisma-safe:allow drop-column(Song.artist)
ALTER TABLE "Song" DROP COLUMN "artist";
-- expect: error malformed-acceptance(-- prisma-safe:allow drop-column(Song.artist))
-- expect: error drop-column(Song.artist)

-- case: the way out
-- migration
-- prisma-safe:allow drop-column(Song.artist): unused since 2.3
ALTER TABLE "Song" DROP COLUMN "artist";
-- expect: error drop-column(Song.artist) accepted
