-- case: as its page shows it
-- migration
ALTER TYPE "Role" ADD VALUE 'OWNER';
ALTER TABLE "User" ALTER COLUMN "role" SET DEFAULT 'OWNER';
-- expect: error new-enum-value-used(Role.OWNER)

-- case: the way out
-- migration
ALTER TYPE "Role" ADD VALUE 'OWNER';
ALTER TYPE "Role" ADD VALUE 'EDITOR';
