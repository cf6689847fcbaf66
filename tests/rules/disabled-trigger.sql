-- case: turned off
-- migration
ALTER TABLE "Song" DISABLE TRIGGER ALL;
-- expect: warning disabled-trigger(Song)

-- case: and on again
-- migration
ALTER TABLE "Song" DISABLE TRIGGER USER;
ALTER TABLE "Song" ENABLE TRIGGER USER;
-- expect: info disabled-trigger(Song)

-- case: the session
-- migration
SET session_replication_role = 'replica';
-- expect: warning disabled-trigger(session_replication_role)

-- case: the sync trigger of an expansion
-- migration
ALTER TABLE "Song" ADD COLUMN "singer" VARCHAR(200);
CREATE FUNCTION "Song_sync"() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW."singer" := NEW."artist"; RETURN NEW; END $$;
CREATE TRIGGER "Song_sync" BEFORE INSERT OR UPDATE ON "Song" FOR EACH ROW EXECUTE FUNCTION "Song_sync"();
