-- expect: error delete-without-where(Track)
-- expect: error update-without-where(Track.artist)
CREATE TABLE "Track" ("id" SERIAL NOT NULL, "title" TEXT NOT NULL, "artist" TEXT);
-- migration
DELETE FROM "Track" WHERE true;
UPDATE "Track" SET "artist" = NULL WHERE 1 = 1;
