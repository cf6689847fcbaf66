-- case: the zone is not known
-- given: rows Song 100
-- migration
ALTER TABLE "Song" ALTER COLUMN "createdAt" TYPE timestamptz(3);
-- expect: warning time-zone-cast(Song.createdAt)

-- case: another zone
-- given: rows Song 100; local
-- migration
ALTER TABLE "Song" ALTER COLUMN "createdAt" TYPE timestamptz(3);
-- expect: warning time-zone-cast(Song.createdAt)

-- case: UTC
-- given: rows Song 100; utc
-- migration
ALTER TABLE "Song" ALTER COLUMN "createdAt" TYPE timestamptz(3);

-- case: said
-- given: rows Song 100
-- migration
ALTER TABLE "Song" ALTER COLUMN "createdAt" TYPE timestamptz(3) USING "createdAt" AT TIME ZONE 'UTC';
