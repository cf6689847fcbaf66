//! Whether the role may do what the migrations do: PostgreSQL lets only a table's owner alter, drop or index it. Asked before
//! anything is done; on a copy everybody is a superuser.

use std::collections::BTreeSet;

use postgres::Client;
use postgres::types::Type;

use crate::database::Failure;
use crate::error::{Error, Explain as _, Result};
use crate::sql::{Name, Script, StatementKind, quote_identifier};

/// Tables of `$1` (schemas) and `$2` (names) that this role does not own, with their owners.
const FOREIGN: &str = "
SELECT n.nspname::text, c.relname::text, pg_catalog.pg_get_userbyid(c.relowner)::text, current_user::text
FROM unnest($1::text[], $2::text[]) AS wanted(schema, name)
JOIN pg_catalog.pg_namespace n ON n.nspname = wanted.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.name AND c.relkind IN ('r', 'p')
WHERE NOT pg_catalog.pg_has_role(c.relowner, 'USAGE') ORDER BY 1, 2";

/// Refuses migrations that alter tables of somebody else's.
///
/// # Errors
/// Exit status 3 with the tables and what would help; 1 if the server does not answer.
pub fn demand(client: &mut Client, schema: &str, scripts: &[Script]) -> Result<()> {
    // who changes roles on the way knows what for
    if scripts.iter().any(changes_role) {
        return Ok(());
    }
    let named: BTreeSet<(String, String)> = scripts
        .iter()
        .flat_map(Script::statements)
        .flat_map(|statement| owned(&statement.kind))
        .map(|name| (name.schema.clone().unwrap_or_else(|| schema.to_owned()), name.name.clone()))
        .collect();
    let (schemas, names): (Vec<String>, Vec<String>) = named.into_iter().unzip();
    let rows = client.query_typed(FOREIGN, &[(&schemas, Type::TEXT_ARRAY), (&names, Type::TEXT_ARRAY)]);
    let rows = rows.map_err(Failure::from).explain(|| "could not ask whose the tables are".into())?;
    let Some(first) = rows.first() else { return Ok(()) };
    let (owner, role): (String, String) = (first.get(2), first.get(3));
    let lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let (schema, name, owner): (&str, &str, &str) = (row.get(0), row.get(1), row.get(2));
            format!("{schema}.{name} belongs to {owner}")
        })
        .collect();
    Err(Error::refused(format!("{role} may not alter these tables: nothing has happened to the database"))
        .because(lines.join("\n"))
        .help(format!(
            "deploy as their owner, or make the role a member of it: GRANT {} TO {}",
            quote_identifier(&owner),
            quote_identifier(&role)
        )))
}

/// The tables that a statement needs to own.
fn owned(kind: &StatementKind) -> Vec<&Name> {
    match kind {
        StatementKind::AlterTable { table, .. } => vec![table],
        StatementKind::CreateIndex(index) => vec![&index.table],
        StatementKind::DropTable { tables, .. } => tables.iter().collect(),
        _ => Vec::new(),
    }
}

/// `SET ROLE`, `SET SESSION AUTHORIZATION`, or code that could do the same.
fn changes_role(script: &Script) -> bool {
    script.statements().iter().any(|statement| {
        let text = script.text().get(statement.range.clone()).unwrap_or_default().to_lowercase();
        matches!(statement.kind, StatementKind::Do { .. })
            || text.starts_with("set")
                && (text.contains("role") || text.contains("authorization") || text.contains("search_path"))
    })
}
