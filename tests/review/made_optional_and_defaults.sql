-- expect: pass
CREATE TABLE "Track" (
    "id" SERIAL NOT NULL,
    "title" TEXT NOT NULL,
    "artist" TEXT,
    CONSTRAINT "Track_pkey" PRIMARY KEY ("id")
);
-- migration
-- AlterTable
ALTER TABLE "Track" ALTER COLUMN "title" DROP NOT NULL,
ALTER COLUMN "artist" SET DEFAULT 'unknown';
