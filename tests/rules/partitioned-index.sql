-- case: refused
-- given: partitioned Song
-- migration
CREATE INDEX CONCURRENTLY "i" ON "Song"("artist");
-- expect: error partitioned-index(i)

-- case: all partitions
-- given: partitioned Song; rows Song 100
-- migration
CREATE INDEX "i" ON "Song"("artist");
-- expect: warning partitioned-index(i)

-- case: an ordinary table
-- given: rows Song 100
-- migration
CREATE INDEX "i" ON "Song"("artist");
