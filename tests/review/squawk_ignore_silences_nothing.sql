-- expect: warning blocking-reindex(Track)
CREATE TABLE "Track" (
    "id" SERIAL NOT NULL,
    "title" TEXT NOT NULL,
    "artist" TEXT,
    CONSTRAINT "Track_pkey" PRIMARY KEY ("id")
);
-- migration
-- squawk-ignore-file
-- squawk-ignore require-concurrent-reindex
REINDEX TABLE "Track";
