-- expect: error drop-table(other.Track)
CREATE TABLE "Track" ("id" SERIAL NOT NULL, "title" TEXT NOT NULL, "artist" TEXT);
-- migration
SET search_path TO "other";
DROP TABLE "Track";
