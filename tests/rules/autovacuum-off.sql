-- case: off
-- migration
ALTER TABLE "Song" SET (autovacuum_enabled = off);
-- expect: warning autovacuum-off(Song)

-- case: on
-- migration
ALTER TABLE "Song" SET (autovacuum_enabled = true);

-- case: turned on again
-- migration
ALTER TABLE "Song" SET (autovacuum_enabled = on);

-- case: in quotes
-- migration
ALTER TABLE "Song" SET (fillfactor = 70, autovacuum_enabled = 'FALSE');
-- expect: warning autovacuum-off(Song)
