-- case: bad
-- migration
ALTER TABLE "Song" ADD COLUMN "key" UUID NOT NULL DEFAULT gen_random_uuid();
-- expect: warning table-rewrite(Song.key)

-- case: good
-- migration
ALTER TABLE "Song" ADD COLUMN "updatedAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP;
