-- case: as its page shows it
-- migration
CREATE TABLE "Track" ("id" INTEGER NOT NULL, "albumId" INTEGER NOT NULL);
ALTER TABLE "Track" ADD CONSTRAINT "Track_albumId_fkey" FOREIGN KEY ("albumId") REFERENCES "Album"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
-- expect: info unindexed-foreign-key(Track_albumId_fkey)

-- case: the way out
-- migration
CREATE TABLE "Track" ("id" INTEGER NOT NULL, "albumId" INTEGER NOT NULL);
CREATE INDEX "Track_albumId_idx" ON "Track"("albumId");
ALTER TABLE "Track" ADD CONSTRAINT "Track_albumId_fkey" FOREIGN KEY ("albumId") REFERENCES "Album"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- case: a large table
-- given: rows Song 500000; orphans Song 0
-- migration
ALTER TABLE "Song" ADD COLUMN "userId" INTEGER;
ALTER TABLE "Song" ADD CONSTRAINT "f" FOREIGN KEY ("userId") REFERENCES "User"("id") NOT VALID;
-- expect: warning unindexed-foreign-key(f)
