-- case: bad
-- migration
ALTER TABLE "Song" DROP COLUMN "artist";
-- expect: error drop-column(Song.artist)

-- case: good
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
ALTER TABLE "Song" DROP COLUMN "label";
