-- case: a table with rows
-- migration
ALTER TABLE "Song" SET UNLOGGED;
-- expect: warning table-rewrite(Song)
-- expect: warning unlogged-table(Song)

-- case: an empty table
-- given: rows Song 0
-- migration
ALTER TABLE "Song" SET UNLOGGED;

-- case: back again
-- migration
ALTER TABLE "Song" SET LOGGED;
-- expect: warning table-rewrite(Song)
