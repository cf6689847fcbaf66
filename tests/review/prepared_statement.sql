-- expect: error opaque-code(statement 1)
-- expect: error opaque-code(statement 2)
CREATE TABLE "Track" ("id" SERIAL NOT NULL, "title" TEXT NOT NULL, "artist" TEXT);
-- migration
PREPARE gone AS DELETE FROM "Track";
EXECUTE gone;
