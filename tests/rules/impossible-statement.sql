-- case: a generated column has no default
-- before
ALTER TABLE "Song" ADD COLUMN "words" TEXT GENERATED ALWAYS AS (lower("title")) STORED;
-- migration
ALTER TABLE "Song" ADD COLUMN "extra" INTEGER, ALTER COLUMN "words" DROP DEFAULT;
-- expect: error impossible-statement(Song.words)

-- case: a column of the primary key
-- given: rows Song 0
-- migration
ALTER TABLE "Song" ALTER COLUMN "id" DROP NOT NULL;
-- expect: error impossible-statement(Song.id)

-- case: a default like any other
-- migration
ALTER TABLE "Song" ALTER COLUMN "plays" DROP DEFAULT;
