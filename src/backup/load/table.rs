//! One table of a backup alone, into a schema of a database that is in use: to look at it beside the live one.

use std::sync::Arc;

use postgres::Client;

use super::job::Shared;
use super::{Options, copy, statement_text, unreadable};
use crate::backup::archive::Archive;
use crate::backup::pieces::{Piece, Pieces};
use crate::backup::scan::{TableName, identifier};
use crate::database::{self, DatabaseUrl, Failure};
use crate::error::{Error, Explain as _, Result};
use crate::sql::{quote_identifier, quote_qualified};
use crate::ui::progress::Position;

/// Where one table goes.
#[derive(Debug, Clone, Copy)]
pub struct Destination<'a> {
    pub url: &'a DatabaseUrl,
    /// Created where it is missing; must not hold a table of the name.
    pub schema: &'a str,
}

/// Loads the rows of one table into a new table of the same name in another schema; gives how many. Columns, their types,
/// defaults and checks are the dump's; keys, indexes, triggers and rights are not brought. All or nothing.
///
/// # Errors
/// If the backup does not hold the table, or the server refuses: a type of its columns may be gone, say.
pub fn table(
    archive: &Archive,
    name: &TableName,
    to: Destination<'_>,
    watch: &mut dyn FnMut(Position<'_>) -> Result<()>,
) -> Result<u64> {
    let (create, copies) = find(archive, name)?;
    let target = quote_qualified(to.schema, &name.name);
    let mut client = database::connect(to.url, "prisma-safe restore")?;
    let shared = Arc::new(Shared::new(archive, to.url, &Options::live()));
    let failed = || format!("could not bring table {name} to {target}");
    let mut begin = |statement: &str| client.batch_execute(statement).map_err(Failure::from).explain(failed);
    begin("BEGIN; SET LOCAL search_path = ''; SET LOCAL check_function_bodies = false; SET LOCAL row_security = off")?;
    begin(&format!("CREATE SCHEMA IF NOT EXISTS {}", quote_identifier(to.schema)))?;
    begin(&create.renamed(&target))?;
    let (mut taken, mut expected) = (0, 0);
    for (block, statement) in copies {
        let Some(table) = archive.manifest().tables.get(block) else { continue };
        let position = Position { fraction: 0.0, bytes: table.offset, tables: None, current: &table.name.name };
        watch(position)?;
        taken += copy::rows(&statement.renamed(&target), table, &mut client, &shared, &failed)?;
        expected += table.rows;
    }
    if taken != expected {
        return Err(Error::failed(failed()).because(format!("the server took {taken} of {expected} rows")));
    }
    commit(&mut client, &failed)?;
    Ok(taken)
}

fn commit(client: &mut Client, failed: &dyn Fn() -> String) -> Result<()> {
    client.batch_execute("COMMIT").map_err(Failure::from).explain(failed)
}

/// A statement around a table's name.
struct Around {
    before: &'static str,
    after: String,
}

impl Around {
    /// The statement for another table.
    fn renamed(&self, target: &str) -> String {
        format!("{}{target}{}", self.before, self.after)
    }
}

/// The statement that creates the table, and those that copy rows into it, with the places of their blocks.
fn find(archive: &Archive, name: &TableName) -> Result<(Around, Vec<(usize, Around)>)> {
    let mut pieces = Pieces::new(archive.read_script()?);
    let (mut create, mut copies, mut block) = (None, Vec::new(), 0);
    while let Some(piece) = pieces.next().explain(unreadable)? {
        match piece {
            Piece::Statement(text) if create.is_none() => {
                create = ["CREATE TABLE ", "CREATE UNLOGGED TABLE "]
                    .into_iter()
                    .find_map(|before| after(text.trim_ascii(), before, name))
                    .map(|after| Around { before: "CREATE TABLE ", after });
            }
            Piece::Copy { statement, table } => {
                if table == *name {
                    let statement = statement_text(statement)?;
                    let after =
                        after(statement.as_bytes(), "COPY ", name).ok_or_else(|| Error::failed(unreadable()))?;
                    copies.push((block, Around { before: "COPY ", after }));
                }
                block += 1;
            }
            _ => {}
        }
    }
    if create.as_ref().is_some_and(|create: &Around| create.after.contains("\nINHERITS (")) {
        return Err(Error::failed(format!(
            "table {name} inherits columns from another one and cannot be brought alone"
        ))
        .help("restore the whole backup into another database: prisma-safe restore FILE --into URL"));
    }
    let create = create.ok_or_else(|| {
        Error::failed(format!("the backup {} holds no table {name}", archive.manifest().file))
            .help("`backup verify` reads it again; its manifest names its tables")
    })?;
    Ok((create, copies))
}

/// What follows the table's name in a statement that begins with `before` and it.
fn after(text: &[u8], before: &str, name: &TableName) -> Option<String> {
    let (schema, rest) = identifier(text.strip_prefix(before.as_bytes())?)?;
    let (table, rest) = identifier(rest.strip_prefix(b".")?)?;
    (TableName::from_bytes(&schema, &table) == *name).then(|| String::from_utf8_lossy(rest).into_owned())
}
