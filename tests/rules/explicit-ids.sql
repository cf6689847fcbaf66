-- case: numbered by hand
-- migration
INSERT INTO "User" ("id", "email") VALUES (1, 'a@b.c');
-- expect: warning explicit-ids(User.id)

-- case: the sequence follows
-- migration
INSERT INTO "User" ("id", "email") VALUES (1, 'a@b.c');
SELECT setval('"User_id_seq"', 1);

-- case: left to the sequence
-- migration
INSERT INTO "User" ("email") VALUES ('a@b.c');

-- case: a key that does not count
-- migration
INSERT INTO "Album" ("id", "name") VALUES (1, 'x');
