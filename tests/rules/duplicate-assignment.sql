-- case: twice
-- migration
UPDATE "Song" SET "title" = 'a', "title" = 'b' WHERE "id" = 1;
-- expect: warning overwritten-values(Song.title)
-- expect: info bulk-write(Song)
-- expect: error duplicate-assignment(title)

-- case: once
-- given: rows Song 10
-- migration
UPDATE "Song" SET "title" = 'a' WHERE "id" = 1;
-- expect: warning overwritten-values(Song.title)
