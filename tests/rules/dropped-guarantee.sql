-- case: a unique index
-- given: rows User 100
-- migration
DROP INDEX "User_email_key";
-- expect: warning dropped-guarantee(User_email_key)

-- case: a unique index is replaced
-- given: rows User 100; duplicates User 0
-- migration
DROP INDEX "User_email_key";
CREATE UNIQUE INDEX "User_email_name_key" ON "User"("email");

-- case: the column goes with it
-- given: rows User 100; values User.email 0
-- migration
DROP INDEX "User_email_key";
ALTER TABLE "User" DROP COLUMN "email";
-- expect: warning drop-column(User.email)

-- case: an index that is not unique
-- given: rows Song 100
-- migration
DROP INDEX "Song_albumId_idx";

-- case: a foreign key
-- migration
ALTER TABLE "Song" DROP CONSTRAINT "Song_albumId_fkey";
-- expect: info dropped-guarantee(Song_albumId_fkey)

-- case: a foreign key comes back with other actions
-- given: rows Song 100; orphans Song 0
-- migration
ALTER TABLE "Song" DROP CONSTRAINT "Song_albumId_fkey";
ALTER TABLE "Song" ADD CONSTRAINT "Song_albumId_fkey" FOREIGN KEY ("albumId") REFERENCES "Album"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- case: the primary key
-- migration
ALTER TABLE "Album" DROP CONSTRAINT "Album_pkey";
-- expect: warning dropped-guarantee(Album_pkey)

-- case: another primary key
-- given: rows Album 100; duplicates Album 0
-- migration
ALTER TABLE "Album" DROP CONSTRAINT "Album_pkey",
ADD CONSTRAINT "Album_pkey" PRIMARY KEY ("name");

-- case: a check
-- before
ALTER TABLE "Song" ADD CONSTRAINT "Song_plays_check" CHECK ("plays" >= 0);
-- migration
ALTER TABLE "Song" DROP CONSTRAINT "Song_plays_check";
-- expect: warning dropped-guarantee(Song_plays_check)

-- case: a check that has done its work
-- before
ALTER TABLE "Song" ADD CONSTRAINT "Song_artist_present" CHECK ("artist" IS NOT NULL);
-- migration
ALTER TABLE "Song" ALTER COLUMN "artist" SET NOT NULL;
ALTER TABLE "Song" DROP CONSTRAINT "Song_artist_present";

-- case: another check of the same column takes nobody's place
-- before
ALTER TABLE "Song" ADD CONSTRAINT "plays_positive" CHECK ("plays" >= 0);
-- migration
ALTER TABLE "Song" DROP CONSTRAINT "plays_positive", ADD CONSTRAINT "plays_small" CHECK ("plays" < 1000000) NOT VALID;
-- expect: warning dropped-guarantee(plays_positive)

-- case: a check that demands as much and more
-- before
ALTER TABLE "Song" ADD CONSTRAINT "plays_positive" CHECK ("plays" >= 0);
-- migration
ALTER TABLE "Song" DROP CONSTRAINT "plays_positive", ADD CONSTRAINT "plays_small" CHECK ((plays >= 0) AND (plays < 1000000)) NOT VALID;

-- case: a check of two demands, of which one stays
-- before
ALTER TABLE "Song" ADD CONSTRAINT "plays_small" CHECK ("plays" >= 0 AND "plays" < 1000000);
-- migration
ALTER TABLE "Song" DROP CONSTRAINT "plays_small", ADD CONSTRAINT "plays_positive" CHECK ("plays" >= 0) NOT VALID;
-- expect: warning dropped-guarantee(plays_small)

-- case: a check of two demands, of which a NOT NULL takes over one
-- before
ALTER TABLE "Album" ADD CONSTRAINT "named" CHECK ("name" IS NOT NULL AND "name" <> '');
-- migration
ALTER TABLE "Album" DROP CONSTRAINT "named";
-- expect: warning dropped-guarantee(named)

-- case: a check that a NOT NULL has taken over
-- before
ALTER TABLE "Album" ADD CONSTRAINT "named" CHECK ("name" IS NOT NULL);
-- migration
ALTER TABLE "Album" DROP CONSTRAINT "named";

-- case: a primary key of a table that no migration makes
-- migration
ALTER TABLE "ticket_sale" DROP CONSTRAINT "ticket_sale_pkey";
-- expect: warning dropped-guarantee(ticket_sale_pkey)
-- expect: warning unknown-object(ticket_sale.ticket_sale_pkey)

-- case: and another one in its place
-- migration
ALTER TABLE "ticket_sale" DROP CONSTRAINT "ticket_sale_pkey";
ALTER TABLE "ticket_sale" ADD CONSTRAINT "ticket_sale_pkey" PRIMARY KEY USING INDEX "ticket_sale_id_key";
-- expect: warning unknown-object(ticket_sale.ticket_sale_pkey)
-- expect: warning set-not-null(ticket_sale.ticket_sale_id_key)

-- case: a primary key by which replicas find the rows
-- given: published Album music
-- before
ALTER TABLE "Song" DROP CONSTRAINT "Song_albumId_fkey";
-- migration
ALTER TABLE "Album" DROP CONSTRAINT "Album_pkey";
-- expect: error dropped-guarantee(Album_pkey)
