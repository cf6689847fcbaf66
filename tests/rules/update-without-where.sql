-- case: bad
-- migration
UPDATE "Song" SET "artist" = 'unknown';
-- expect: error update-without-where(Song.artist)

-- case: good
-- migration
UPDATE "Song" SET "artist" = 'unknown' WHERE "artist" IS NULL;
