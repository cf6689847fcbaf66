-- case: bad
-- migration
ALTER TABLE "Song" ALTER COLUMN "artist" SET DATA TYPE VARCHAR(50);
-- expect: error narrow-type(Song.artist)

-- case: good
-- migration
ALTER TABLE "Song" ALTER COLUMN "artist" SET DATA TYPE TEXT;
