//! Which server and database a backup is of, and whether there is anything to back up.

use postgres::Client;

use crate::database::{Failure, Identity};
use crate::error::{Explain as _, Result};

/// Tables of users, or large objects.
const HAS_DATA: &str = "
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass
                      AND d.objid = c.oid AND d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.deptype = 'e')
) OR EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata)";

const FACTS: &str = "
SELECT current_setting('server_version'), current_setting('server_version_num')::int4 / 10000, pg_database_size(d.oid),
       pg_encoding_to_char(d.encoding)::text, d.datcollate::text, d.datctype::text,
       ARRAY(SELECT extname::text FROM pg_catalog.pg_extension ORDER BY 1), current_setting('TimeZone')
FROM pg_catalog.pg_database d WHERE d.datname = current_database()";

/// The server at the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    /// `15.18 (Debian 15.18-0+deb12u1)`
    pub(super) version: String,
    pub(super) major: u32,
    pub(super) database: String,
    pub(super) oid: u32,
    /// The database's size on the server's disk, in bytes.
    pub(super) size: u64,
    pub(super) encoding: String,
    pub(super) collate: String,
    pub(super) ctype: String,
    pub(super) extensions: Vec<String>,
    /// Of our sessions: `UTC`.
    pub(super) time_zone: String,
    /// `None` where the role may not read it.
    pub(super) system_identifier: Option<String>,
}

impl Server {
    /// Asks the server.
    ///
    /// # Errors
    /// The server's own.
    pub(super) fn read(client: &mut Client) -> Result<Self> {
        let row = client.query_one(FACTS, &[]).map_err(Failure::from);
        let row = row.explain(|| "could not ask the server for its version".into())?;
        let identity = Identity::read(client).explain(|| "could not ask which server it is".into())?;
        Ok(Self {
            version: row.get(0),
            major: u32::try_from(row.get::<_, i32>(1)).unwrap_or_default(),
            size: u64::try_from(row.get::<_, i64>(2)).unwrap_or_default(),
            encoding: row.get(3),
            collate: row.get(4),
            ctype: row.get(5),
            extensions: row.get(6),
            time_zone: row.get(7),
            oid: identity.database_oid,
            database: identity.database,
            system_identifier: identity.system_identifier,
        })
    }
}

/// Whether the database holds anything that could be lost: a table of a user's, or a large object.
///
/// # Errors
/// The server's own.
pub fn needed(client: &mut Client) -> Result<bool> {
    let row = client.query_one(HAS_DATA, &[]).map_err(Failure::from);
    Ok(row.explain(|| "could not ask whether the database holds tables".into())?.get(0))
}
