-- expect: info blocking-index-drop(Track_artist_title_key)
-- expect: error drop-column(Track.artist)
-- expect: warning drop-then-add(Track)
-- expect: error required-column(Track.artistName)
-- expect: warning blocking-index(Track_artistName_title_key)
CREATE TABLE "Track" (
    "id" SERIAL NOT NULL,
    "title" TEXT NOT NULL,
    "artist" TEXT NOT NULL,
    CONSTRAINT "Track_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "Track_artist_title_key" ON "Track"("artist", "title");
-- migration
-- DropIndex
DROP INDEX "Track_artist_title_key";

-- AlterTable
ALTER TABLE "Track" DROP COLUMN "artist",
ADD COLUMN     "artistName" TEXT NOT NULL;

-- CreateIndex
CREATE UNIQUE INDEX "Track_artistName_title_key" ON "Track"("artistName", "title");
