-- case: some rows
-- migration
DELETE FROM "Song" WHERE "plays" = 0;
-- expect: warning delete-rows(Song)

-- case: an empty table
-- given: rows Song 0
-- migration
DELETE FROM "Song" WHERE "plays" = 0;

-- case: rows of the file's own
-- migration
CREATE TABLE "Tag" ("id" INTEGER NOT NULL);
DELETE FROM "Tag" WHERE "id" = 0;

-- case: all rows are another rule's matter
-- migration
DELETE FROM "Song" WHERE true;
-- expect: error delete-without-where(Song)
