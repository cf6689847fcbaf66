//! Enum values that a script adds to a type and uses before anything is committed: PostgreSQL refuses that (55P04). The type
//! decides, not the word: the same word in another enum's column, in a text, in the body of a function that is not called or in
//! a trigger's arguments does not use it.

mod place;
mod search;

use std::collections::BTreeMap;

use self::search::{Search, Use};
use super::ast::{DataType, Name, Statement, StatementKind};
use super::script::Script;

/// Where the types of columns that the script does not make can be asked for.
pub trait Types {
    /// The columns of a table; none where it is not known.
    fn columns(&self, table: &Name) -> Option<BTreeMap<String, DataType>>;

    /// Whether a type is known to be another enum.
    fn is_enum(&self, name: &Name) -> bool;
}

/// Nobody can be asked.
#[derive(Debug, Clone, Copy)]
pub struct Untold;

impl Types for Untold {
    fn columns(&self, _: &Name) -> Option<BTreeMap<String, DataType>> {
        None
    }

    fn is_enum(&self, _: &Name) -> bool {
        false
    }
}

/// A value that is added and used in one script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedValue {
    /// The enum.
    pub name: Name,
    /// The value.
    pub value: String,
    /// The statement that adds it, by its place in the script.
    pub added: usize,
    /// The first statement that uses it, or may.
    pub used: usize,
    /// Whether the types are known, so that PostgreSQL would refuse it in one transaction for certain.
    pub certain: bool,
}

/// Types that need no domain behind them to be anything but an enum.
const BUILT_IN: &[&str] = &[
    "text",
    "character varying",
    "character",
    "citext",
    "name",
    "integer",
    "bigint",
    "smallint",
    "numeric",
    "real",
    "double precision",
    "boolean",
    "uuid",
    "json",
    "jsonb",
    "bytea",
    "date",
    "interval",
    "xml",
    "inet",
    "cidr",
    "tsvector",
    "timestamp without time zone",
    "timestamp with time zone",
    "time without time zone",
    "time with time zone",
    "serial",
    "bigserial",
    "smallserial",
    "money",
    "bit",
    "bit varying",
    "varchar",
    "char",
    "int",
    "int4",
    "int8",
    "int2",
    "timestamptz",
    "timestamp",
    "float8",
    "float4",
    "decimal",
    "regclass",
    "oid",
];

