//! Invalid indexes that an earlier try of a file has left: `CREATE INDEX CONCURRENTLY IF NOT EXISTS` would take them for
//! done, and without `IF NOT EXISTS` the name is taken.

use std::collections::BTreeSet;

use postgres::Client;
use postgres::types::{ToSql, Type};

use crate::database::Failure;
use crate::database::health::{Blemish, drop_index};
use crate::deploy::Settings;
use crate::error::{Explain as _, Result};
use crate::sql::{Script, StatementKind};
use crate::transaction::milliseconds;

/// The indexes that a file builds `CONCURRENTLY`, by schema, table and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::deploy) struct Leftovers {
    built: BTreeSet<(String, String, String)>,
}

/// Those that no session builds at this moment: a build under way looks the same.
const INVALID: &str = "
SELECT format('%I.%I', n.nspname, t.relname), format('%I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN unnest($1::text[], $2::text[], $3::text[]) AS built(space, on_table, name)
  ON built.space = n.nspname AND built.on_table = t.relname AND built.name = c.relname
WHERE NOT i.indisvalid AND NOT EXISTS (
  SELECT FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
  WHERE l.relation = t.oid AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted AND a.query !~ '^autovacuum:'
    AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
ORDER BY 2";

impl Leftovers {
    pub(in crate::deploy) fn of(script: &Script, schema: &str) -> Self {
        let built = script.statements().iter().filter_map(|statement| match &statement.kind {
            StatementKind::CreateIndex(index) if index.concurrently => Some((
                index.table.schema.clone().unwrap_or_else(|| schema.to_owned()),
                index.table.name.clone(),
                index.name.clone()?,
            )),
            _ => None,
        });
        Self { built: built.collect() }
    }

    /// Those that are there and invalid.
    pub(in crate::deploy) fn find(&self, client: &mut Client) -> Result<Vec<Blemish>> {
        if self.built.is_empty() {
            return Ok(Vec::new());
        }
        let column = |of: fn(&(String, String, String)) -> &String| -> Vec<&str> {
            self.built.iter().map(|built| of(built).as_str()).collect()
        };
        let (spaces, tables, names) = (column(|built| &built.0), column(|built| &built.1), column(|built| &built.2));
        let parameters: [(&(dyn ToSql + Sync), Type); 3] =
            [(&spaces, Type::TEXT_ARRAY), (&tables, Type::TEXT_ARRAY), (&names, Type::TEXT_ARRAY)];
        let mut look = || -> Result<Vec<Blemish>, Failure> {
            let rows = client.query_typed(INVALID, &parameters)?;
            let rows = rows.iter().map(|row| Ok(Blemish { table: row.try_get(0)?, name: row.try_get(1)? }));
            Ok(rows.collect::<Result<_, postgres::Error>>()?)
        };
        look().explain(|| "could not look for invalid indexes".into())
    }
}

/// Takes one away without stopping anyone.
pub(in crate::deploy) fn drop(client: &mut Client, index: &Blemish, settings: &Settings) -> Result<()> {
    let limit = format!("SET lock_timeout = {}", milliseconds(settings.lock_timeout));
    let mut work = || -> Result<(), Failure> {
        client.batch_execute(&limit)?;
        // CONCURRENTLY runs in no transaction block, so it is a message of its own
        let dropped = client.batch_execute(&drop_index(index)).map_err(Failure::from);
        client.batch_execute("RESET lock_timeout")?;
        dropped
    };
    work().explain(|| format!("could not drop the invalid index {index}, which an earlier try has left"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_file_builds_concurrently() {
        let script = Script::parse(
            "CREATE INDEX CONCURRENTLY a ON t (x); CREATE INDEX b ON t (x);\n\
             CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"C\" ON s.\"T\" (x); CREATE INDEX CONCURRENTLY ON t (y);",
        );
        let name = |parts: [&str; 3]| parts.map(str::to_owned).into();
        let built: BTreeSet<(String, String, String)> =
            [name(["public", "t", "a"]), name(["s", "T", "C"])].into_iter().collect();
        assert_eq!(Leftovers::of(&script, "public").built, built);
    }
}
