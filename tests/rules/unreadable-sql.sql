-- case: as its page shows it
-- migration
ALTER TABEL "Song" ADD COLUMN "label" TEXT;
-- expect: error unreadable-sql(20250121120000_change)

-- case: the way out
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
