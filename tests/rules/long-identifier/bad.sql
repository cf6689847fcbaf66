CREATE TABLE "Song" (
    "id" SERIAL NOT NULL,
    "title" TEXT NOT NULL,
    "artist" VARCHAR(200),
    "plays" BIGINT NOT NULL DEFAULT 0,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Song_pkey" PRIMARY KEY ("id")
);
-- migration
CREATE INDEX CONCURRENTLY "Song_a_name_that_goes_on_and_on_until_nobody_can_remember_how_it_began_idx" ON "Song"("artist");
