-- case: as its page shows it
-- given: exchanged Song title artist
-- migration
SELECT 1;
-- expect: error exchanged-columns(Song)

-- case: the columns follow
-- given: exchanged Song title artist
-- migration
ALTER TABLE "Song" RENAME COLUMN "title" TO "tmp";
ALTER TABLE "Song" RENAME COLUMN "artist" TO "title";
ALTER TABLE "Song" RENAME COLUMN "tmp" TO "artist";
-- expect: warning breaking-rename(Song.title)
-- expect: warning breaking-rename(Song.artist)

-- case: it is meant
-- given: exchanged Song title artist
-- migration
-- prisma-safe:allow exchanged-columns(Song): the names were wrong
SELECT 1;
-- expect: error exchanged-columns(Song) accepted

-- case: nothing is exchanged
-- migration
SELECT 1;
