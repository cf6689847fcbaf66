-- expect: error delete-without-where(Track)
CREATE TABLE "Track" (
    "id" SERIAL NOT NULL,
    "title" TEXT NOT NULL,
    "artist" TEXT,
    CONSTRAINT "Track_pkey" PRIMARY KEY ("id")
);
-- migration
WITH gone AS (DELETE FROM "Track" RETURNING *) SELECT count(*) FROM gone;
