-- case: as its page shows it
-- migration
ALTER TABLE "Song" ADD CONSTRAINT "Song_plays_check" CHECK ("plays" >= 0);
-- expect: warning validated-constraint(Song_plays_check)

-- case: the way out
-- migration
ALTER TABLE "Song" ADD CONSTRAINT "Song_plays_check" CHECK ("plays" >= 0) NOT VALID;

-- case: orphans
-- given: rows Song 90; orphans Song 4
-- migration
ALTER TABLE "Song" DROP CONSTRAINT "Song_albumId_fkey";
ALTER TABLE "Song" ADD CONSTRAINT "Song_albumId_fkey" FOREIGN KEY ("albumId") REFERENCES "Album"("id");
-- expect: error validated-constraint(Song_albumId_fkey)

-- case: rows against the check
-- given: rows Song 90; breaking Song 4
-- migration
ALTER TABLE "Song" ADD CONSTRAINT "c" CHECK ("plays" > 3);
-- expect: error validated-constraint(c)

-- case: a new relation
-- migration
CREATE TABLE "T" ("songId" INTEGER NOT NULL);
CREATE INDEX "i" ON "T"("songId");
ALTER TABLE "T" ADD CONSTRAINT "f" FOREIGN KEY ("songId") REFERENCES "Song"("id");

-- case: a new table that a query fills
-- migration
CREATE TABLE "Tag" AS SELECT "id" AS "songId" FROM "Song";
ALTER TABLE "Tag" ADD CONSTRAINT "Tag_songId_fkey" FOREIGN KEY ("songId") REFERENCES "Song"("id");
CREATE INDEX "Tag_songId_idx" ON "Tag"("songId");
-- expect: info bulk-write(Song)
-- expect: warning validated-constraint(Tag_songId_fkey)
-- expect: info blocking-index(Tag_songId_idx)

-- case: added and validated in one transaction
-- migration
ALTER TABLE "Song" ADD CONSTRAINT "c" CHECK ("plays" > 3) NOT VALID;
ALTER TABLE "Song" VALIDATE CONSTRAINT "c";
-- expect: warning validated-constraint(c)

-- case: added and validated in one transaction, on a table that no migration makes
-- migration
BEGIN;
ALTER TABLE "archive" ADD CONSTRAINT "c" CHECK ("plays" > 3) NOT VALID;
ALTER TABLE "archive" VALIDATE CONSTRAINT "c";
COMMIT;
-- expect: warning validated-constraint(c)

-- case: the same, and the file asks for no transaction
-- migration
ALTER TABLE "archive" ADD CONSTRAINT "c" CHECK ("plays" > 3) NOT VALID;
ALTER TABLE "archive" VALIDATE CONSTRAINT "c";
-- expect: info validated-constraint(c)

-- case: validated alone, on a table that no migration makes
-- migration
ALTER TABLE "archive" VALIDATE CONSTRAINT "c";

-- case: added and validated in transactions of their own
-- migration
BEGIN; ALTER TABLE "Song" ADD CONSTRAINT "c" CHECK ("plays" > 3) NOT VALID; COMMIT;
BEGIN; ALTER TABLE "Song" VALIDATE CONSTRAINT "c"; COMMIT;
-- expect: info partial-apply(20250121120000_change)
