-- case: a field's column goes
-- given: deployed
-- migration
ALTER TABLE "Song" DROP COLUMN "artist";
-- expect: error drop-column(Song.artist)
-- expect: warning running-release(Song.artist)

-- case: a column goes that no field has
-- given: deployed
-- before
ALTER TABLE "Song" ADD COLUMN "legacy" TEXT;
-- migration
ALTER TABLE "Song" DROP COLUMN "legacy";
-- expect: error drop-column(Song.legacy)

-- case: a table goes, and a many-to-many relation with it
-- given: deployed
-- migration
ALTER TABLE "_PlaylistToSong" DROP CONSTRAINT "_PlaylistToSong_B_fkey";
DROP TABLE "_PlaylistToSong";
DROP TABLE "Song";
-- expect: error drop-table(_PlaylistToSong)
-- expect: warning running-release(_PlaylistToSong)
-- expect: error drop-table(Song)
-- expect: warning running-release(Song)

-- case: the renamed table leaves a view
-- given: deployed
-- migration
ALTER TABLE "Album" RENAME TO "Record";
CREATE VIEW "Album" AS SELECT * FROM "Record";

-- case: a renamed column and table
-- given: deployed
-- migration
ALTER TABLE "Song" RENAME COLUMN "title" TO "name";
ALTER TABLE "Album" RENAME TO "Record";
-- expect: warning running-release(Song.title)
-- expect: warning running-release(Album)

-- case: a rename inside the migration is no matter
-- given: deployed
-- migration
ALTER TABLE "Song" ADD COLUMN "a" TEXT;
ALTER TABLE "Song" RENAME COLUMN "a" TO "b";

-- case: inserts of the old release lack a value
-- given: deployed; rows Song 0
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT NOT NULL;
-- expect: warning running-release(Song.label)
-- expect: info required-column(Song.label)

-- case: a required column with a default
-- given: deployed
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT NOT NULL DEFAULT '';

-- case: optional field becomes required
-- given: deployed; rows User 200; nulls User.name 0
-- migration
ALTER TABLE "User" ALTER COLUMN "name" SET NOT NULL;
-- expect: warning running-release(User.name)

-- case: required field becomes optional
-- given: deployed
-- migration
ALTER TABLE "Song" ALTER COLUMN "title" DROP NOT NULL;
-- expect: info running-release(Song.title)

-- case: another type
-- given: deployed; rows Song 200; lost Song.plays 0
-- migration
ALTER TABLE "Song" ALTER COLUMN "plays" SET DATA TYPE TEXT;
-- expect: warning running-release(Song.plays)

-- case: a wider type of the same family
-- given: deployed; rows Song 200
-- migration
ALTER TABLE "Song" ALTER COLUMN "artist" SET DATA TYPE TEXT;

-- case: the counter goes
-- given: deployed
-- migration
ALTER TABLE "Song" ALTER COLUMN "id" DROP DEFAULT;
-- expect: warning running-release(Song.id)

-- case: a default that the client gives by itself
-- given: deployed
-- migration
ALTER TABLE "Song" ALTER COLUMN "createdAt" DROP DEFAULT;

-- case: an enum value is renamed
-- given: deployed
-- migration
ALTER TYPE "Role" RENAME VALUE 'GUEST' TO 'VISITOR';
-- expect: warning running-release(Role.GUEST)
-- expect: info running-release(Role.VISITOR)

-- case: an enum value is added
-- given: deployed
-- migration
ALTER TYPE "Role" ADD VALUE 'OWNER';
-- expect: info running-release(Role.OWNER)

-- case: an enum is created anew with one value less
-- given: deployed; holding User.role 0
-- migration
BEGIN;
CREATE TYPE "Role_new" AS ENUM ('USER', 'ADMIN');
ALTER TABLE "User" ALTER COLUMN "role" DROP DEFAULT;
ALTER TABLE "User" ALTER COLUMN "role" TYPE "Role_new" USING ("role"::text::"Role_new");
ALTER TYPE "Role" RENAME TO "Role_old";
ALTER TYPE "Role_new" RENAME TO "Role";
DROP TYPE "Role_old";
ALTER TABLE "User" ALTER COLUMN "role" SET DEFAULT 'USER';
COMMIT;
-- expect: warning drop-enum-value(Role.GUEST)
-- expect: warning table-rewrite(User.role)
-- expect: warning running-release(Role.GUEST)

-- case: an enum is renamed
-- given: deployed
-- migration
ALTER TYPE "Role" RENAME TO "UserRole";
-- expect: warning running-release(Role)

-- case: without the release nothing is known
-- migration
ALTER TYPE "Role" ADD VALUE 'OWNER';
