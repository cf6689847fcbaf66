-- case: a definer
-- migration
CREATE FUNCTION "f"() RETURNS int LANGUAGE sql SECURITY DEFINER AS $$ SELECT 1 $$;
-- expect: warning unpinned-search-path(f)

-- case: pinned
-- migration
CREATE FUNCTION "f"() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$ SELECT 1 $$;

-- case: an invoker, whatever its body says
-- migration
CREATE FUNCTION "f"() RETURNS text LANGUAGE sql AS $$ SELECT 'security definer' $$;
