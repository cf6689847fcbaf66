-- case: bad
-- migration
UPDATE "Song" SET "artist" = 'unknown';
-- expect: error update-without-where(Song.artist)

-- case: some rows
-- given: rows Song 200
-- migration
UPDATE "Song" SET "artist" = 'unknown' WHERE "artist" IS NULL;
