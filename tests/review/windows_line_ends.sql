-- expect: error unreadable-sql(20250121120000_change)
-- expect: error drop-column(Track.artist)
CREATE TABLE "Track" (
    "id" SERIAL NOT NULL,
    "title" TEXT NOT NULL,
    "artist" TEXT,
    CONSTRAINT "Track_pkey" PRIMARY KEY ("id")
);
-- migration
﻿-- AlterTable
ALTER TABLE "Track" DROP COLUMN "artist",
ADD COLUMN "year" INTEGER;
