//! Restoring within one database, where the host does not allow creating or renaming databases: its schemas are set aside and
//! the backup is loaded in their place, all in one transaction. Others see the old data until it commits.

mod census;
mod loading;

use postgres::Transaction;

use self::census::{Census, Schema};
use super::super::archive::Archive;
use super::target::Target;
use super::{Restored, Work, leftovers, named, rows, stamp};
use crate::database::Failure;
use crate::error::{Error, Explain as _, Result};
use crate::guard::install;
use crate::sql::{quote_identifier, quote_literal};

/// What the names of schemas that were set aside begin with.
const ASIDE: &str = "_prisma_safe_old_";

/// Whether the role may create schemas here, and whether they can be swapped.
pub(super) fn check(target: &mut Target, archive: &Archive) -> Result<()> {
    if !target.exists() {
        return Err(Error::refused(format!(
            "the database {} does not exist, and this role may create none",
            target.name()
        ))
        .help("create it first"));
    }
    let query = "SELECT has_database_privilege(current_database(), 'CREATE')";
    let row = target.client()?.query_one(query, &[]).map_err(Failure::from);
    if row.explain(|| "could not ask what this role may do".into())?.get(0) {
        return Census::take(target.client()?, archive).map(drop);
    }
    Err(Error::refused("this role may create no schema in the database").help("use a role that owns the database"))
}

/// Restores all of a backup in the place of the schemas that it holds.
pub(super) fn replace(mut target: Target, work: &Work<'_>) -> Result<Restored> {
    let name = target.name();
    let client = target.client()?;
    leftovers::take_turn(client, &name)?;
    let census = Census::take(client, work.archive)?;
    work.shell.step("Restoring", format_args!("within {name}, in one transaction"));
    let failed = || "could not set the schemas of the database aside".to_owned();
    let mut transaction = client.transaction().map_err(Failure::from).explain(failed)?;
    if work.guarded.is_some() {
        install::lift(&mut transaction).map_err(|failure| {
            Error::refused("this role may not take the guard of the database out for the restore; nothing was changed")
                .because(failure)
                .help("restore as the role that switched the guard on, or switch it off first: prisma-safe guard off")
        })?;
    }
    let stamp = stamp();
    let mut old = Vec::new();
    for schema in &census.schemas {
        let aside = named(&format!("{ASIDE}{stamp}_{}", schema.name), "");
        set_aside(&mut transaction, schema, &aside).map_err(Failure::from).explain(failed)?;
        old.push(aside);
    }
    loading::load(&mut transaction, &census, &stamp, work)?;
    rows::compare_in(&mut transaction, work)?;
    analyze(&mut transaction, work)?;
    if let Some(Some(settings)) = &work.guarded {
        let again = transaction.batch_execute(&install::script(settings)).map_err(Failure::from);
        again.explain(|| "could not switch the guard on again; nothing was changed".into())?;
    }
    work.guard.check()?;
    work.shell
        .status("Swapping", census.schemas.iter().map(|schema| schema.name.as_str()).collect::<Vec<_>>().join(", "));
    transaction.commit().map_err(Failure::from).explain(|| {
        "the connection broke while the restore was being committed: look whether the old or the new data is there"
            .into()
    })?;
    let sql = old.iter().map(|schema| format!("DROP SCHEMA {} CASCADE;", quote_identifier(schema))).collect();
    Ok(Restored { old, sql, ..work.restored() })
}

/// Renames a schema, and makes an empty one of its name with its owner and rights; extensions move over.
fn set_aside(transaction: &mut Transaction<'_>, schema: &Schema, aside: &str) -> Result<(), postgres::Error> {
    let (live, aside) = (quote_identifier(&schema.name), quote_identifier(aside));
    transaction.batch_execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = 0")?;
    transaction.batch_execute(&format!("ALTER SCHEMA {live} RENAME TO {aside}"))?;
    transaction.batch_execute(&format!("CREATE SCHEMA {live} AUTHORIZATION {}", quote_identifier(&schema.owner)))?;
    for grant in &schema.grants {
        transaction.batch_execute(grant)?;
    }
    if let Some(comment) = &schema.comment {
        transaction.batch_execute(&format!("COMMENT ON SCHEMA {live} IS {}", quote_literal(comment)))?;
    }
    for extension in &schema.extensions {
        transaction.batch_execute(&format!("ALTER EXTENSION {} SET SCHEMA {live}", quote_identifier(extension)))?;
    }
    Ok(())
}

/// Lets the planner know the restored tables: statistics are in no dump.
fn analyze(transaction: &mut Transaction<'_>, work: &Work<'_>) -> Result<()> {
    for table in work.archive.manifest().rows_by_table().into_keys() {
        work.guard.check()?;
        let quoted = table.quoted();
        let analyzed = transaction.batch_execute(&format!("ANALYZE {quoted}")).map_err(Failure::from);
        analyzed.explain(|| format!("could not analyse {table}"))?;
    }
    Ok(())
}
