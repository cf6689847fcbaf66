//! The guard's own objects in a dump of the database. They belong to the server and the roles where it was switched on, so what
//! prisma-safe loads has none of them: a copy is not guarded, and a restore switches the guard on anew.

/// Tables that `pg_dump` leaves out, as `--exclude-table` takes them.
pub const TABLES: &str = "_prisma_safe.guard_*";

/// Whether a statement of a dump is about the guard, and not to be loaded.
pub fn is_own(statement: &str) -> bool {
    let first = statement.lines().next().unwrap_or_default();
    first.contains("_prisma_safe.guard_") || first.contains("prisma_safe_guard_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_the_guards_is_left_out() {
        for own in [
            "CREATE FUNCTION _prisma_safe.guard_start() RETURNS event_trigger\n    LANGUAGE plpgsql",
            "ALTER FUNCTION _prisma_safe.guard_start() OWNER TO admin;",
            "CREATE EVENT TRIGGER prisma_safe_guard_start ON ddl_command_start\n   EXECUTE FUNCTION _prisma_safe.guard_start();",
            "ALTER EVENT TRIGGER prisma_safe_guard_start ENABLE ALWAYS;",
            "CREATE TRIGGER prisma_safe_guard_history BEFORE INSERT ON public._prisma_migrations FOR EACH STATEMENT EXECUTE FUNCTION _prisma_safe.guard_history();",
        ] {
            assert!(is_own(own), "{own}");
        }
        for other in [
            "CREATE SCHEMA _prisma_safe;",
            "CREATE TABLE _prisma_safe.capsules (\n    id text NOT NULL\n);",
            "CREATE EVENT TRIGGER audit ON sql_drop\n   EXECUTE FUNCTION public.audit();",
            "CREATE FUNCTION public.f() RETURNS text\n    LANGUAGE sql\n    AS $$SELECT '_prisma_safe.guard_x'$$;",
        ] {
            assert!(!is_own(other), "{other}");
        }
    }
}
