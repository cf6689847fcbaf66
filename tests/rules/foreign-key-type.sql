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

-- case: an enum is no text
-- before
CREATE TABLE "Access" ("role" "Role" NOT NULL, CONSTRAINT "Access_pkey" PRIMARY KEY ("role"));
-- migration
CREATE TABLE "Track" ("role" TEXT NOT NULL);
CREATE INDEX "i" ON "Track"("role");
ALTER TABLE "Track" ADD CONSTRAINT "Track_role_fkey" FOREIGN KEY ("role") REFERENCES "Access"("role");
-- expect: error foreign-key-type(Track_role_fkey)

-- case: a list of numbers is no number
-- migration
CREATE TABLE "Track" ("albumIds" INTEGER[] NOT NULL);
CREATE INDEX "i" ON "Track"("albumIds");
ALTER TABLE "Track" ADD CONSTRAINT "Track_albumIds_fkey" FOREIGN KEY ("albumIds") REFERENCES "Album"("id");
-- expect: error foreign-key-type(Track_albumIds_fkey)

-- case: lists of numbers of two widths
-- before
CREATE TABLE "Set" ("ids" BIGINT[] NOT NULL, CONSTRAINT "Set_pkey" PRIMARY KEY ("ids"));
-- migration
CREATE TABLE "Track" ("ids" INTEGER[] NOT NULL);
CREATE INDEX "i" ON "Track"("ids");
ALTER TABLE "Track" ADD CONSTRAINT "Track_ids_fkey" FOREIGN KEY ("ids") REFERENCES "Set"("ids");
-- expect: error foreign-key-type(Track_ids_fkey)

-- case: an address and a network
-- migration
CREATE TABLE "Host" ("address" INET NOT NULL, CONSTRAINT "Host_pkey" PRIMARY KEY ("address"));
CREATE TABLE "Track" ("network" CIDR NOT NULL);
CREATE INDEX "i" ON "Track"("network");
ALTER TABLE "Track" ADD CONSTRAINT "Track_network_fkey" FOREIGN KEY ("network") REFERENCES "Host"("address");

-- case: a domain, which stands for another type
-- before
CREATE DOMAIN "SongKey" AS INTEGER;
-- migration
CREATE TABLE "Track" ("songId" "SongKey" NOT NULL);
CREATE INDEX "i" ON "Track"("songId");
ALTER TABLE "Track" ADD CONSTRAINT "Track_songId_fkey" FOREIGN KEY ("songId") REFERENCES "Song"("id");
