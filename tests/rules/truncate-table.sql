-- case: bad
-- migration
TRUNCATE "Song";
-- expect: error truncate-table(Song)

-- case: good
-- migration
DELETE FROM "Song" WHERE "plays" = 0;
