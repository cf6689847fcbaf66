-- expect: error drop-enum-value(Role.ADMIN)
CREATE TYPE "Role" AS ENUM ('USER', 'ADMIN');
CREATE TABLE "U" ("id" INTEGER NOT NULL, "role" "Role"[], CONSTRAINT "U_pkey" PRIMARY KEY ("id"));
-- migration
-- AlterEnum
BEGIN;
CREATE TYPE "Role_new" AS ENUM ('USER');
ALTER TABLE "U" ALTER COLUMN "role" TYPE "Role_new"[] USING ("role"::text::"Role_new"[]);
ALTER TYPE "Role" RENAME TO "Role_old";
ALTER TYPE "Role_new" RENAME TO "Role";
DROP TYPE "Role_old";
COMMIT;
