CREATE TABLE "Song" (
    "id" SERIAL NOT NULL,
    "title" TEXT NOT NULL,
    "artist" VARCHAR(200),
    "plays" BIGINT NOT NULL DEFAULT 0,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Song_pkey" PRIMARY KEY ("id")
);
ALTER TABLE "Song" ADD CONSTRAINT "Song_artist_present" CHECK ("artist" IS NOT NULL) NOT VALID;
ALTER TABLE "Song" VALIDATE CONSTRAINT "Song_artist_present";
-- migration
ALTER TABLE "Song" ALTER COLUMN "artist" SET NOT NULL;
