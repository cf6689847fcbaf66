-- case: as its page shows it
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT NOT NULL;
-- expect: error required-column(Song.label)

-- case: the way out
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT NOT NULL DEFAULT '';

-- case: an empty table
-- given: rows Song 0
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT NOT NULL;
-- expect: info required-column(Song.label)

-- case: a counter fills itself
-- given: rows Song 10
-- migration
ALTER TABLE "Album" ADD COLUMN "n" SERIAL NOT NULL;
-- expect: warning table-rewrite(Album.n)

-- case: a new table
-- migration
CREATE TABLE "T" ("a" TEXT);
ALTER TABLE "T" ADD COLUMN "b" TEXT NOT NULL;

-- case: DEFAULT CURRENT_TIMESTAMP
-- migration
ALTER TABLE "Song" ADD COLUMN "updatedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP;

-- case: a new table that a query fills
-- migration
SELECT "artist" AS "name" INTO "Tag" FROM "Song";
ALTER TABLE "Tag" ADD COLUMN "rank" INTEGER NOT NULL;
-- expect: info bulk-write(Song)
-- expect: error required-column(Tag.rank)
