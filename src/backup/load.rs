//! Loading a dump into a database: our own, not psql, which would run whatever commands a dump holds.

use std::collections::BTreeSet;
use std::io::{Read, Write as _};

use postgres::Client;
use postgres::error::SqlState;

use super::pieces::{Piece, Pieces};
use super::scan::TableName;
use crate::database::Failure;
use crate::error::{Error, Explain as _, Result};
use crate::sql::quote_identifier;

/// Longest part of a statement that an error shows, in characters.
const SHOWN: usize = 120;

/// Tables and the rows that the server took, in the order of the dump.
pub(super) type Loaded = Vec<(TableName, u64)>;

/// Loads a dump into an empty database of a scratch server, where missing roles are created, and tablespaces of the
/// original do not matter. `show` is told the bytes that are done and the table at hand.
///
/// # Errors
/// The server's own, with the statement; a table that takes another number of rows than the dump holds.
pub(super) fn load(source: impl Read, client: &mut Client, mut show: impl FnMut(u64, &str)) -> Result<Loaded> {
    let mut pieces = Pieces::new(source);
    let mut roles = BTreeSet::new();
    let mut loaded = Loaded::new();
    while let Some(piece) = pieces.next().explain(unreadable)? {
        show(pieces.position(), "");
        match piece {
            Piece::Statement(statement) => run(&text(&statement)?, client, &mut roles)?,
            Piece::Copy { statement, table } => {
                let rows = copy(&text(&statement)?, &table, client, &mut pieces, &mut show)?;
                loaded.push((table, rows));
            }
            Piece::Rows(_) | Piece::RowsEnd { .. } => return Err(Error::failed(unreadable())),
        }
    }
    Ok(loaded)
}

fn copy(
    statement: &str,
    table: &TableName,
    client: &mut Client,
    pieces: &mut Pieces<impl Read>,
    show: &mut impl FnMut(u64, &str),
) -> Result<u64> {
    let name = table.to_string();
    let failed = || format!("could not restore the rows of table {name}");
    let mut writer = client.copy_in(statement).map_err(Failure::from).explain(failed)?;
    loop {
        match pieces.next().explain(unreadable)? {
            Some(Piece::Rows(rows)) => {
                // the server's own words are in the end's error
                if writer.write_all(&rows).is_err() {
                    let error = Error::failed(failed());
                    return Err(match writer.finish() {
                        Err(failure) => error.because(Failure::from(failure)),
                        Ok(_) => error,
                    });
                }
                show(pieces.position(), &name);
            }
            Some(Piece::RowsEnd { rows }) => {
                let taken = writer.finish().map_err(Failure::from).explain(failed)?;
                if taken == rows {
                    return Ok(taken);
                }
                return Err(Error::failed(failed()).because(format!("the server took {taken} of {rows} rows")));
            }
            _ => return Err(Error::failed(unreadable())),
        }
    }
}

/// Runs a statement; roles that it names are created when they are missing.
fn run(statement: &str, client: &mut Client, roles: &mut BTreeSet<String>) -> Result<()> {
    let statement = statement.trim();
    if statement.starts_with("SET default_tablespace = ") {
        return Ok(());
    }
    loop {
        let Err(error) = client.batch_execute(statement) else { return Ok(()) };
        let undefined = error.code() == Some(&SqlState::UNDEFINED_OBJECT);
        // a newer pg_dump sets what an older server does not know
        if undefined && statement.starts_with("SET ") {
            return Ok(());
        }
        let failure = Failure::from(error);
        let role = missing_role(&failure.message).filter(|_| undefined).map(ToOwned::to_owned);
        match role {
            Some(role) if roles.insert(role.clone()) => {
                // a superuser: the original's own rights are not in the dump, and a refresh runs as the view's owner
                let created = client
                    .batch_execute(&format!("CREATE ROLE {} SUPERUSER", quote_identifier(&role)))
                    .map_err(Failure::from);
                created.explain(|| format!("could not create the role {role}"))?;
            }
            _ => {
                return Err(
                    Error::failed(format!("the backup cannot be restored: {}", shortened(statement))).because(failure)
                );
            }
        }
    }
}

/// The role of `role "music" does not exist`.
fn missing_role(message: &str) -> Option<&str> {
    message.strip_prefix("role \"")?.strip_suffix("\" does not exist")
}

/// The beginning of a statement, on one line.
fn shortened(statement: &str) -> String {
    let line = statement.split_whitespace().collect::<Vec<_>>().join(" ");
    console::truncate_str(&line, SHOWN, "…").into_owned()
}

fn text(statement: &[u8]) -> Result<String> {
    String::from_utf8(statement.to_vec()).explain(|| "a statement of the dump is not in UTF-8".into())
}

fn unreadable() -> String {
    "could not read the dump".into()
}
