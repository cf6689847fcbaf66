-- case: as its page shows it
-- migration
-- prisma-safe:allow drop-column(Song.singer): unused since 2.3
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
-- expect: warning unused-acceptance(drop-column(Song.singer))

-- case: the way out
-- migration
-- prisma-safe:allow drop-column(Song.artist): unused since 2.3
ALTER TABLE "Song" DROP COLUMN "artist";
-- expect: error drop-column(Song.artist) accepted
