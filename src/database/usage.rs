//! How a database is used, as its statistics count it: scans of each index, calls and time of each family of statements. A deploy
//! keeps what was counted until then, so that `monitor` can tell later what has changed.

use jiff::Timestamp;
use postgres::Client;
use serde::{Deserialize, Serialize};

use super::Failure;

/// The families that took the most time are kept, up to so many.
const FAMILIES: i64 = 500;
/// A family that was called less often has no mean worth comparing.
const CALLS: i64 = 5;
/// Reading the statistics may take this long.
const TIMEOUT: &str = "5s";

/// Counted at one moment, since the server's statistics were last reset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    pub at: Timestamp,
    pub indexes: Vec<Scans>,
    /// Indexes that the deployment has made, by object id.
    #[serde(default)]
    pub created: Vec<u32>,
    /// Why there are none, where the server does not count them.
    pub statements: Result<Vec<Family>, String>,
}

/// An index by its object id, which survives a rename.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scans {
    pub id: u32,
    pub scans: i64,
}

/// Statements that differ in their constants alone, by the id that `pg_stat_statements` gives them: it names tables and columns by
/// their object ids, so that it survives a rename.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Family {
    pub id: i64,
    pub calls: i64,
    /// Of all calls.
    pub microseconds: i64,
    /// The statement without its constants; not kept in files.
    #[serde(skip)]
    pub text: String,
}

const INDEXES: &str = "SELECT indexrelid, coalesce(idx_scan, 0) FROM pg_catalog.pg_stat_user_indexes ORDER BY 1";

const EXTENSION: &str = "SELECT quote_ident(n.nspname) FROM pg_catalog.pg_extension e \
                         JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'";

impl Usage {
    /// Reads what is counted now.
    ///
    /// # Errors
    /// The server's own; where it counts no statements, that is in [`Usage::statements`].
    pub fn read(client: &mut Client) -> Result<Self, Failure> {
        let rows = client.query_typed(INDEXES, &[])?;
        let indexes = rows.iter().map(|row| Ok(Scans { id: row.try_get(0)?, scans: row.try_get(1)? }));
        let indexes = indexes.collect::<Result<Vec<_>, postgres::Error>>()?;
        Ok(Self { at: Timestamp::now(), indexes, created: Vec::new(), statements: families(client)? })
    }

    /// What is kept of a deployment that found this: the statements as they were before, the indexes as they are after it.
    ///
    /// # Errors
    /// The server's own.
    pub fn after(self, client: &mut Client) -> Result<Self, Failure> {
        let now = Self::read(client)?;
        let before = |id: u32| self.indexes.iter().any(|index| index.id == id);
        let created = now.indexes.iter().map(|index| index.id).filter(|id| !before(*id)).collect();
        Ok(Self { created, statements: self.statements, ..now })
    }
}

/// The statements of users; what Prisma, the server and we ask of the catalogs is none of theirs.
fn families(client: &mut Client) -> Result<Result<Vec<Family>, String>, Failure> {
    let Some(row) = client.query_typed_opt(EXTENSION, &[])? else {
        return Ok(Err("the extension pg_stat_statements is not in this database".into()));
    };
    let schema: String = row.try_get(0)?;
    let query = format!(
        "SELECT queryid, sum(calls)::int8, (sum(total_exec_time) * 1000)::int8, min(left(query, 500)) \
         FROM {schema}.pg_stat_statements \
         WHERE dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()) AND queryid IS NOT NULL \
           AND query ~* '^\\s*(select|insert|update|delete|merge|with)\\M' \
           AND query !~* 'pg_catalog|information_schema|pg_stat_|_prisma_' \
         GROUP BY queryid HAVING sum(calls) >= {CALLS} ORDER BY 3 DESC LIMIT {FAMILIES}"
    );
    let mut transaction = client.build_transaction().read_only(true).start()?;
    transaction.batch_execute(&format!("SET LOCAL statement_timeout = '{TIMEOUT}'"))?;
    let asked = transaction.query_typed(&query, &[]);
    transaction.rollback()?;
    let rows = match asked {
        Ok(rows) => rows,
        // it is not preloaded, say
        Err(error) => {
            return Ok(Err(format!("pg_stat_statements could not be read: {}", Failure::from(error).message)));
        }
    };
    let family = |row: &postgres::Row| -> Result<Family, postgres::Error> {
        let text: String = row.try_get(3)?;
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(Family { id: row.try_get(0)?, calls: row.try_get(1)?, microseconds: row.try_get(2)?, text })
    };
    Ok(Ok(rows.iter().map(family).collect::<Result<_, _>>()?))
}
