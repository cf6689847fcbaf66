-- case: as its page shows it
-- migration
ALTER TYPE "Role" ADD VALUE 'OWNER';
ALTER TABLE "User" ALTER COLUMN "role" SET DEFAULT 'OWNER';
-- expect: error new-enum-value-used(Role.OWNER)

-- case: the way out
-- migration
ALTER TYPE "Role" ADD VALUE 'OWNER';
ALTER TYPE "Role" ADD VALUE 'EDITOR';

-- case: with a Prisma that sends statement by statement
-- given: prisma 7.4
-- migration
ALTER TYPE "Role" ADD VALUE 'OWNER';
UPDATE "User" SET "role" = 'OWNER' WHERE "email" = 'x';
-- expect: warning new-enum-value-used(Role.OWNER)
-- expect: warning overwritten-values(User.role)
-- expect: info partial-apply(20250121120000_change)
-- expect: info bulk-write(User)

-- case: accepted
-- migration
-- prisma-safe:allow new-enum-value-used(Role.OWNER): a vendor's file that customers have applied
ALTER TYPE "Role" ADD VALUE 'OWNER';
ALTER TABLE "User" ALTER COLUMN "role" SET DEFAULT 'OWNER';
-- expect: error new-enum-value-used(Role.OWNER) accepted

-- case: the same word in an enum of the same file
-- migration
CREATE TYPE "Recall" AS ENUM ('OWNER', 'CLOSED');
ALTER TYPE "Role" ADD VALUE 'OWNER';
CREATE TABLE "Ticket" ("id" INTEGER NOT NULL, "state" "Recall" NOT NULL DEFAULT 'OWNER', CONSTRAINT "Ticket_pkey" PRIMARY KEY ("id"));

-- case: in another enum's column, and in a text
-- before
CREATE TYPE "Recall" AS ENUM ('OWNER', 'CLOSED');
CREATE TABLE "Ticket" ("id" INTEGER NOT NULL, "state" "Recall" NOT NULL DEFAULT 'CLOSED', "note" TEXT);
-- migration
ALTER TYPE "Role" ADD VALUE 'OWNER';
ALTER TABLE "Ticket" ALTER COLUMN "state" SET DEFAULT 'OWNER';
ALTER TABLE "Ticket" ADD COLUMN "by" TEXT DEFAULT 'OWNER';

-- case: in the body of a function that nobody calls, and in a trigger's arguments
-- migration
ALTER TYPE "Role" ADD VALUE 'OWNER';
CREATE FUNCTION make_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.role := 'OWNER';
  RETURN NEW;
END $$;
CREATE TRIGGER owners BEFORE INSERT ON "User" FOR EACH ROW EXECUTE FUNCTION make_owner('OWNER');

-- case: in the body of a function that is called
-- migration
ALTER TYPE "Role" ADD VALUE 'OWNER';
CREATE FUNCTION make_owner() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "User" ("email", "role") VALUES ('x', 'OWNER');
END $$;
SELECT make_owner();
-- expect: warning new-enum-value-used(Role.OWNER)
-- expect: warning opaque-code(call 1)

-- case: on a table that no migration makes
-- given: prisma 7.4
-- migration
ALTER TYPE "Role" ADD VALUE 'OWNER';
ALTER TABLE "Member" ALTER COLUMN "role" SET DEFAULT 'OWNER';
-- expect: info new-enum-value-used(Role.OWNER)
