-- case: identity
-- migration
ALTER TABLE "Song" REPLICA IDENTITY FULL;
-- expect: info replication-change(Song)

-- case: no identity
-- migration
ALTER TABLE "Song" REPLICA IDENTITY NOTHING;
-- expect: warning replication-change(Song)

-- case: a publication loses a table
-- migration
ALTER PUBLICATION "songs" DROP TABLE "Song";
-- expect: warning replication-change(ALTER PUBLICATION)

-- case: a new publication
-- migration
CREATE PUBLICATION "songs" FOR TABLE "Song";
