-- expect: warning drop-column(Track.slug)
CREATE TABLE "Track" ("id" INTEGER NOT NULL, "title" TEXT NOT NULL, "slug" TEXT GENERATED ALWAYS AS (lower("title")) STORED);
-- migration
ALTER TABLE "Track" DROP COLUMN "slug";
