-- case: refused
-- migration
CREATE TABLE "Track" ("id" INTEGER NOT NULL, "playlistId" INTEGER NOT NULL);
CREATE INDEX "i" ON "Track"("playlistId");
ALTER TABLE "Track" ADD CONSTRAINT "Track_playlistId_fkey" FOREIGN KEY ("playlistId") REFERENCES "Playlist"("id");
-- expect: error foreign-key-type(Track_playlistId_fkey)

-- case: narrower
-- migration
CREATE TABLE "Big" ("id" BIGINT NOT NULL, CONSTRAINT "Big_pkey" PRIMARY KEY ("id"));
CREATE TABLE "Track" ("bigId" INTEGER NOT NULL);
CREATE INDEX "i" ON "Track"("bigId");
ALTER TABLE "Track" ADD CONSTRAINT "Track_bigId_fkey" FOREIGN KEY ("bigId") REFERENCES "Big"("id");
-- expect: warning foreign-key-type(Track_bigId_fkey)

-- case: the same
-- migration
CREATE TABLE "Track" ("albumId" INTEGER NOT NULL);
CREATE INDEX "i" ON "Track"("albumId");
ALTER TABLE "Track" ADD CONSTRAINT "Track_albumId_fkey" FOREIGN KEY ("albumId") REFERENCES "Album"("id");

-- case: text of two kinds
-- migration
CREATE TABLE "Track" ("p" VARCHAR(30) NOT NULL);
CREATE INDEX "i" ON "Track"("p");
ALTER TABLE "Track" ADD CONSTRAINT "Track_p_fkey" FOREIGN KEY ("p") REFERENCES "Playlist"("id");