impl Script {
    /// The values that are added to types of before and used by a later statement.
    pub fn used_new_values(&self, types: &dyn Types) -> Vec<UsedValue> {
        let statements = self.statements();
        let mut found = Vec::new();
        for (added, Statement { kind, .. }) in statements.iter().enumerate() {
            let StatementKind::AddEnumValue { name, value, .. } = kind else { continue };
            let own = |earlier: &Statement| matches!(&earlier.kind, StatementKind::CreateEnum { name: new, .. } if new == name);
            if statements[..added].iter().any(own) {
                continue; // a type of this very transaction
            }
            // a text without the word does not use it
            if !statements[added + 1..].iter().any(|later| self.text()[later.range.clone()].contains(value.as_str())) {
                continue;
            }
            let mut search = Search::new(self, types, name, value, added);
            let used = (added + 1..statements.len()).map(|at| (at, search.used(at))).find(|(_, used)| *used > Use::No);
            if let Some((used, sure)) = used {
                let (name, value, certain) = (name.clone(), value.clone(), sure == Use::Certain);
                found.push(UsedValue { name, value, added, used, certain });
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Known;

    impl Types for Known {
        fn columns(&self, table: &Name) -> Option<BTreeMap<String, DataType>> {
            let columns: &[(&str, &str)] = match table.name.as_str() {
                "Queue" => &[("id", "integer"), ("task", "Task"), ("note", "text")],
                "Log" => &[("state", "State"), ("note", "text")],
                _ => return None,
            };
            let data_type =
                |name: &str| DataType { schema: None, name: name.into(), modifiers: Vec::new(), array: false };
            Some(columns.iter().map(|(column, name)| ((*column).to_owned(), data_type(name))).collect())
        }

        fn is_enum(&self, name: &Name) -> bool {
            name.name == "State"
        }
    }

    fn used(sql: &str, types: &dyn Types) -> Option<bool> {
        let script = Script::parse(format!("ALTER TYPE \"Task\" ADD VALUE 'C';\n{sql}"));
        assert!(script.errors().is_empty(), "{sql}: {:?}", script.errors());
        script.used_new_values(types).first().map(|used| used.certain)
    }

    #[test]
    fn the_type_decides() {
        for sql in [
            "CREATE TYPE \"R\" AS ENUM ('C'); CREATE TABLE \"Recall\" (id int, state \"R\" NOT NULL DEFAULT 'C');",
            "CREATE TABLE t (a text DEFAULT 'C', b varchar(3) DEFAULT 'C', CHECK (a <> 'C'));",
            "ALTER TABLE \"Log\" ALTER COLUMN state SET DEFAULT 'C';",
            "ALTER TABLE \"Log\" ADD COLUMN x text DEFAULT 'C';",
            "UPDATE \"Queue\" SET note = 'C' WHERE id = 1;",
            "UPDATE \"Log\" SET state = 'C' WHERE note IN ('A', 'C');",
            "INSERT INTO \"Queue\" (id, note) VALUES (1, 'x'), (2, 'C');",
            "INSERT INTO \"Log\" SELECT 'C', 'C';",
            "SELECT 'C'::text FROM \"Queue\";",
            "CREATE INDEX i ON \"Log\" (state) WHERE state = 'C';",
            "CREATE FUNCTION f() RETURNS trigger AS $$\nBEGIN\n NEW.task := 'C';\n RETURN NEW;\nEND $$ LANGUAGE plpgsql; \
             CREATE TRIGGER t BEFORE INSERT ON \"Queue\" FOR EACH ROW EXECUTE FUNCTION f();",
            "CREATE TRIGGER t BEFORE INSERT ON \"Queue\" FOR EACH ROW EXECUTE FUNCTION note('C');",
            "COMMENT ON TABLE \"Queue\" IS 'C';",
            "ALTER TYPE \"Task\" ADD VALUE 'D' AFTER 'C';",
        ] {
            assert_eq!(used(sql, &Known), None, "{sql}");
        }
        for sql in [
            "ALTER TABLE \"Queue\" ALTER COLUMN task SET DEFAULT 'C';",
            "CREATE TABLE t (a \"Task\" DEFAULT 'C');",
            "CREATE TABLE t (a public.\"Task\"[] DEFAULT '{A,C}');",
            "UPDATE \"Queue\" SET task = 'C' WHERE id = 1;",
            "DELETE FROM \"Queue\" WHERE task IN ('A', 'C');",
            "INSERT INTO \"Queue\" (id, task) VALUES (1, 'A'), (2, 'C');",
            "INSERT INTO \"Queue\" (\"task\") SELECT 'C' WHERE NOT EXISTS (SELECT FROM \"Log\");",
            "SELECT 'C'::\"Task\";",
            "SELECT CAST('C' AS \"Task\");",
            "ALTER TYPE \"Task\" RENAME TO \"Job\"; CREATE TABLE t (a \"Job\" DEFAULT 'C');",
            "CREATE INDEX i ON \"Queue\" (id) WHERE task = 'C';",
        ] {
            assert_eq!(used(sql, &Known), Some(true), "{sql}");
        }
    }

    #[test]
    fn what_is_not_known_is_no_certainty() {
        for sql in [
            "UPDATE unknown SET task = 'C';",
            "ALTER TABLE unknown ALTER COLUMN task SET DEFAULT 'C';",
            "DO $$ BEGIN UPDATE \"Queue\" SET task = 'C'; END $$;",
            "CREATE FUNCTION f() RETURNS \"Task\" LANGUAGE sql AS $$ SELECT 'C' $$;",
            "CREATE FUNCTION f() RETURNS text AS $$ BEGIN UPDATE \"Queue\" SET task = 'C'; END $$ LANGUAGE plpgsql; SELECT f();",
            "CREATE FUNCTION f() RETURNS trigger AS $$ BEGIN NEW.task := 'C'; RETURN NEW; END $$ LANGUAGE plpgsql; \
             CREATE TRIGGER t BEFORE INSERT ON \"Queue\" FOR EACH ROW EXECUTE FUNCTION f(); INSERT INTO \"Queue\" (id) VALUES (1);",
            "CREATE TABLE t (a task_domain DEFAULT 'C');",
        ] {
            assert_eq!(used(sql, &Known), Some(false), "{sql}");
        }
        assert_eq!(used("UPDATE \"Queue\" SET task = 'C';", &Untold), Some(false));
    }
}
