//! The dump, statement by statement, in the transaction of the swap.

use std::io::Write as _;

use postgres::Transaction;

use super::super::super::load::{Kind, kind};
use super::super::super::pieces::{Piece, Pieces};
use super::super::Work;
use super::census::{Census, created};
use crate::database::Failure;
use crate::error::{Error, Explain as _, Result};
use crate::guard::dump::is_own;
use crate::sql::quote_identifier;
use crate::ui::progress::{Position, Progress};

/// Longest part of a statement that an error shows, in characters.
const SHOWN: usize = 120;

/// Loads the whole dump.
///
/// # Errors
/// The server's own, with the statement.
pub(super) fn load(transaction: &mut Transaction<'_>, census: &Census, stamp: &str, work: &Work<'_>) -> Result<()> {
    for publication in &census.publications {
        let aside = super::named(&format!("{}{stamp}_{publication}", super::ASIDE), "");
        let rename =
            format!("ALTER PUBLICATION {} RENAME TO {}", quote_identifier(publication), quote_identifier(&aside));
        run(transaction, &rename)?;
    }
    let mut progress = Progress::start(work.shell, "Restoring");
    let total = work.archive.manifest().bytes.max(1);
    let mut show = |bytes: u64, current: &str| {
        #[expect(clippy::cast_precision_loss, reason = "for the eye")]
        let fraction = bytes as f64 / total as f64;
        progress.show(Position { fraction, bytes, tables: None, current });
        work.guard.check()
    };
    let mut bytes = 0;
    let unreadable = || "could not read the dump".to_owned();
    let mut pieces = Pieces::new(work.archive.read_all()?);
    while let Some(piece) = pieces.next().explain(unreadable)? {
        work.guard.check()?;
        match piece {
            Piece::Statement(text) => {
                let text = String::from_utf8(text).explain(|| "a statement of the dump is not in UTF-8".into())?;
                let text = text.trim();
                if wanted(text, census, work) {
                    run(transaction, text)?;
                }
            }
            Piece::Copy { statement, table } => {
                let statement = String::from_utf8(statement).explain(unreadable)?;
                let failed = || format!("could not restore the rows of table {table}; nothing was changed");
                let mut writer = transaction.copy_in(statement.trim()).map_err(Failure::from).explain(failed)?;
                let rows = loop {
                    match pieces.next().explain(unreadable)? {
                        Some(Piece::Rows(rows)) => {
                            bytes += rows.len() as u64;
                            show(bytes, &table.name)?;
                            if writer.write_all(&rows).is_err() {
                                break 0;
                            }
                        }
                        Some(Piece::RowsEnd { rows }) => break rows,
                        _ => return Err(Error::failed(unreadable())),
                    }
                };
                let taken = writer.finish().map_err(Failure::from).explain(failed)?;
                if taken != rows {
                    return Err(Error::failed(failed()).because(format!("the server took {taken} of {rows} rows")));
                }
            }
            Piece::Rows(_) | Piece::RowsEnd { .. } => return Err(Error::failed(unreadable())),
        }
    }
    Ok(())
}

/// Whether a statement of the dump is run here.
fn wanted(text: &str, census: &Census, work: &Work<'_>) -> bool {
    if is_own(text) {
        return false;
    }
    if let Some(schema) = created(text.as_bytes(), "CREATE SCHEMA ") {
        return !census.schemas.iter().any(|standing| standing.name == schema);
    }
    // on a host's server extensions belong to the host
    if text.starts_with("COMMENT ON EXTENSION ") {
        return false;
    }
    match kind(text) {
        Kind::Owner | Kind::Privilege => work.owners,
        // a newer pg_dump sets what an older server does not know; a timeout of the session would end us
        Kind::Setting(name) => census.settings.contains(&name) && !name.ends_with("_timeout"),
        _ => true,
    }
}

fn run(transaction: &mut Transaction<'_>, statement: &str) -> Result<()> {
    let done = transaction.batch_execute(statement).map_err(Failure::from);
    done.map_err(|failure| {
        let line = statement.split_whitespace().collect::<Vec<_>>().join(" ");
        let shown = console::truncate_str(&line, SHOWN, "…").into_owned();
        let role = failure.message.contains("role");
        let error = Error::failed(format!("the backup cannot be restored: {shown}")).because(failure);
        if role { error.help("nothing was changed; restore without owners and rights: --no-owner") } else { error }
    })
}
