-- case: as its page shows it
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
ALTER TABLE "Album" ADD COLUMN "label" TEXT;
ALTER TABLE "Playlist" ADD COLUMN "label" TEXT;
-- expect: info several-tables(20250121120000_change)

-- case: each in a transaction of its own
-- migration
BEGIN;
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
COMMIT;
BEGIN;
ALTER TABLE "Album" ADD COLUMN "label" TEXT;
COMMIT;
BEGIN;
ALTER TABLE "Playlist" ADD COLUMN "label" TEXT;
COMMIT;

-- case: two large ones
-- given: rows Song 900000; rows Album 900000
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
ALTER TABLE "Album" ADD COLUMN "label" TEXT;
-- expect: warning several-tables(20250121120000_change)

-- case: small ones
-- given: rows Song 9; rows Album 9; rows Playlist 9
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
ALTER TABLE "Album" ADD COLUMN "label" TEXT;
ALTER TABLE "Playlist" ADD COLUMN "label" TEXT;

-- case: one table three times, and a new one
-- migration
CREATE TABLE "Tag" ("id" INTEGER NOT NULL, CONSTRAINT "Tag_pkey" PRIMARY KEY ("id"));
ALTER TABLE "Tag" ADD COLUMN "name" TEXT;
ALTER TABLE "Song" ADD COLUMN "a" TEXT;
ALTER TABLE "Song" ADD COLUMN "b" TEXT;
ALTER TABLE "Song" ADD COLUMN "c" TEXT;
