//! What the guard protects, and who may pass.

use postgres::GenericClient;
use postgres::types::Type;

use crate::catalog::live::OWN_SCHEMA;
use crate::database::Failure;
use crate::error::{Error, Explain as _, Result};

/// What the guard protects, and who may pass.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// Schemas whose definitions change only in a deployment.
    pub schemas: Vec<String>,
    /// Roles that may deploy: tokens are issued to them alone.
    pub deployers: Vec<String>,
    /// Roles that may also empty the guarded tables.
    pub applications: Vec<String>,
    /// Tables that no other role may empty, `schema.table` as the server writes them; `*` is every table.
    pub tables: Vec<String>,
}

/// Every table.
pub const EVERY_TABLE: &str = "*";

impl Settings {
    /// Those that are in force; none without a guard, or where this role may not read them.
    ///
    /// # Errors
    /// The server's own.
    pub fn read(client: &mut impl GenericClient) -> Result<Option<Self>, Failure> {
        if !is_readable(client, "guard_setting")? {
            return Ok(None);
        }
        let row =
            client.query_opt("SELECT schemas, deployers, applications, tables FROM _prisma_safe.guard_setting", &[])?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Self {
            schemas: row.try_get(0)?,
            deployers: row.try_get(1)?,
            applications: row.try_get(2)?,
            tables: row.try_get(3)?,
        }))
    }
}

impl Settings {
    /// Whether these let pass what `before` stopped.
    pub fn is_weaker_than(&self, before: &Self) -> bool {
        let within = |some: &[String], all: &[String]| some.iter().all(|each| all.contains(each));
        let every = self.tables.iter().any(|table| table == EVERY_TABLE);
        !(within(&self.deployers, &before.deployers)
            && within(&self.applications, &before.applications)
            && within(&before.schemas, &self.schemas)
            && (every || within(&before.tables, &self.tables)))
    }
}

/// Whether a table of the guard is there and may be read.
pub(super) fn is_readable(client: &mut impl GenericClient, table: &str) -> Result<bool, Failure> {
    const ASK: &str = "SELECT has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind = 'r'";
    let statement = client.prepare_typed(ASK, &[Type::TEXT, Type::TEXT])?;
    let row = client.query_opt(&statement, &[&OWN_SCHEMA, &table])?;
    Ok(row.map(|row| row.try_get(0)).transpose()? == Some(true))
}

/// The names of tables as a person types them (`Song`, `shop.Doc`), as the server writes them.
///
/// # Errors
/// Exit status 2 for a table that is in none of the schemas.
pub fn tables(client: &mut impl GenericClient, schemas: &[String], typed: &[String]) -> Result<Vec<String>> {
    const FIND: &str = "SELECT format('%I.%I', n.nspname, c.relname)
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'p') AND (c.relname = $2 OR n.nspname || '.' || c.relname = $2)
        ORDER BY array_position($1, n.nspname::text) LIMIT 1";
    let mut found = Vec::new();
    for name in typed {
        match name.as_str() {
            "all" | EVERY_TABLE => return Ok(vec![EVERY_TABLE.to_owned()]),
            "none" => {}
            name => {
                let mut find = || -> Result<_, Failure> {
                    let statement = client.prepare_typed(FIND, &[Type::TEXT_ARRAY, Type::TEXT])?;
                    Ok(client.query_opt(&statement, &[&schemas, &name])?)
                };
                let row = find().explain(|| "could not look for the tables to guard".into())?;
                let row = row.ok_or_else(|| {
                    Error::usage(format!("table {name} does not exist in the guarded schemas ({})", schemas.join(", ")))
                        .help("name tables as the database does, or use --tables all")
                })?;
                found.push(row.get(0));
            }
        }
    }
    Ok(found)
}
