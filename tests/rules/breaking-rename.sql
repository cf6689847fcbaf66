-- case: as its page shows it
-- migration
ALTER TABLE "Song" RENAME COLUMN "artist" TO "artist_name";
-- expect: warning breaking-rename(Song.artist)

-- case: the way out
-- migration
-- AlterEnum
BEGIN;
CREATE TYPE "Role_new" AS ENUM ('GUEST', 'USER', 'ADMIN', 'OWNER');
ALTER TABLE "User" ALTER COLUMN "role" DROP DEFAULT;
ALTER TABLE "User" ALTER COLUMN "role" TYPE "Role_new" USING ("role"::text::"Role_new");
ALTER TYPE "Role" RENAME TO "Role_old";
ALTER TYPE "Role_new" RENAME TO "Role";
DROP TYPE "Role_old";
ALTER TABLE "User" ALTER COLUMN "role" SET DEFAULT 'USER';
COMMIT;

-- case: a table
-- migration
ALTER TABLE "Album" RENAME TO "Record";
-- expect: warning breaking-rename(Album)

-- case: a table that leaves a view
-- migration
ALTER TABLE "Album" RENAME TO "Record";
CREATE VIEW "Album" AS SELECT * FROM "Record";

-- case: an index
-- given: rows Song 9
-- migration
ALTER INDEX "Song_albumId_idx" RENAME TO "Song_album_idx";

-- case: another table takes the name
-- migration
ALTER TABLE "Song" RENAME TO "SongOld";
CREATE TABLE "Song" ("id" INTEGER NOT NULL);
-- expect: warning breaking-rename(Song)

-- case: another table takes the name and the rows
-- given: rows Album 300
-- migration
ALTER TABLE "Album" RENAME TO "AlbumOld";
CREATE TABLE "Album" ("id" INTEGER NOT NULL, "name" TEXT NOT NULL);
INSERT INTO "Album" ("id", "name") SELECT "id", "name" FROM "AlbumOld";
