-- case: bad
-- migration
DELETE FROM "Song";
-- expect: error delete-without-where(Song)

-- case: good
-- migration
DELETE FROM "Song" WHERE "artist" IS NULL;
