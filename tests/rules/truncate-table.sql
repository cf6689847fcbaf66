-- case: as its page shows it
-- migration
TRUNCATE "Song";
-- expect: error truncate-table(Song)

-- case: some rows
-- given: rows Song 0
-- migration
DELETE FROM "Song" WHERE "plays" = 0;

-- case: with what hangs on it
-- migration
TRUNCATE "Album" CASCADE;
-- expect: error truncate-table(Album)

-- case: empty
-- given: rows Album 0
-- migration
TRUNCATE "Album";
-- expect: info truncate-table(Album)
