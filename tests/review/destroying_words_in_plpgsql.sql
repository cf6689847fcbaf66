-- expect: error opaque-code(DO 1)
-- expect: warning opaque-code(DO 2)
CREATE TABLE "Track" (
    "id" SERIAL NOT NULL,
    "title" TEXT NOT NULL,
    "artist" TEXT,
    CONSTRAINT "Track_pkey" PRIMARY KEY ("id")
);
-- migration
DO $$ BEGIN EXECUTE 'ALTER TABLE "Track" DROP COLUMN artist'; END $$;
DO $$ BEGIN CREATE TYPE "Mood" AS ENUM ('A'); EXCEPTION WHEN duplicate_object THEN NULL; END $$;
