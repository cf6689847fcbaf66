//! The databases on a scratch server.

use super::ScratchServer;
use crate::database::{Failure, activity};
use crate::error::{Explain as _, Result};
use crate::sql::{quote_identifier, quote_literal};

/// How a database sorts and encodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locale<'a> {
    /// `UTF8`
    pub encoding: &'a str,
    pub collate: &'a str,
    pub ctype: &'a str,
}

impl ScratchServer {
    /// Creates an empty database with this locale, or with `C` where this machine does not know it: says which, `true` for
    /// the locale itself. Without it, only what depends on the order of texts may differ.
    ///
    /// # Errors
    /// The server's own.
    pub fn create_database(&self, name: &str, locale: Locale<'_>) -> Result<bool> {
        let mut client = self.connect("postgres")?;
        let mut create = |collate: &str, ctype: &str| {
            let [encoding, collate, ctype] = [locale.encoding, collate, ctype].map(quote_literal);
            client.batch_execute(&format!(
                "CREATE DATABASE {} TEMPLATE template0 ENCODING {encoding} LC_COLLATE {collate} LC_CTYPE {ctype}",
                quote_identifier(name)
            ))
        };
        if create(locale.collate, locale.ctype).is_ok() {
            return Ok(true);
        }
        let created = create("C", "C").map_err(Failure::from);
        created.explain(|| format!("could not create a scratch database with the encoding {}", locale.encoding))?;
        Ok(false)
    }

    /// Copies a database, file by file: object ids and attribute numbers stay the same. Sessions in the original are ended.
    ///
    /// # Errors
    /// The server's own.
    pub fn clone_database(&self, from: &str, to: &str) -> Result<()> {
        let mut client = self.connect("postgres")?;
        let [template, name] = [from, to].map(quote_identifier);
        // versions before 15 always copy files
        let version = "SELECT current_setting('server_version_num')::int4 >= 150000";
        let mut copy = || -> Result<(), Failure> {
            activity::end_all(&mut client, from, false)?;
            let files: bool = client.query_one(version, &[])?.try_get(0)?;
            let strategy = if files { " STRATEGY file_copy" } else { "" };
            Ok(client.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}{strategy}"))?)
        };
        copy().explain(|| format!("could not copy the scratch database {from}"))
    }

    /// Drops a database with the sessions in it; none is fine too.
    ///
    /// # Errors
    /// The server's own.
    pub fn drop_database(&self, name: &str) -> Result<()> {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quote_identifier(name));
        let dropped = self.connect("postgres")?.batch_execute(&drop).map_err(Failure::from);
        dropped.explain(|| format!("could not drop the scratch database {name}"))
    }

    /// The names of the extensions that can be created here.
    ///
    /// # Errors
    /// The server's own.
    pub fn extensions(&self) -> Result<Vec<String>> {
        let rows = self.connect("postgres")?.query("SELECT name::text FROM pg_available_extensions", &[]);
        let rows = rows.map_err(Failure::from).explain(|| "could not ask for the extensions".into())?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }
}
