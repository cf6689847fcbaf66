-- case: a check that nobody keeps
-- given: rows Song 3; breaking Song 0
-- migration
ALTER TABLE "Song" ADD CONSTRAINT "Song_plays_check" CHECK ("plays" >= 0) NOT ENFORCED;
-- expect: warning unenforced-constraint(Song)

-- case: one that is kept from now on
-- given: rows Song 3
-- migration
ALTER TABLE "Song" ADD CONSTRAINT "Song_plays_check" CHECK ("plays" >= 0) NOT VALID;

-- case: the words inside a text
-- given: rows Song 3; breaking Song 0
-- migration
ALTER TABLE "Song" ADD CONSTRAINT "Song_title_check" CHECK ("title" <> 'not enforced');
