-- case: rows of a table of unknown size
-- migration
UPDATE "Song" SET "artist" = 'unknown' WHERE "artist" IS NULL;
-- expect: info bulk-write(Song)

-- case: a large table
-- given: rows Song 30000000
-- migration
UPDATE "Song" SET "artist" = 'unknown' WHERE "artist" IS NULL;
-- expect: warning bulk-write(Song)

-- case: a small table
-- given: rows Song 300
-- migration
UPDATE "Song" SET "artist" = 'unknown' WHERE "artist" IS NULL;

-- case: rows are copied
-- given: rows Song 300000
-- migration
CREATE TABLE "Copy" AS SELECT * FROM "Song";
-- expect: warning bulk-write(Song)

-- case: rows of the file's own
-- migration
CREATE TABLE "Tag" ("id" INTEGER NOT NULL, "name" TEXT);
INSERT INTO "Tag" ("id") VALUES (1), (2);
UPDATE "Tag" SET "name" = 'x' WHERE "id" = 1;

-- case: a few rows by value
-- migration
INSERT INTO "Album" ("id", "name") VALUES (1, 'select from "Song"');

-- case: a batch
-- migration
UPDATE "Song" SET "artist" = 'x' WHERE "id" IN (SELECT "id" FROM "Song" WHERE "artist" IS NULL LIMIT 5000);

-- case: a LIMIT that bounds a value and no rows
-- migration
UPDATE "Song" SET "artist" = (SELECT "name" FROM "Album" LIMIT 1) WHERE "artist" IS NULL;
-- expect: info bulk-write(Song)
