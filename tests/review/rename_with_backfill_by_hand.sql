-- expect: warning lock-held(Track)
-- expect: info bulk-write(Track)
-- expect: error drop-column(Track.artist)
CREATE TABLE "Track" (
    "id" SERIAL NOT NULL,
    "title" TEXT NOT NULL,
    "artist" TEXT,
    CONSTRAINT "Track_pkey" PRIMARY KEY ("id")
);
-- migration
ALTER TABLE "Track" ADD COLUMN "singer" TEXT;
UPDATE "Track" SET "singer" = "artist";
ALTER TABLE "Track" DROP COLUMN "artist";
