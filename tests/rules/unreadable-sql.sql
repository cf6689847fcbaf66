-- case: bad
-- migration
ALTER TABEL "Song" ADD COLUMN "label" TEXT;
-- expect: error unreadable-sql(20250121120000_change)

-- case: good
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
