//! A rehearsal reaches nothing but its copy.

use postgres::Client;

use crate::catalog::Catalog;
use crate::database::Failure;
use crate::effects::{self, What};
use crate::error::{Error, Result};
use crate::project::Migration;
use crate::sql::quote_identifier;

/// What a report says of a copy whose foreign servers were cut off.
const CUT_OFF: &str = "foreign tables lead nowhere: what reaches through them fails here";

/// The statements that reach beyond the database, a line each: they would reach the same things from a copy.
pub(super) fn reaching(migrations: &[Migration]) -> Vec<String> {
    let mut found = Vec::new();
    for migration in migrations {
        let script = migration.script();
        // what is reached stands in the statement's text, whatever the world
        let world = Catalog::new("");
        found.extend(effects::of_script(&world, script).into_iter().flatten().filter_map(|effect| match effect.what {
            What::ReachesOutside { what } => {
                let line = script.position(effect.range.start).line;
                Some(format!("{}, line {line}: reaches {what}", migration.name))
            }
            _ => None,
        }));
    }
    found
}

/// Refuses to rehearse migrations that reach beyond the database.
///
/// # Errors
/// Exit status 3, with each statement and the way to deploy without a rehearsal.
pub fn demand_contained(pending: &[Migration]) -> Result<()> {
    let found = reaching(pending);
    if found.is_empty() {
        return Ok(());
    }
    Err(Error::refused("a rehearsal would reach beyond its copy: nothing was deployed")
        .because(found.join("\n"))
        .help("do this outside of the migration; or deploy with `--skip-rehearsal --reason TEXT`"))
}

/// The way on where a migration failed for want of the credentials that [`cut_off`] took.
pub(super) fn explain(error: Error) -> Error {
    // PostgreSQL has no SQLSTATE of its own for it
    let cut_off = error.causes().iter().any(|cause| cause.contains("user mapping not found"));
    match cut_off {
        true => error.help(
            "the copy reaches no other server, so that a rehearsal changes nothing there: what a migration does through \
             foreign tables is deployed with `--skip-rehearsal --reason TEXT`",
        ),
        false => error,
    }
}

/// Takes the credentials of foreign servers out of a restored backup, so that no statement on it or its copies reaches them. Says
/// so where there were any.
///
/// # Errors
/// The scratch server's own.
pub(super) fn cut_off(client: &mut Client) -> Result<Option<String>, Failure> {
    let rows = client.query("SELECT srvname, usename FROM pg_catalog.pg_user_mappings", &[])?;
    for row in &rows {
        let (server, user): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let user = if user == "public" { "PUBLIC".to_owned() } else { quote_identifier(&user) };
        client.batch_execute(&format!("DROP USER MAPPING FOR {user} SERVER {}", quote_identifier(&server)))?;
    }
    Ok((!rows.is_empty()).then(|| CUT_OFF.to_owned()))
}
