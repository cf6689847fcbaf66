-- case: no limit
-- migration
SET lock_timeout = 0;
ALTER TABLE "Song" ADD COLUMN "label" TEXT;
-- expect: warning disabled-timeout(lock_timeout)

-- case: a long wait
-- migration
SET LOCAL lock_timeout = '5min';
-- expect: warning disabled-timeout(lock_timeout)

-- case: a short one
-- migration
SET LOCAL lock_timeout = '2s';
SET statement_timeout = '1h';

-- case: no limit for statements
-- migration
SET statement_timeout TO '0';
-- expect: warning disabled-timeout(statement_timeout)
