-- case: as its page shows it
-- migration
DROP TABLE "Song";
-- expect: error drop-table(Song)

-- case: the way out
-- migration
CREATE TABLE "Draft" ("id" INTEGER NOT NULL);
DROP TABLE "Draft";

-- case: empty
-- given: rows Song 0
-- migration
DROP TABLE "Song";
-- expect: warning drop-table(Song)

-- case: rows
-- given: rows Song 3
-- migration
DROP TABLE IF EXISTS "Song" CASCADE;
-- expect: error drop-table(Song)

-- case: in another schema
-- before
CREATE SCHEMA "old";
CREATE TABLE "old"."T" ("id" INTEGER NOT NULL);
-- migration
DROP TABLE "old"."T";
-- expect: error drop-table(old.T)
