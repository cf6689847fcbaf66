-- case: behind a primary key
-- migration
DROP INDEX "Song_pkey";
-- expect: error index-of-constraint(Song_pkey)

-- case: behind a unique constraint that was written by hand
-- given: rows User 3
-- before
ALTER TABLE "User" ADD CONSTRAINT "User_name_key" UNIQUE ("name");
-- migration
DROP INDEX "User_name_key";
-- expect: error index-of-constraint(User_name_key)

-- case: an index of its own
-- given: rows Song 3
-- migration
DROP INDEX "Song_albumId_idx";
