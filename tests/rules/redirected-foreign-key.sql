-- case: the same column refers to another table
-- given: rows Song 100
-- before
CREATE TABLE "Crew" ("id" SERIAL NOT NULL, CONSTRAINT "Crew_pkey" PRIMARY KEY ("id"));
-- migration
ALTER TABLE "Song" DROP CONSTRAINT "Song_albumId_fkey";
ALTER TABLE "Song" ADD CONSTRAINT "Song_albumId_fkey" FOREIGN KEY ("albumId") REFERENCES "Crew"("id") ON DELETE SET NULL ON UPDATE CASCADE;
-- expect: error redirected-foreign-key(Song.albumId)

-- case: accepted
-- given: rows Song 100
-- before
CREATE TABLE "Crew" ("id" SERIAL NOT NULL, CONSTRAINT "Crew_pkey" PRIMARY KEY ("id"));
-- migration
-- prisma-safe:allow redirected-foreign-key(Song.albumId): both tables share their keys
ALTER TABLE "Song" DROP CONSTRAINT "Song_albumId_fkey";
ALTER TABLE "Song" ADD CONSTRAINT "Song_albumId_fkey" FOREIGN KEY ("albumId") REFERENCES "Crew"("id") ON DELETE SET NULL ON UPDATE CASCADE;
-- expect: error redirected-foreign-key(Song.albumId) accepted

-- case: the table that it refers to has another name
-- given: rows Song 100
-- migration
ALTER TABLE "Song" DROP CONSTRAINT "Song_albumId_fkey";
ALTER TABLE "Album" RENAME TO "Record";
ALTER TABLE "Song" ADD CONSTRAINT "Song_albumId_fkey" FOREIGN KEY ("albumId") REFERENCES "Record"("id") ON DELETE SET NULL ON UPDATE CASCADE;
-- expect: warning breaking-rename(Album)

-- case: another action on delete
-- given: rows Song 100
-- migration
ALTER TABLE "Song" DROP CONSTRAINT "Song_albumId_fkey";
ALTER TABLE "Song" ADD CONSTRAINT "Song_albumId_fkey" FOREIGN KEY ("albumId") REFERENCES "Album"("id") ON DELETE CASCADE ON UPDATE CASCADE;
