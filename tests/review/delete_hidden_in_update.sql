-- expect: warning overwritten-values(Track.artist)
-- expect: info bulk-write(Track)
-- expect: error delete-without-where(Track)
CREATE TABLE "Track" ("id" SERIAL NOT NULL, "title" TEXT NOT NULL, "artist" TEXT);
-- migration
WITH gone AS (DELETE FROM "Track" WHERE true RETURNING id) UPDATE "Track" SET "artist" = 'x' WHERE "id" IN (SELECT id FROM gone);
