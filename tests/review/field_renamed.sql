-- expect: error drop-column(Track.artist)
-- expect: warning drop-then-add(Track)
CREATE TABLE "Track" (
    "id" SERIAL NOT NULL,
    "title" TEXT NOT NULL,
    "artist" TEXT,
    CONSTRAINT "Track_pkey" PRIMARY KEY ("id")
);
-- migration
-- AlterTable
ALTER TABLE "Track" DROP COLUMN "artist",
ADD COLUMN     "artistName" TEXT;
