-- case: a line that only the rehearsal can judge is shown
-- migration
-- prisma-safe:allow rehearsed-loss(rows of Playlist): a rule on Song empties it
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
-- expect: error rehearsed-loss(rows of Playlist) accepted

-- case: without a line there is nothing to show
-- migration
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
