-- expect: warning blocking-index(U_pkey)
CREATE TABLE "U" ("id" INTEGER NOT NULL, "name" TEXT NOT NULL, "n" INTEGER NOT NULL DEFAULT 1, CONSTRAINT "U_pkey" PRIMARY KEY ("id"));
-- migration
-- AlterTable
CREATE SEQUENCE u_id_seq;
ALTER TABLE "U" DROP CONSTRAINT "U_pkey",
ALTER COLUMN "id" SET DEFAULT nextval('u_id_seq'),
ALTER COLUMN "name" SET DEFAULT 'y',
ALTER COLUMN "n" DROP DEFAULT,
ADD CONSTRAINT "U_pkey" PRIMARY KEY ("id", "name");
ALTER SEQUENCE u_id_seq OWNED BY "U"."id";
