//! A session in which a plan's expressions mean the same everywhere.

use postgres::Client;

use crate::database::{DatabaseUrl, Failure, connect};
use crate::error::{Explain as _, Result};
use crate::sql::quote_identifier;

/// Connects: names mean the schema of the URL, and values are written in one way, whatever the role's settings are. A policy that would
/// hide rows is an error: they would be dropped unseen.
///
/// # Errors
/// Those of [`connect`].
pub fn open(url: &DatabaseUrl, application: &str) -> Result<Client> {
    let mut client = connect(url, application)?;
    let settings = format!(
        "SET search_path = {}; SET datestyle = 'ISO, YMD'; SET timezone = 'UTC'; SET bytea_output = 'hex'; SET extra_float_digits = 1; \
         SET intervalstyle = 'postgres'; SET row_security = off",
        quote_identifier(&url.schema())
    );
    let set = client.batch_execute(&settings).map_err(Failure::from);
    set.explain(|| format!("could not begin on {}", url.identity()))?;
    Ok(client)
}
