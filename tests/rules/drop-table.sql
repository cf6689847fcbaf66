-- case: bad
-- migration
DROP TABLE "Song";
-- expect: error drop-table(Song)

-- case: good
-- migration
CREATE TABLE "Draft" ("id" INTEGER NOT NULL);
DROP TABLE "Draft";
