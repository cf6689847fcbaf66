-- case: renamed, says the line; dropped, says the file
-- migration
-- prisma-safe:rename column Song.artist -> artist_name
ALTER TABLE "Song" DROP COLUMN "artist";
-- expect: error contradicted-decision(Song.artist)
-- expect: error drop-column(Song.artist)

-- case: renamed to something else
-- migration
-- prisma-safe:rename column Song.artist -> artist_name
ALTER TABLE "Song" RENAME COLUMN "artist" TO "singer";
-- expect: error contradicted-decision(Song.artist)
-- expect: warning breaking-rename(Song.artist)

-- case: nothing of that name
-- migration
-- prisma-safe:rename column Song.nobody -> artist_name
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
-- expect: error contradicted-decision(Song.nobody)

-- case: kept in the database, says the line
-- migration
-- prisma-safe:map column Song.artist -> artistName
ALTER TABLE "Song" DROP COLUMN "artist";
-- expect: error contradicted-decision(Song.artist)
-- expect: error drop-column(Song.artist)

-- case: dropped, says the line
-- migration
-- prisma-safe:delete column Song.artist
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
-- expect: error contradicted-decision(Song.artist)

-- case: every line is true
-- migration
-- prisma-safe:rename column Song.artist -> artist_name
-- prisma-safe:map column Song.title -> name
ALTER TABLE "Song" RENAME COLUMN "artist" TO "artist_name";
-- expect: warning breaking-rename(Song.artist)

-- case: renamed, says the line; the old one is kept beside a new one
-- migration
-- prisma-safe:rename column Song.artist -> artist_name
ALTER TABLE "Song" ADD COLUMN "artist_name" TEXT;
-- expect: error contradicted-decision(Song.artist)

-- case: two columns change places by way of a third name
-- migration
-- prisma-safe:rename column Song.artist -> title
-- prisma-safe:rename column Song.title -> artist
ALTER TABLE "Song" RENAME COLUMN "artist" TO "x";
ALTER TABLE "Song" RENAME COLUMN "title" TO "artist";
ALTER TABLE "Song" RENAME COLUMN "x" TO "title";
-- expect: warning breaking-rename(Song.artist)
-- expect: warning breaking-rename(Song.title)

-- case: dropped, says the line; renamed, says the file
-- migration
-- prisma-safe:delete column Song.artist
ALTER TABLE "Song" RENAME COLUMN "artist" TO "singer";
-- expect: error contradicted-decision(Song.artist)
-- expect: warning breaking-rename(Song.artist)
