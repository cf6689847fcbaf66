-- case: backfill behind a new column
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
UPDATE "Song" SET "label" = "title" WHERE "label" IS NULL;
-- expect: warning lock-held(Song)
-- expect: info bulk-write(Song)

-- case: backfill of a large table
-- given: rows Song 5000000; nulls Song.label 0
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
UPDATE "Song" SET "label" = "title";
-- expect: error lock-held(Song)
-- expect: warning bulk-write(Song)

-- case: small tables
-- given: rows Song 500
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
UPDATE "Song" SET "label" = "title";

-- case: one table stays locked while another one's index is built
-- given: rows Song 20000; rows User 9000000
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
CREATE INDEX "User_name_idx" ON "User"("name");
-- expect: error lock-held(Song)
-- expect: error blocking-index(User_name_idx)

-- case: the work stands before the lock
-- given: rows Song 20000; rows User 2000000
-- migration
CREATE INDEX "User_name_idx" ON "User"("name");
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
-- expect: warning blocking-index(User_name_idx)

-- case: everything is new
-- migration
CREATE TABLE "Tag" ("id" INTEGER NOT NULL, "name" TEXT NOT NULL);
ALTER TABLE "Tag" ADD COLUMN "label" TEXT;
INSERT INTO "Tag" VALUES (1, 'a', 'b');
UPDATE "Tag" SET "label" = "name";

-- case: rows are copied into a new table under a lock
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
CREATE TABLE "Copy" ("id" INTEGER NOT NULL);
INSERT INTO "Copy" SELECT "id" FROM "Song";
-- expect: warning lock-held(Song)
-- expect: info bulk-write(Song)

-- case: what Prisma writes for two tables and a relation, offline
-- migration
ALTER TABLE "Song" ADD COLUMN "ownerId" INTEGER;
ALTER TABLE "Album" ADD COLUMN "year" INTEGER;
CREATE INDEX "Song_ownerId_idx" ON "Song"("ownerId");
ALTER TABLE "Song" ADD CONSTRAINT "Song_ownerId_fkey" FOREIGN KEY ("ownerId") REFERENCES "User"("id") ON DELETE SET NULL ON UPDATE CASCADE;
-- expect: warning blocking-index(Song_ownerId_idx)
-- expect: info validated-constraint(Song_ownerId_fkey)

-- case: the file's own transactions let go of the lock
-- migration
BEGIN;
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
COMMIT;
BEGIN;
UPDATE "Song" SET "label" = "title" WHERE "label" IS NULL;
COMMIT;
-- expect: info partial-apply(20250121120000_change)
-- expect: info bulk-write(Song)

-- case: a batch behind a new column
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
UPDATE "Song" SET "label" = "title" WHERE "id" IN (SELECT "id" FROM "Song" WHERE "label" IS NULL LIMIT 1000);
