-- case: rows of unknown number
-- before
CREATE TABLE "P" ("id" INTEGER NOT NULL);
-- migration
ALTER TABLE "Q" DETACH PARTITION "P" CONCURRENTLY;
-- expect: error detached-rows(P)

-- case: an inheriting table
-- given: rows P 3
-- before
CREATE TABLE "P" ("id" INTEGER NOT NULL);
-- migration
ALTER TABLE "P" NO INHERIT "Q";
-- expect: error detached-rows(P)

-- case: an empty one
-- given: rows P 0
-- before
CREATE TABLE "P" ("id" INTEGER NOT NULL);
-- migration
ALTER TABLE "Q" DETACH PARTITION "P" CONCURRENTLY;
