-- case: off
-- migration
ALTER TABLE "Song" SET (autovacuum_enabled = off);
-- expect: warning autovacuum-off(Song)

-- case: on
-- migration
ALTER TABLE "Song" SET (autovacuum_enabled = true);
