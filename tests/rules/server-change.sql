-- case: a role
-- migration
CREATE ROLE "app";
-- expect: warning server-change(CREATE ROLE)

-- case: the database
-- migration
ALTER DATABASE "music" SET timezone = 'UTC';
-- expect: warning server-change(ALTER DATABASE)

-- case: the session
-- migration
SET LOCAL lock_timeout = '2s';
