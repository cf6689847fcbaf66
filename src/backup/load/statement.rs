//! What a statement of a dump is, by its text, as far as its place in time goes. What is not recognised keeps its place.

use crate::backup::scan::{TableName, identifier};

/// Kinds of statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::backup) enum Kind {
    /// Changes the session: the setting's name.
    Setting(String),
    /// Gives an object to a role.
    Owner,
    /// Gives or takes rights.
    Privilege,
    /// Nothing that follows depends on it.
    Later,
    /// Builds an index on a table.
    Index { table: TableName },
    /// Adds a key or another constraint to a table.
    Constraint { table: TableName },
    /// Adds a foreign key: the tables at both ends.
    ForeignKey { tables: Vec<TableName> },
    /// Anything else.
    Other,
}

/// The kind of a statement that ends with its semicolon.
pub(in crate::backup) fn kind(text: &str) -> Kind {
    let begins = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
    if let Some(setting) = text.strip_prefix("SET ").filter(|_| !begins(&["SET SESSION AUTHORIZATION "])) {
        return Kind::Setting(setting.split([' ', '=']).next().unwrap_or_default().to_owned());
    }
    if let Some(setting) = text.strip_prefix("SELECT pg_catalog.set_config('") {
        return Kind::Setting(setting.split('\'').next().unwrap_or_default().to_owned());
    }
    if begins(&["COMMENT ON ", "SELECT pg_catalog.setval("]) {
        return Kind::Later;
    }
    if begins(&[
        "GRANT ",
        "REVOKE ",
        "ALTER DEFAULT PRIVILEGES ",
        "SET SESSION AUTHORIZATION ",
        "RESET SESSION AUTHORIZATION",
    ]) {
        return Kind::Privilege;
    }
    if begins(&["ALTER "]) && owner(text) {
        return Kind::Owner;
    }
    index(text).or_else(|| constraint(text)).unwrap_or(Kind::Other)
}

/// `… OWNER TO music;`
fn owner(text: &str) -> bool {
    let Some((_, role)) = text.rsplit_once(" OWNER TO ") else { return false };
    identifier(role.as_bytes()).is_some_and(|(_, rest)| rest == b";")
}

/// `CREATE UNIQUE INDEX name ON ONLY public.t USING …`
fn index(text: &str) -> Option<Kind> {
    let rest = text.strip_prefix("CREATE UNIQUE INDEX ").or_else(|| text.strip_prefix("CREATE INDEX "))?;
    let (_, rest) = identifier(rest.as_bytes())?;
    let rest = rest.strip_prefix(b" ON ")?;
    let (table, _) = table_name(rest.strip_prefix(b"ONLY ").unwrap_or(rest))?;
    Some(Kind::Index { table })
}

/// `ALTER TABLE ONLY public.t\n    ADD CONSTRAINT name …`; without `ONLY` it reaches other tables too, and keeps its place.
fn constraint(text: &str) -> Option<Kind> {
    let rest = text.strip_prefix("ALTER TABLE ONLY ")?;
    let (table, rest) = table_name(rest.as_bytes())?;
    let rest = rest.trim_ascii_start().strip_prefix(b"ADD CONSTRAINT ")?;
    let (_, rest) = identifier(rest)?;
    let Some(mut rest) = rest.strip_prefix(b" FOREIGN KEY (") else { return Some(Kind::Constraint { table }) };
    loop {
        (_, rest) = identifier(rest)?;
        match rest.strip_prefix(b", ") {
            Some(more) => rest = more,
            None => break,
        }
    }
    let (other, _) = table_name(rest.strip_prefix(b") REFERENCES ")?)?;
    Some(Kind::ForeignKey { tables: vec![table, other] })
}

/// `public.t`, and what follows it.
fn table_name(text: &[u8]) -> Option<(TableName, &[u8])> {
    let (schema, rest) = identifier(text)?;
    let (name, rest) = identifier(rest.strip_prefix(b".")?)?;
    Some((TableName::from_bytes(&schema, &name), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str) -> TableName {
        TableName::from_bytes(b"public", name.as_bytes())
    }

    #[test]
    fn knows_what_may_run_beside_what() {
        assert_eq!(
            kind("CREATE UNIQUE INDEX \"a ON b\" ON ONLY public.t USING btree (x);"),
            Kind::Index { table: table("t") }
        );
        assert_eq!(
            kind("ALTER TABLE ONLY public.\"User\"\n    ADD CONSTRAINT \"User_pkey\" PRIMARY KEY (id);"),
            Kind::Constraint { table: table("User") }
        );
        assert_eq!(
            kind(
                "ALTER TABLE ONLY public.a\n    ADD CONSTRAINT f FOREIGN KEY (\"x, y\", z) REFERENCES public.\"b\"\"\"(id, k);"
            ),
            Kind::ForeignKey { tables: vec![table("a"), table("b\"")] }
        );
    }

    #[test]
    fn what_reaches_further_keeps_its_place() {
        for text in [
            "ALTER TABLE public.part\n    ADD CONSTRAINT f FOREIGN KEY (x) REFERENCES public.b(id);",
            "ALTER INDEX public.a ATTACH PARTITION public.b;",
            "ALTER TABLE ONLY public.t REPLICA IDENTITY FULL;",
            "REFRESH MATERIALIZED VIEW public.v;",
            "CREATE TABLE public.t (a text DEFAULT ' OWNER TO x');",
        ] {
            assert_eq!(kind(text), Kind::Other, "{text}");
        }
    }

    #[test]
    fn knows_settings_owners_and_rights() {
        assert_eq!(kind("SET default_tablespace = '';"), Kind::Setting("default_tablespace".into()));
        assert_eq!(
            kind("SELECT pg_catalog.set_config('search_path', '', false);"),
            Kind::Setting("search_path".into())
        );
        assert_eq!(kind("ALTER FUNCTION public.f(a text, \"b c\" int) OWNER TO \"my role\";"), Kind::Owner);
        assert_eq!(kind("ALTER TABLE public.t OWNER TO music;"), Kind::Owner);
        assert_eq!(kind("ALTER TABLE ONLY public.t ALTER COLUMN a SET DEFAULT 'x OWNER TO y';"), Kind::Other);
        assert_eq!(kind("GRANT ALL ON TABLE public.t TO x;"), Kind::Privilege);
        assert_eq!(kind("SET SESSION AUTHORIZATION x;"), Kind::Privilege);
    }
}
