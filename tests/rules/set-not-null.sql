-- case: as its page shows it
-- migration
ALTER TABLE "Song" ALTER COLUMN "artist" SET NOT NULL;
-- expect: warning set-not-null(Song.artist)

-- case: the way out
-- before
ALTER TABLE "Song" ADD CONSTRAINT "Song_artist_present" CHECK ("artist" IS NOT NULL) NOT VALID;
ALTER TABLE "Song" VALIDATE CONSTRAINT "Song_artist_present";
-- migration
ALTER TABLE "Song" ALTER COLUMN "artist" SET NOT NULL;

-- case: NULLs
-- given: rows Song 9000000; nulls Song.artist 2
-- migration
ALTER TABLE "Song" ALTER COLUMN "artist" SET NOT NULL;
-- expect: error set-not-null(Song.artist)

-- case: none in a large table
-- given: rows Song 90000000; nulls Song.artist 0
-- migration
ALTER TABLE "Song" ALTER COLUMN "artist" SET NOT NULL;
-- expect: error set-not-null(Song.artist)

-- case: none in a small one
-- given: rows Song 90; nulls Song.artist 0
-- migration
ALTER TABLE "Song" ALTER COLUMN "artist" SET NOT NULL;

-- case: required already
-- migration
ALTER TABLE "Song" ALTER COLUMN "title" SET NOT NULL;

-- case: a primary key over a column with NULLs
-- given: rows Song 9000; nulls Song.albumId 2; duplicates Song 0
-- before
ALTER TABLE "Song" DROP CONSTRAINT "Song_pkey";
-- migration
ALTER TABLE "Song" ADD CONSTRAINT "Song_pkey" PRIMARY KEY ("albumId");
-- expect: error set-not-null(Song.albumId)

-- case: a primary key made of an index over a column with NULLs
-- given: rows Song 9000; nulls Song.albumId 2; duplicates Song 0
-- before
ALTER TABLE "Song" DROP CONSTRAINT "Song_pkey";
CREATE UNIQUE INDEX "Song_albumId_key" ON "Song"("albumId");
-- migration
ALTER TABLE "Song" ADD CONSTRAINT "Song_pkey" PRIMARY KEY USING INDEX "Song_albumId_key";
-- expect: error set-not-null(Song.albumId)

-- case: and over one without
-- given: rows Song 90; nulls Song.albumId 0; duplicates Song 0
-- before
ALTER TABLE "Song" DROP CONSTRAINT "Song_pkey";
CREATE UNIQUE INDEX "Song_albumId_key" ON "Song"("albumId");
-- migration
ALTER TABLE "Song" ADD CONSTRAINT "Song_pkey" PRIMARY KEY USING INDEX "Song_albumId_key";

-- case: an index that no migration makes
-- before
ALTER TABLE "Song" DROP CONSTRAINT "Song_pkey";
-- migration
ALTER TABLE "Song" ADD CONSTRAINT "Song_pkey" PRIMARY KEY USING INDEX "Song_by_hand";
-- expect: warning set-not-null(Song.Song_by_hand)

-- case: a primary key over columns that are required
-- given: rows Song 90; duplicates Song 0
-- before
ALTER TABLE "Song" DROP CONSTRAINT "Song_pkey";
-- migration
ALTER TABLE "Song" ADD CONSTRAINT "Song_pkey" PRIMARY KEY ("title");

-- case: a primary key that takes over an index of columns that may hold NULL
-- before
ALTER TABLE "Song" DROP CONSTRAINT "Song_pkey";
CREATE UNIQUE INDEX "Song_artist_key" ON "Song"("artist");
-- migration
ALTER TABLE "Song" ADD CONSTRAINT "Song_pkey" PRIMARY KEY USING INDEX "Song_artist_key";
-- expect: warning set-not-null(Song.artist)

-- case: a primary key that takes over an index of columns that are required
-- before
ALTER TABLE "Song" DROP CONSTRAINT "Song_pkey";
CREATE UNIQUE INDEX "Song_title_key" ON "Song"("title");
-- migration
ALTER TABLE "Song" ADD CONSTRAINT "Song_pkey" PRIMARY KEY USING INDEX "Song_title_key";

-- case: a new table that a query fills
-- migration
CREATE TABLE "Tag" AS SELECT "artist" AS "name" FROM "Song";
ALTER TABLE "Tag" ALTER COLUMN "name" SET NOT NULL;
-- expect: info bulk-write(Song)
-- expect: warning set-not-null(Tag.name)

-- case: NOT VALID reads nothing (PostgreSQL 18)
-- migration
ALTER TABLE "Song" ADD CONSTRAINT "Song_artist_nn" NOT NULL "artist" NOT VALID;

-- case: and its validation is what a check's is
-- before
ALTER TABLE "Song" ADD CONSTRAINT "Song_artist_nn" NOT NULL "artist" NOT VALID;
-- migration
ALTER TABLE "Song" VALIDATE CONSTRAINT "Song_artist_nn";
ALTER TABLE "Song" ALTER COLUMN "artist" SET NOT NULL;

-- case: a check that the file itself adds and validates, on a table that no migration makes
-- migration
BEGIN; ALTER TABLE "Tram" ADD CONSTRAINT c CHECK ("depot" IS NOT NULL) NOT VALID; COMMIT;
BEGIN; ALTER TABLE "Tram" VALIDATE CONSTRAINT c; COMMIT;
BEGIN; ALTER TABLE "Tram" ALTER COLUMN "depot" SET NOT NULL; COMMIT;
BEGIN; ALTER TABLE "Tram" DROP CONSTRAINT c; COMMIT;
-- expect: info partial-apply(20250121120000_change)

-- case: a check that the file adds and does not validate
-- migration
ALTER TABLE "Tram" ADD CONSTRAINT c CHECK ("depot" IS NOT NULL) NOT VALID;
ALTER TABLE "Tram" ALTER COLUMN "depot" SET NOT NULL;
-- expect: warning set-not-null(Tram.depot)
