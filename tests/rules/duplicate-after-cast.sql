-- case: two addresses that citext takes for one
-- given: duplicates User 1; rows User 100
-- migration
ALTER TABLE "User" ALTER COLUMN "email" SET DATA TYPE CITEXT;
-- expect: error duplicate-after-cast(User.email)

-- case: nobody was asked
-- migration
ALTER TABLE "User" ALTER COLUMN "email" SET DATA TYPE CITEXT;
-- expect: warning duplicate-after-cast(User.email)

-- case: asked, and there are none
-- given: duplicates User 0; rows User 100
-- migration
ALTER TABLE "User" ALTER COLUMN "email" SET DATA TYPE CITEXT;

-- case: a wider type merges nothing
-- migration
ALTER TABLE "User" ALTER COLUMN "email" SET DATA TYPE VARCHAR;

-- case: a unique index over an expression of the column
-- before
CREATE UNIQUE INDEX "Album_name_lower" ON "Album"(lower("name"));
-- migration
ALTER TABLE "Album" ALTER COLUMN "name" TYPE CITEXT;
-- expect: warning duplicate-after-cast(Album.name)

-- case: the same, measured
-- given: duplicates Album 2
-- before
CREATE UNIQUE INDEX "Album_name_lower" ON "Album"(lower("name"));
-- migration
ALTER TABLE "Album" ALTER COLUMN "name" TYPE CITEXT;
-- expect: error duplicate-after-cast(Album.name)

-- case: a partial unique index
-- before
CREATE UNIQUE INDEX "Album_name_some" ON "Album"("name") WHERE "id" > 10;
-- migration
ALTER TABLE "Album" ALTER COLUMN "name" TYPE CITEXT;
-- expect: warning duplicate-after-cast(Album.name)

-- case: a unique index over other columns only
-- before
CREATE UNIQUE INDEX "Album_id_twice" ON "Album"((id * 2));
-- migration
ALTER TABLE "Album" ALTER COLUMN "name" TYPE CITEXT;
