-- case: statement by statement, and the second may fail
-- given: prisma 7.10; rows Song 100; rows User 100; duplicates User 0
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
CREATE UNIQUE INDEX "User_name_key" ON "User"("name");
-- expect: info partial-apply(20250121120000_change)

-- case: an older Prisma sends the file whole
-- given: prisma 7.3; rows Song 100; rows User 100; duplicates User 0
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
CREATE UNIQUE INDEX "User_name_key" ON "User"("name");

-- case: wrapped as a whole
-- given: prisma 7.10; rows Song 100; rows User 100; duplicates User 0
-- migration
BEGIN;
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
CREATE UNIQUE INDEX "User_name_key" ON "User"("name");
COMMIT;

-- case: Prisma's enum block, then something that may fail
-- given: prisma 6.19; rows Song 100; rows User 100; duplicates User 0
-- migration
BEGIN;
CREATE TYPE "Role_new" AS ENUM ('USER', 'ADMIN', 'GUEST', 'OWNER');
ALTER TABLE "User" ALTER COLUMN "role" DROP DEFAULT;
ALTER TABLE "User" ALTER COLUMN "role" TYPE "Role_new" USING ("role"::text::"Role_new");
ALTER TYPE "Role" RENAME TO "Role_old";
ALTER TYPE "Role_new" RENAME TO "Role";
DROP TYPE "Role_old";
ALTER TABLE "User" ALTER COLUMN "role" SET DEFAULT 'USER';
COMMIT;
CREATE UNIQUE INDEX "User_name_key" ON "User"("name");
-- expect: info partial-apply(20250121120000_change)

-- case: nothing can fail on rows
-- given: prisma 7.10
-- migration
CREATE TABLE "Tag" ("id" INTEGER NOT NULL, "name" TEXT NOT NULL, CONSTRAINT "Tag_pkey" PRIMARY KEY ("id"));
CREATE UNIQUE INDEX "Tag_name_key" ON "Tag"("name");
ALTER TABLE "Song" ADD COLUMN "label" TEXT;

-- case: one statement
-- given: prisma 7.10; rows User 100; duplicates User 0
-- migration
CREATE UNIQUE INDEX "User_name_key" ON "User"("name");

-- case: no transaction takes it
-- given: prisma 7.10; rows Album 10
-- migration
VACUUM "Song";
UPDATE "Album" SET "name" = 'x' WHERE "id" = 1;
-- expect: warning overwritten-values(Album.name)
-- expect: info partial-apply(20250121120000_change)

-- case: it cannot be taken apart either
-- given: prisma 7.10; rows Album 10
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
SAVEPOINT a;
UPDATE "Album" SET "name" = 'x' WHERE "id" = 1;
RELEASE a;
-- expect: warning partial-apply(20250121120000_change)
-- expect: warning overwritten-values(Album.name)
