//! Loading a dump into a database: our own, not psql, which would run whatever commands a dump holds.

use std::collections::BTreeSet;
use std::io::{Read, Write as _};

use postgres::Client;
use postgres::error::SqlState;

use super::manifest::Table;
use super::pieces::{Piece, Pieces};
use super::snapshot::Relation;
use crate::database::Failure;
use crate::error::{Error, Explain as _, Result};
use crate::sql::quote_identifier;

/// Longest part of a statement that an error shows, in characters.
const SHOWN: usize = 120;
/// Statements are sent together up to this many bytes: one transaction for many is much faster than one for each.
const BATCH: usize = 32 * 1024;
/// From this size on, rows are copied into a new file of their own: no write-ahead log, no visibility to be settled later.
const LARGE: u64 = 1024 * 1024;

/// Loads a dump into an empty database of a scratch server, where missing roles are created, and tablespaces of the
/// original do not matter. `tables` are the dump's, in its order; `show` is told the bytes that are done and the table at
/// hand.
///
/// # Errors
/// The server's own, with the statement; a dump with other tables or rows.
pub(super) fn load(
    source: impl Read,
    tables: &[Table],
    client: &mut Client,
    mut show: impl FnMut(u64, &str),
) -> Result<()> {
    let mut pieces = Pieces::new(source);
    let mut expected = tables.iter();
    let mut statements = Statements { client, roles: BTreeSet::new(), batch: String::new(), transaction: false };
    while let Some(piece) = pieces.next().explain(unreadable)? {
        show(pieces.position(), "");
        match piece {
            Piece::Statement(statement) => statements.push(&text(&statement)?)?,
            Piece::Copy { statement, table } => {
                statements.flush()?;
                let expected = expected.next().filter(|expected| expected.name == table);
                let expected = expected.ok_or_else(|| differs(format!("it holds rows of table {table}")))?;
                copy(&text(&statement)?, expected, statements.client, &mut pieces, &mut show)?;
            }
            Piece::Rows(_) | Piece::RowsEnd { .. } => return Err(Error::failed(unreadable())),
        }
    }
    statements.flush()?;
    match expected.next() {
        Some(missing) => Err(differs(format!("it holds no rows of table {}", missing.name))),
        None => Ok(()),
    }
}

fn copy(
    statement: &str,
    table: &Table,
    client: &mut Client,
    pieces: &mut Pieces<impl Read>,
    show: &mut impl FnMut(u64, &str),
) -> Result<()> {
    let name = table.name.to_string();
    let failed = || format!("could not restore the rows of table {name}");
    let relation = Relation::named(&table.name);
    // an extension's own table has rows already
    let afresh = table.length >= LARGE && relation.count(client)? == 0;
    let frozen = statement.trim_end().strip_suffix(';').filter(|_| afresh).map(|copy| format!("{copy} WITH (FREEZE)"));
    if frozen.is_some() {
        let truncate = client.batch_execute(&format!("BEGIN; TRUNCATE ONLY {}", relation.quoted()));
        truncate.map_err(Failure::from).explain(failed)?;
    }
    let statement = frozen.as_deref().unwrap_or(statement);
    let mut writer = client.copy_in(statement).map_err(Failure::from).explain(failed)?;
    let rows = loop {
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
            Some(Piece::RowsEnd { rows }) => break rows,
            _ => return Err(Error::failed(unreadable())),
        }
    };
    let taken = writer.finish().map_err(Failure::from).explain(failed)?;
    if frozen.is_some() {
        client.batch_execute("COMMIT").map_err(Failure::from).explain(failed)?;
    }
    if taken == rows && rows == table.rows {
        return Ok(());
    }
    Err(differs(format!("the server took {taken} of {rows} rows of table {name}, where {} were dumped", table.rows)))
}

/// Statements on their way to the server, many at a time.
struct Statements<'a> {
    client: &'a mut Client,
    /// Roles that were created.
    roles: BTreeSet<String>,
    batch: String,
    /// Within the dump's own `BEGIN … COMMIT`, around each large object.
    transaction: bool,
}

impl Statements<'_> {
    fn push(&mut self, statement: &str) -> Result<()> {
        let statement = statement.trim();
        if statement.starts_with("SET default_tablespace = ") {
            return Ok(());
        }
        if statement == "BEGIN;" || self.transaction {
            self.flush()?;
            self.transaction = statement != "COMMIT;";
            return self.run(statement);
        }
        self.batch.push_str(statement);
        self.batch.push('\n');
        if self.batch.len() < BATCH { Ok(()) } else { self.flush() }
    }

    /// Sends what is waiting. Nothing of it remains if one statement fails: then each is sent by itself.
    fn flush(&mut self) -> Result<()> {
        let batch = std::mem::take(&mut self.batch);
        if batch.is_empty() || self.client.batch_execute(&batch).is_ok() {
            return Ok(());
        }
        let mut pieces = Pieces::new(batch.as_bytes());
        while let Some(Piece::Statement(statement)) = pieces.next().explain(unreadable)? {
            self.run(text(&statement)?.trim())?;
        }
        Ok(())
    }

    /// Runs a statement; roles that it names are created when they are missing.
    fn run(&mut self, statement: &str) -> Result<()> {
        loop {
            let Err(error) = self.client.batch_execute(statement) else { return Ok(()) };
            let undefined = error.code() == Some(&SqlState::UNDEFINED_OBJECT);
            // a newer pg_dump sets what an older server does not know
            if undefined && statement.starts_with("SET ") {
                return Ok(());
            }
            let failure = Failure::from(error);
            match missing_role(&failure.message).filter(|_| undefined).map(ToOwned::to_owned) {
                Some(role) if self.roles.insert(role.clone()) => {
                    // a superuser: the original's own rights are not in the dump, and a refresh runs as the view's owner
                    let create = format!("CREATE ROLE {} SUPERUSER", quote_identifier(&role));
                    let created = self.client.batch_execute(&create).map_err(Failure::from);
                    created.explain(|| format!("could not create the role {role}"))?;
                }
                _ => return Err(refused(statement, failure)),
            }
        }
    }
}

/// The server's refusal, with the statement.
fn refused(statement: &str, failure: Failure) -> Error {
    let error = Error::failed(format!("the backup cannot be restored: {}", shortened(statement))).because(failure);
    if statement.starts_with("CREATE EXTENSION") {
        return error.help(
            "install this extension's package on this machine, or be content with backup.proof = \"read\" in prisma-safe.toml",
        );
    }
    error
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

fn differs(how: String) -> Error {
    Error::failed("the backup is not restored as it was dumped").because(how)
}

fn unreadable() -> String {
    "could not read the dump".into()
}
