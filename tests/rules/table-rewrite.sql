-- case: as its page shows it
-- migration
ALTER TABLE "Song" ADD COLUMN "key" UUID NOT NULL DEFAULT gen_random_uuid();
-- expect: warning table-rewrite(Song.key)

-- case: the way out
-- migration
ALTER TABLE "Song" ADD COLUMN "updatedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP;

-- case: another collation
-- given: rows Song 500000
-- migration
ALTER TABLE "Song" ALTER COLUMN "title" TYPE TEXT COLLATE "C";
-- expect: warning table-rewrite(Song.title)

-- case: another tablespace
-- migration
ALTER TABLE "Song" SET TABLESPACE "fast";
-- expect: warning table-rewrite(Song)

-- case: wide rows
-- given: rows Song 90000; bytes Song 9000000000
-- migration
ALTER TABLE "Song" ADD COLUMN "k" UUID NOT NULL DEFAULT gen_random_uuid();
-- expect: error table-rewrite(Song.k)

-- case: a large table
-- given: rows Song 90000000
-- migration
ALTER TABLE "Song" ALTER COLUMN "id" TYPE BIGINT;
-- expect: error table-rewrite(Song.id)

-- case: a wider varchar, a text, a wider decimal
-- given: rows Song 90000000
-- migration
ALTER TABLE "Song" ALTER COLUMN "artist" TYPE VARCHAR(400);
ALTER TABLE "Song" ALTER COLUMN "artist" TYPE TEXT;
ALTER TABLE "Song" ALTER COLUMN "price" TYPE DECIMAL(12,2);

-- case: a counter
-- migration
ALTER TABLE "Album" ADD COLUMN "n" SERIAL NOT NULL;
-- expect: warning table-rewrite(Album.n)

-- case: a constant
-- migration
ALTER TABLE "Song" ADD COLUMN "n" INTEGER NOT NULL DEFAULT 5;

-- case: a generated column that is computed when it is read
-- migration
ALTER TABLE "Song" ADD COLUMN "double" INTEGER GENERATED ALWAYS AS ("plays" * 2) VIRTUAL;
