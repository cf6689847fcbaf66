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
