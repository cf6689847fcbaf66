//! The rows of one block, from the backup into its table.

use std::io::{Read as _, Write as _};
use std::sync::atomic::Ordering;

use postgres::Client;

use super::job::Shared;
use crate::backup::manifest::Table;
use crate::backup::snapshot::Relation;
use crate::database::Failure;
use crate::error::{Error, Explain as _, Result};

/// From this size on, rows are copied into a new file of their own: no write-ahead log where none is needed, and no
/// visibility to be settled later.
const LARGE: u64 = 1024 * 1024;
/// Bytes sent at once.
const CHUNK: usize = 128 * 1024;
/// The line that ends the rows, `\.`, which the protocol says in another way.
const END: u64 = 3;

/// Copies block `block` of the archive by the dump's own statement.
///
/// # Errors
/// The server's own; if it takes another number of rows than were dumped.
pub(super) fn copy(statement: &str, block: usize, client: &mut Client, shared: &Shared) -> Result<()> {
    let tables = &shared.archive.manifest().tables;
    let table = tables.get(block).ok_or_else(|| Error::failed(super::unreadable()))?;
    let name = table.name.to_string();
    let failed = || format!("could not restore the rows of table {name}");
    let relation = Relation::named(&table.name);
    if shared.options.lacking && !relation.exists(client)? {
        return Ok(());
    }
    let once = tables.iter().filter(|other| other.name == table.name).count() == 1;
    // an extension's own table has rows already
    let afresh = table.length >= LARGE && once && relation.count(client)? == 0;
    let frozen = statement.trim_end().strip_suffix(';').filter(|_| afresh).map(|copy| format!("{copy} WITH (FREEZE)"));
    if frozen.is_some() {
        let truncate = client.batch_execute(&format!("BEGIN; TRUNCATE ONLY {}", relation.quoted()));
        truncate.map_err(Failure::from).explain(failed)?;
    }
    let taken = rows(frozen.as_deref().unwrap_or(statement), table, client, shared, &failed)?;
    if frozen.is_some() {
        client.batch_execute("COMMIT").map_err(Failure::from).explain(failed)?;
    }
    if taken == table.rows {
        return Ok(());
    }
    Err(Error::failed("the backup is not restored as it was dumped")
        .because(format!("the server took {taken} rows of table {name}, where {} were dumped", table.rows)))
}

/// Sends the rows of a block to a `COPY` statement; gives how many the server took.
pub(super) fn rows(
    statement: &str,
    table: &Table,
    client: &mut Client,
    shared: &Shared,
    failed: &dyn Fn() -> String,
) -> Result<u64> {
    let mut source = shared.archive.read(table.offset, table.offset + table.length.saturating_sub(END))?;
    let mut writer = client.copy_in(statement).map_err(Failure::from).explain(failed)?;
    let mut chunk = vec![0; CHUNK];
    loop {
        shared.check()?;
        let count = match source.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error).explain(super::unreadable),
        };
        // the server's own words are in the end's error
        if writer.write_all(&chunk[..count]).is_err() {
            let error = Error::failed(failed());
            return Err(match writer.finish() {
                Err(failure) => error.because(Failure::from(failure)),
                Ok(_) => error,
            });
        }
        shared.bytes.fetch_add(count as u64, Ordering::Relaxed);
    }
    writer.finish().map_err(Failure::from).explain(failed)
}
