//! What a shadow database holds, and whether a replay of the migrations can have left it there.

use std::collections::BTreeSet;

use postgres::Client;
use regex::Regex;

use crate::database::Failure;
use crate::project::Migration;
use crate::sql::{quote_identifier, quote_literal};

/// Everything of a user's that a reset of Prisma's would drop.
const TABLES: &str = "
SELECT n.nspname::text, c.relname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass
                  AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1, 2";

/// Prisma's own table: no replay makes one.
const HISTORY: &str = "_prisma_migrations";

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Held {
    /// A database that was deployed to.
    pub(super) history: bool,
    /// Tables with rows that no migration writes.
    pub(super) rows: Vec<String>,
    /// Tables that no migration makes.
    pub(super) strange: Vec<String>,
    /// All tables.
    pub(super) tables: usize,
}

impl Held {
    /// # Errors
    /// The server's own.
    pub(super) fn read(client: &mut Client, migrations: &[Migration]) -> Result<Self, Failure> {
        let tables = client.query(TABLES, &[])?;
        let tables: Vec<(String, String)> = tables.iter().map(|row| (row.get(0), row.get(1))).collect();
        let (made, written) = (named(migrations, MADE), named(migrations, WRITTEN));
        let mut held = Self { tables: tables.len(), ..Self::default() };
        for (schema, table) in &tables {
            let known = table.to_lowercase();
            let shown = format!("{}.{}", quote_identifier(schema), quote_identifier(table));
            if table == HISTORY {
                held.history = true;
                continue;
            }
            if !made.contains(&known) {
                held.strange.push(shown.clone());
            }
            if !written.contains(&known) && filled(client, &shown) {
                held.rows.push(shown);
            }
        }
        Ok(held)
    }

    /// What no replay has left, as a clause; none where emptying it loses nothing. `strange` tables count where it would really be
    /// emptied.
    pub(super) fn precious(&self, emptied: bool) -> Option<String> {
        let list = |names: &[String]| match names {
            [first, second, third, rest @ ..] if !rest.is_empty() => {
                format!("{first}, {second}, {third} and {} more", rest.len())
            }
            names => names.join(", "),
        };
        let mut found = Vec::new();
        if self.history {
            found.push("a migration history (_prisma_migrations)".to_owned());
        }
        if !self.rows.is_empty() {
            found.push(format!("rows in {}", list(&self.rows)));
        }
        if emptied && !self.strange.is_empty() {
            found.push(format!("tables that no migration makes ({})", list(&self.strange)));
        }
        (!found.is_empty()).then(|| found.join(", "))
    }
}

/// A table that may not be read may hold rows.
fn filled(client: &mut Client, table: &str) -> bool {
    let asked = client.query_one(&format!("SELECT EXISTS (SELECT FROM {table})"), &[]);
    asked.map_or(true, |row| row.get(0))
}

const MADE: &str = r#"(?i)(?:\bcreate\s+(?:unlogged\s+)?table\s+(?:if\s+not\s+exists\s+)?|\brename\s+to\s+)([^\s(;]+)"#;
const WRITTEN: &str = r#"(?i)\b(?:insert\s+into|copy|merge\s+into)\s+(?:only\s+)?([^\s(;]+)"#;

/// The names after these words anywhere in the migrations, also in the bodies of functions: in lower case, without a schema.
fn named(migrations: &[Migration], words: &str) -> BTreeSet<String> {
    // it is ours, and compiles
    let Ok(words) = Regex::new(words) else { return BTreeSet::new() };
    let texts = migrations.iter().flat_map(|migration| words.captures_iter(migration.sql.as_str()));
    texts
        .map(|found| {
            let name = found[1].rsplit_once('.').map_or(&found[1], |(_, name)| name);
            name.trim_matches('"').replace("\"\"", "\"").to_lowercase()
        })
        .collect()
}

/// The extensions that the migrations create by themselves.
pub(super) fn extensions(migrations: &[Migration]) -> BTreeSet<String> {
    named(migrations, r#"(?i)\bcreate\s+extension\s+(?:if\s+not\s+exists\s+)?("[^"]+"|[^\s;]+)"#)
}

/// The schemas that the migrations create and that must not be there yet: not those of `IF NOT EXISTS`.
pub(super) fn new_schemas(migrations: &[Migration]) -> BTreeSet<String> {
    let mut schemas = named(migrations, r#"(?i)\bcreate\s+schema\s+("[^"]+"|[^\s;]+)"#);
    schemas.remove("if");
    schemas
}

/// `'a', 'b'`
pub(super) fn literals<'a>(values: impl IntoIterator<Item = &'a String>) -> String {
    values.into_iter().map(|value| quote_literal(value)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_migrations_make_and_fill_is_known_by_name() {
        let migration = Migration {
            name: "1".into(),
            path: "x".into(),
            sql: "CREATE TABLE IF NOT EXISTS \"app\".\"Doc\" (id INT);\ncreate unlogged table pile(x int);\n\
                  ALTER TABLE \"Doc\" RENAME TO \"Paper\";\nINSERT INTO \"Role\" VALUES (1);\n\
                  CREATE EXTENSION IF NOT EXISTS \"uuid-ossp\";\nCREATE EXTENSION citext;"
                .to_owned()
                .into(),
        };
        let of = |words| named(std::slice::from_ref(&migration), words).into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!(of(MADE), "doc paper pile");
        assert_eq!(of(WRITTEN), "role");
        let extensions = extensions(std::slice::from_ref(&migration));
        assert_eq!(extensions.into_iter().collect::<Vec<_>>(), ["citext", "uuid-ossp"]);
        let sql = "CREATE SCHEMA IF NOT EXISTS \"there\";\ncreate schema \"App\"; CREATE SCHEMA other;";
        let migration = Migration { sql: sql.to_owned().into(), ..migration };
        assert_eq!(new_schemas(&[migration]).into_iter().collect::<Vec<_>>(), ["app", "other"]);
    }

    #[test]
    fn only_what_a_replay_cannot_have_left_is_precious() {
        assert_eq!(Held { tables: 3, ..Held::default() }.precious(true), None);
        let strange = Held { strange: vec!["a.b".into()], ..Held::default() };
        assert!(strange.precious(true).is_some());
        assert_eq!(strange.precious(false), None, "nobody empties it");
        let rows = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        let full = Held { history: true, rows, ..Held::default() };
        assert_eq!(
            full.precious(false).unwrap(),
            "a migration history (_prisma_migrations), rows in a, b, c and 1 more"
        );
    }
}
