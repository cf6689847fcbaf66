-- case: bad
-- migration
TRUNCATE "Song";
-- expect: error truncate-table(Song)

-- case: some rows
-- given: rows Song 0
-- migration
DELETE FROM "Song" WHERE "plays" = 0;
