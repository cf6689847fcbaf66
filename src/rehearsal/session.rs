//! What a session of production has set, and a copy would not have: `ALTER DATABASE … SET`, `ALTER ROLE … SET` and the
//! server's own configuration are in no dump, yet a time zone decides what a cast makes of a value.

use postgres::Client;
use postgres::types::Type;

use crate::database::Failure;
use crate::error::{Explain as _, Result};
use crate::sql::quote_identifier;

/// Settings that change what values are or what names mean: carried over wherever they come from.
const VALUES: &[&str] = &[
    "TimeZone",
    "timezone_abbreviations",
    "DateStyle",
    "IntervalStyle",
    "search_path",
    "lc_monetary",
    "lc_numeric",
    "lc_time",
    "extra_float_digits",
    "bytea_output",
    "xmlbinary",
    "xmloption",
    "array_nulls",
    "transform_null_equals",
    "standard_conforming_strings",
    "default_text_search_config",
    "session_replication_role",
];

/// Settings of the role or the database that are about the session itself, or about what this machine does not have.
const OWN: &str = "^(role|session_authorization|application_name|client_|log_|.*_timeout$|.*_preload_libraries$|\
                   default_tablespace$|temp_tablespaces$|default_transaction_|transaction_|auto_explain|pgaudit)";

const SETTINGS: &str = "
SELECT name, pg_catalog.current_setting(name) FROM pg_catalog.pg_settings
WHERE context IN ('user', 'superuser')
  AND (name = ANY ($1) OR source IN ('global', 'database', 'user', 'database user') AND name !~ $2)
UNION
SELECT own.name, pg_catalog.current_setting(own.name, true)
FROM pg_catalog.pg_db_role_setting s, unnest(s.setconfig) entry, split_part(entry, '=', 1) own(name)
WHERE s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
  AND s.setrole IN (0, (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = session_user))
  AND position('.' IN own.name) > 0 AND own.name !~ $2
  AND pg_catalog.current_setting(own.name, true) IS NOT NULL
ORDER BY 1";

/// The settings of a session on production, by name. Values are never printed: an application may keep secrets there.
#[derive(Clone, Default)]
pub struct Session(Vec<(String, String)>);

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Session {
    /// Reads them in a session like the deploy's.
    ///
    /// # Errors
    /// The server's own.
    pub fn read(client: &mut Client) -> Result<Self, Failure> {
        let rows = client.query_typed(SETTINGS, &[(&VALUES, Type::TEXT_ARRAY), (&OWN, Type::TEXT)])?;
        let pair = |row: &postgres::Row| Ok((row.try_get(0)?, row.try_get(1)?));
        Ok(Self(rows.iter().map(pair).collect::<Result<_, postgres::Error>>()?))
    }

    /// Gives every later session on a database of the copy's server the same settings. Names those that the server does
    /// not take.
    pub(super) fn carry(&self, client: &mut Client, database: &str) -> Result<Vec<String>> {
        let database = quote_identifier(database);
        let mut refused = Vec::new();
        for (name, value) in &self.0 {
            let quoted: Vec<String> = name.split('.').map(quote_identifier).collect();
            // as one value: a path or a style is a list, and would be quoted as a whole
            let set =
                client.query_typed("SELECT set_config($1, $2, false)", &[(name, Type::TEXT), (value, Type::TEXT)]);
            let set = set.and_then(|_| {
                client.batch_execute(&format!("ALTER DATABASE {database} SET {} FROM CURRENT", quoted.join(".")))
            });
            if let Err(error) = set {
                let failure = Failure::from(error);
                if failure.is_disconnect() {
                    return Err(failure).explain(|| "the scratch server ended the session".into());
                }
                refused.push(name.clone());
            }
        }
        Ok(refused)
    }
}
