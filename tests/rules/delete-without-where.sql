-- case: as its page shows it
-- migration
DELETE FROM "Song";
-- expect: error delete-without-where(Song)

-- case: some rows
-- given: rows Song 0
-- migration
DELETE FROM "Song" WHERE "artist" IS NULL;
