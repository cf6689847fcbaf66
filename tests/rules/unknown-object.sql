-- case: a type of a table that no migration makes
-- migration
ALTER TABLE "archive" ALTER COLUMN "title" TYPE varchar(50) USING left("title", 50);
-- expect: warning unknown-object(archive.title)

-- case: a key that becomes wider, behind other statements: its old type is not known
-- migration
SET lock_timeout = '4s';
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
ALTER TABLE "ticket_sale" ALTER COLUMN "id" TYPE BIGINT;
-- expect: warning unknown-object(ticket_sale.id)

-- case: constraints and indexes of it
-- migration
ALTER TABLE "shelf" DROP CONSTRAINT "shelf_code_key";
DROP INDEX "shelf_n_key";
-- expect: warning unknown-object(shelf.shelf_code_key)
-- expect: info unknown-object(shelf_n_key)

-- case: columns that come from elsewhere
-- before
CREATE TABLE "copy" (LIKE "Song" INCLUDING ALL);
-- migration
ALTER TABLE "copy" ALTER COLUMN "title" TYPE varchar(3) USING left("title", 3);
-- expect: warning unknown-object(copy.title)

-- case: a table that may have been there
-- before
CREATE TABLE IF NOT EXISTS "Zone" ("code" TEXT PRIMARY KEY, "note" TEXT);
-- migration
ALTER TABLE "Zone" ALTER COLUMN "note" TYPE varchar(3);
-- expect: warning unknown-object(Zone.note)

-- case: what a migration makes is known
-- migration
CREATE TABLE "Shelf" ("id" INTEGER NOT NULL PRIMARY KEY, "title" VARCHAR(40));
ALTER TABLE "Shelf" ALTER COLUMN "title" TYPE varchar(50);

-- case: a temporary table
-- migration
CREATE TEMP TABLE "work" ("id" INTEGER);
DELETE FROM "work";
DROP TABLE "work";

-- case: another type for an attribute of an unknown type
-- migration
ALTER TYPE "Point" ALTER ATTRIBUTE "x" TYPE SMALLINT CASCADE;
ALTER TYPE "Point" ADD ATTRIBUTE "z" INTEGER;
-- expect: warning unknown-object(Point)
