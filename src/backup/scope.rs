//! How much of a database a backup holds: all of it, or some schemas (`backup.schemas`), where others' tables may not be read.
//! What this role may not read is known before a dump is begun.

use postgres::Client;
use serde::{Deserialize, Serialize};

use super::request::Request;
use super::snapshot::Relations;
use crate::catalog::live::OWN_SCHEMA;
use crate::database::Failure;
use crate::error::{Error, Explain as _, Result};
use crate::sql::quote_identifier;

/// Names listed in an error before it says how many more there are.
const NAMES: usize = 5;

/// Users' schemas but those of `$1`.
const OTHERS: &str = "
SELECT nspname::text FROM pg_catalog.pg_namespace
WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND nspname <> ALL ($1) ORDER BY 1";

/// Large objects that this role may not read: they belong to no schema.
const UNREADABLE_OBJECTS: &str = "
SELECT count(*) FROM pg_catalog.pg_largeobject_metadata
WHERE NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
  AND NOT pg_catalog.pg_has_role(lomowner, 'USAGE') AND NOT EXISTS (
    SELECT FROM pg_catalog.aclexplode(lomacl) a
    WHERE a.privilege_type = 'SELECT' AND (a.grantee = 0 OR pg_catalog.pg_has_role(a.grantee, 'USAGE')))";

/// What a backup does not hold of its database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Without {
    /// Schemas with everything in them.
    pub schemas: Vec<String>,
    /// No large object is in it: some may not be read, and none says whose schema it belongs to.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub large_objects: bool,
}

impl Without {
    /// `the schemas billing, crm; the large objects`
    pub fn said(&self) -> String {
        let schemas = match self.schemas.as_slice() {
            [] => None,
            [one] => Some(format!("the schema {one}")),
            many => Some(format!("the schemas {}", many.join(", "))),
        };
        let objects = self.large_objects.then(|| "the large objects".to_owned());
        schemas.into_iter().chain(objects).collect::<Vec<_>>().join("; ")
    }
}

/// What is dumped, and what is not.
#[derive(Debug)]
pub(super) struct Scope {
    pub(super) relations: Relations,
    /// `None`: it is all.
    pub(super) without: Option<Without>,
    unreadable_objects: i64,
}

impl Scope {
    /// What the settings ask for. Definitions alone, for a rehearsal, do without what others keep to themselves. With `measured` it
    /// also asks for the tables' sizes, and waits for sessions that have locked one.
    ///
    /// # Errors
    /// The server's own; exit status 2 if the settings leave Prisma's own schema out.
    pub(super) fn of(client: &mut Client, request: &Request<'_>, measured: bool) -> Result<Self> {
        let failed = || "could not ask what this role may read".to_owned();
        let row = client.query_one(UNREADABLE_OBJECTS, &[]).map_err(Failure::from).explain(failed)?;
        let unreadable_objects: i64 = row.get(0);
        let mut schemas = match &request.settings.schemas {
            Some(only) => {
                demand_own(only, request)?;
                let mut kept = only.clone();
                kept.push(OWN_SCHEMA.to_owned());
                let rows = client.query(OTHERS, &[&kept]).map_err(Failure::from).explain(failed)?;
                rows.iter().map(|row| row.get(0)).collect()
            }
            None => Vec::new(),
        };
        let mut relations = Relations::read(client, &schemas, measured)?;
        if request.definitions_only {
            let others: Vec<String> = relations.unreadable.iter().map(|(schema, _)| schema.clone()).collect();
            schemas.extend(others.into_iter().filter(|schema| !request.is_own(schema) && schema != OWN_SCHEMA));
            schemas.sort();
            schemas.dedup();
            relations = Relations::read(client, &schemas, measured)?;
            // no row is read
            relations.hidden.clear();
        }
        let limited = request.definitions_only || request.settings.schemas.is_some();
        let large_objects = limited && unreadable_objects > 0;
        let without = Without { schemas, large_objects };
        let whole = without.schemas.is_empty() && !large_objects;
        let unreadable_objects = if large_objects { 0 } else { unreadable_objects };
        Ok(Self { relations, without: (!whole).then_some(without), unreadable_objects })
    }

    /// Schemas that are left out.
    pub(super) fn schemas(&self) -> &[String] {
        self.without.as_ref().map_or(&[], |without| &without.schemas)
    }

    /// Refuses a dump that this role cannot take whole.
    ///
    /// # Errors
    /// Names what it may not read, and the way on.
    pub(super) fn check(&self, request: &Request<'_>) -> Result<()> {
        let Relations { unreadable, hidden, .. } = &self.relations;
        let role = request.url.user().map_or_else(|| "the role".to_owned(), |user| quote_identifier(&user));
        let no_backup = |message: String| Error::failed(message).because("a backup without them would be no backup");
        let limit = |tables: &[(String, String)]| {
            let others = tables.iter().all(|(schema, _)| !request.is_own(schema));
            others.then(|| {
                let only = listed(&request.own());
                format!(
                    "leave the schemas of others out of the backup, in prisma-safe.toml:\n    [backup]\n    schemas = [{only}]\nor "
                )
            })
        };
        if !unreadable.is_empty() {
            let limit = limit(unreadable).unwrap_or_default();
            return Err(no_backup(format!("this role may not read {}", names(unreadable))).help(format!(
                "{limit}back up as the owner of the tables; or, for all tables of the server, let a superuser run: GRANT pg_read_all_data TO {role};"
            )));
        }
        if !hidden.is_empty() {
            let limit = limit(hidden).unwrap_or_default();
            return Err(no_backup(format!("row-level security hides rows of {} from this role", names(hidden))).help(format!(
                "{limit}let a superuser run: ALTER ROLE {role} BYPASSRLS; or back up as the owner of the tables, where they do not FORCE ROW LEVEL SECURITY; or have the host back up: backup.provider"
            )));
        }
        if self.unreadable_objects > 0 {
            let only = listed(&request.own());
            return Err(no_backup(format!("this role may not read {} large objects", self.unreadable_objects)).help(format!(
                "leave what is not Prisma's out of the backup, in prisma-safe.toml:\n    [backup]\n    schemas = [{only}]\nor back up as a superuser"
            )));
        }
        Ok(())
    }
}

/// What Prisma changes must be in a backup that is taken before.
fn demand_own(only: &[String], request: &Request<'_>) -> Result<()> {
    let missing: Vec<String> = request.own().into_iter().filter(|own| !only.contains(own)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let all: Vec<String> = only.iter().cloned().chain(missing.iter().cloned()).collect();
    Err(Error::usage(format!("backup.schemas leaves out {}, which Prisma manages", missing.join(", ")))
        .because("a backup without what a deploy changes would be no backup")
        .help(format!("in prisma-safe.toml: schemas = [{}]", listed(&all))))
}

/// As a list in prisma-safe.toml.
fn listed(schemas: &[String]) -> String {
    schemas.iter().map(|schema| format!("{schema:?}")).collect::<Vec<_>>().join(", ")
}

fn names(names: &[(String, String)]) -> String {
    let shown = names.iter().take(NAMES).map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
