-- case: some rows
-- given: rows Song 300
-- migration
UPDATE "Song" SET "artist" = NULL WHERE "plays" > 0;
-- expect: warning overwritten-values(Song.artist)

-- case: rows that another table names
-- given: rows Song 300
-- migration
UPDATE "Song" SET "artist" = "Album"."name" FROM "Album" WHERE "Album"."id" = "Song"."albumId";
-- expect: warning overwritten-values(Song.artist)

-- case: an upsert
-- migration
INSERT INTO "Album" ("id", "name") VALUES (1, 'First') ON CONFLICT ("id") DO UPDATE SET "name" = EXCLUDED."name";
-- expect: warning overwritten-values(Album.name)

-- case: an upsert that only fills gaps
-- migration
INSERT INTO "Playlist" ("id", "name", "ownerId") VALUES ('a', 'A', 1) ON CONFLICT ("id") DO UPDATE SET "name" = COALESCE("name", EXCLUDED."name");

-- case: gaps are filled
-- given: rows Song 300
-- migration
UPDATE "Song" SET "artist" = 'unknown' WHERE "artist" IS NULL;

-- case: gaps are filled in a bounded batch
-- given: rows Song 300
-- migration
UPDATE "Song" SET "artist" = 'unknown' WHERE "id" IN (SELECT "id" FROM "Song" WHERE "artist" IS NULL LIMIT 5000);

-- case: more than the gaps
-- given: rows Song 300
-- migration
UPDATE "Song" SET "artist" = 'unknown' WHERE "artist" IS NULL OR "plays" = 0;
-- expect: warning overwritten-values(Song.artist)

-- case: a new column
-- given: rows Song 300
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
UPDATE "Song" SET "label" = "artist" WHERE "plays" > 0;

-- case: an empty table
-- given: rows Song 0
-- migration
UPDATE "Song" SET "artist" = NULL WHERE "plays" > 0;

-- case: a column that holds nothing
-- given: rows Song 5000; values Song.artist 0
-- migration
UPDATE "Song" SET "artist" = NULL WHERE "plays" > 0;

-- case: values were measured
-- given: rows Song 5000; values Song.artist 40
-- migration
UPDATE "Song" SET "artist" = NULL WHERE "plays" > 0;
-- expect: warning overwritten-values(Song.artist)

-- case: a table that no migration makes
-- migration
UPDATE "Legacy" SET "note" = NULL WHERE "id" > 0;
-- expect: info overwritten-values(Legacy.note)
-- expect: info bulk-write(Legacy)
