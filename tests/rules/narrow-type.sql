-- case: as its page shows it
-- migration
ALTER TABLE "Song" ALTER COLUMN "artist" SET DATA TYPE VARCHAR(50);
-- expect: error narrow-type(Song.artist)

-- case: the way out
-- migration
ALTER TABLE "Song" ALTER COLUMN "artist" SET DATA TYPE TEXT;

-- case: every value fits
-- given: rows Song 900; lost Song.artist 0
-- migration
ALTER TABLE "Song" ALTER COLUMN "artist" TYPE VARCHAR(50);
-- expect: info narrow-type(Song.artist)

-- case: three do not
-- given: rows Song 900; lost Song.artist 3
-- migration
ALTER TABLE "Song" ALTER COLUMN "artist" TYPE VARCHAR(50);
-- expect: error narrow-type(Song.artist)

-- case: fewer digits
-- migration
ALTER TABLE "Song" ALTER COLUMN "price" TYPE DECIMAL(8,2);
-- expect: error narrow-type(Song.price)

-- case: a new column
-- migration
ALTER TABLE "Song" ADD COLUMN "x" TEXT;
ALTER TABLE "Song" ALTER COLUMN "x" TYPE VARCHAR(5);

-- case: USING computes a text from an enum
-- migration
ALTER TABLE "User" ALTER COLUMN "role" DROP DEFAULT;
ALTER TABLE "User" ALTER COLUMN "role" TYPE text USING CASE "role" WHEN 'GUEST' THEN 'USER' ELSE "role"::text END;
-- expect: error narrow-type(User.role)

-- case: a detour that cuts
-- migration
ALTER TABLE "Song" ALTER COLUMN "title" TYPE text USING "title"::varchar(3)::text;
-- expect: error narrow-type(Song.title)

-- case: an enum as text, and as a wide enough varchar
-- migration
ALTER TABLE "User" ALTER COLUMN "role" DROP DEFAULT;
ALTER TABLE "User" ALTER COLUMN "role" TYPE varchar(20) USING "role"::text;

-- case: json as jsonb
-- before
ALTER TABLE "Song" ADD COLUMN "extra" JSON;
-- migration
ALTER TABLE "Song" ALTER COLUMN "extra" TYPE JSONB;
-- expect: warning narrow-type(Song.extra)
-- expect: warning table-rewrite(Song.extra)
