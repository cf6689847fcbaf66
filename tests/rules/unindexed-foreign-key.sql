-- case: bad
-- migration
CREATE TABLE "Track" ("id" INTEGER NOT NULL, "albumId" INTEGER NOT NULL);
ALTER TABLE "Track" ADD CONSTRAINT "Track_albumId_fkey" FOREIGN KEY ("albumId") REFERENCES "Album"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
-- expect: info unindexed-foreign-key(Track_albumId_fkey)

-- case: good
-- migration
CREATE TABLE "Track" ("id" INTEGER NOT NULL, "albumId" INTEGER NOT NULL);
CREATE INDEX "Track_albumId_idx" ON "Track"("albumId");
ALTER TABLE "Track" ADD CONSTRAINT "Track_albumId_fkey" FOREIGN KEY ("albumId") REFERENCES "Album"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
