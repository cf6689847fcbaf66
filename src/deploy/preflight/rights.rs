//! Whether the user may do what the pending migrations do to what is there: a rehearsal runs as a superuser and cannot tell.
//!
//! Looked at is who owns a table that is altered or dropped, and who may write where rows are written. After a statement that
//! may change the role or the meaning of names nothing is known any more, and nothing is said.

use std::collections::BTreeSet;

use postgres::Client;
use postgres::types::Type;

use super::{Concern, Plan, Problem};
use crate::database::Failure;
use crate::sql::{Name, Script, StatementKind, quote_identifier, quote_qualified};

/// What a statement needs of an object. The order is that of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Right {
    /// To be its owner.
    Own,
    /// To be its owner or its schema's.
    Drop,
    /// To add something to the schema.
    Create,
    Insert,
    Update,
    Delete,
    Truncate,
    Trigger,
}

impl Right {
    fn name(self) -> &'static str {
        match self {
            Self::Own => "OWN",
            Self::Drop => "DROP",
            Self::Create => "CREATE",
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Truncate => "TRUNCATE",
            Self::Trigger => "TRIGGER",
        }
    }
}

/// What is missing does not concern us here: an earlier statement makes it, or the migration fails in the rehearsal.
const MISSING: &str = "
SELECT w.space, w.name, w.\"right\", coalesce(pg_get_userbyid(c.relowner), pg_get_userbyid(n.nspowner))::text, current_user::text
FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS w(space, name, \"right\", place)
JOIN pg_catalog.pg_namespace n ON n.nspname = w.space
LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name AND w.\"right\" <> 'CREATE'
WHERE NOT CASE w.\"right\"
  WHEN 'CREATE' THEN has_schema_privilege(n.oid, 'CREATE')
  WHEN 'OWN' THEN pg_has_role(c.relowner, 'USAGE')
  WHEN 'DROP' THEN pg_has_role(c.relowner, 'USAGE') OR pg_has_role(n.nspowner, 'USAGE')
  WHEN 'INSERT' THEN has_any_column_privilege(c.oid, 'INSERT')
  WHEN 'UPDATE' THEN has_any_column_privilege(c.oid, 'UPDATE')
  ELSE has_table_privilege(c.oid, w.\"right\") END
ORDER BY w.place";

/// What the user may not do, of what the pending migrations do.
pub(super) fn problems(client: &mut Client, plan: &Plan<'_>, pending: &[String]) -> Result<Vec<Problem>, Failure> {
    let schema = plan.url.schema();
    let mut needed = BTreeSet::new();
    for migration in plan.migrations.iter().filter(|migration| pending.contains(&migration.name)) {
        if !collect(&migration.sql, &schema, &mut needed) {
            break;
        }
    }
    let spaces: Vec<&str> = needed.iter().map(|(_, space, _)| space.as_str()).collect();
    let names: Vec<&str> = needed.iter().map(|(_, _, name)| name.as_str()).collect();
    let rights: Vec<&str> = needed.iter().map(|(right, ..)| right.name()).collect();
    let rows = client.query_typed(
        MISSING,
        &[(&spaces, Type::TEXT_ARRAY), (&names, Type::TEXT_ARRAY), (&rights, Type::TEXT_ARRAY)],
    )?;
    let problem = |row: &postgres::Row| -> Result<Problem, Failure> {
        Ok(problem(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?, row.try_get(4)?))
    };
    rows.iter().map(problem).collect()
}

fn problem(space: &str, name: &str, right: &str, owner: &str, user: &str) -> Problem {
    let object = quote_qualified(space, name);
    let (owner_name, role) = (quote_identifier(owner), quote_identifier(user));
    let (message, help) = match right {
        "CREATE" => (
            format!("{user} may not create anything in the schema {space}, and a pending migration does"),
            format!("as {owner}: GRANT USAGE, CREATE ON SCHEMA {} TO {role};", quote_identifier(space)),
        ),
        "OWN" | "DROP" => (
            format!(
                "{space}.{name} belongs to {owner}: {user} may not change or drop it, and a pending migration does"
            ),
            format!(
                "as a superuser: ALTER TABLE {object} OWNER TO {role}; or, for everything of {owner}: GRANT {owner_name} TO {role};"
            ),
        ),
        _ => (
            format!("{user} has no right to {right} on {object}, and a pending migration needs it"),
            format!("as {owner}: GRANT {right} ON {object} TO {role};"),
        ),
    };
    Problem { concern: Concern::Privilege, blocking: true, message, help }
}

type Needed = BTreeSet<(Right, String, String)>;

/// Adds what a script needs, up to a statement after which nothing is known; then `false`.
fn collect(sql: &str, schema: &str, needed: &mut Needed) -> bool {
    let script = Script::parse(sql);
    for statement in script.statements() {
        let mut need = |right, name: &Name| {
            needed.insert((right, name.schema.clone().unwrap_or_else(|| schema.to_owned()), name.name.clone()));
        };
        match &statement.kind {
            StatementKind::AlterTable { table, .. } => need(Right::Own, table),
            StatementKind::CreateIndex(index) => need(Right::Own, &index.table),
            StatementKind::CreateTable { table, temporary: false, .. } => need(Right::Create, table),
            StatementKind::CreateView { name, .. } => need(Right::Create, name),
            StatementKind::DropTable { tables: names, .. }
            | StatementKind::DropIndex { indexes: names, .. }
            | StatementKind::DropView { names, .. } => names.iter().for_each(|name| need(Right::Drop, name)),
            StatementKind::Insert { table } => need(Right::Insert, table),
            StatementKind::Update { table, .. } => need(Right::Update, table),
            StatementKind::Delete { table, .. } => need(Right::Delete, table),
            StatementKind::Truncate { tables, .. } => tables.iter().for_each(|name| need(Right::Truncate, name)),
            StatementKind::CreateTrigger { table, .. } => need(Right::Trigger, table),
            _ if changes_everything(&sql[statement.range.clone()]) => return false,
            _ => {}
        }
    }
    true
}

/// Whether a statement may give or take rights, or send names elsewhere.
fn changes_everything(sql: &str) -> bool {
    let sql = sql.to_ascii_uppercase();
    ["ROLE", "OWNE", "AUTHORIZATION", "GRANT", "REVOKE", "SEARCH_PATH", "EXECUTE"].iter().any(|word| sql.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needed(sql: &str) -> Vec<String> {
        let mut needed = Needed::new();
        collect(sql, "public", &mut needed);
        needed.into_iter().map(|(right, space, name)| format!("{} {space}.{name}", right.name())).collect()
    }

    #[test]
    fn each_statement_has_its_right() {
        assert_eq!(
            needed(
                "ALTER TABLE a ADD x INT; CREATE INDEX i ON s.b (x); DROP TABLE c; INSERT INTO d VALUES (1); TRUNCATE e;"
            ),
            ["OWN public.a", "OWN s.b", "DROP public.c", "INSERT public.d", "TRUNCATE public.e"]
        );
    }

    #[test]
    fn after_another_role_nothing_is_known() {
        assert_eq!(needed("DELETE FROM a; SET ROLE owner; DROP TABLE b;"), ["DELETE public.a"]);
        assert_eq!(needed("SET search_path TO other; DROP TABLE b;"), [""; 0]);
    }
}
