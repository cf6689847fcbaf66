-- expect: warning opaque-code(call 1)
CREATE TABLE "Track" ("id" SERIAL NOT NULL, "title" TEXT NOT NULL, "artist" TEXT);
-- migration
CREATE FUNCTION clean() RETURNS integer LANGUAGE sql AS $$ TRUNCATE "Track"; SELECT 1 $$;
INSERT INTO "Track" ("title") VALUES (clean()::text);
