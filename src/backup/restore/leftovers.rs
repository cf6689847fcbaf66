//! Databases that a killed restore left on the server: found by name and mark, and only ours.

use postgres::Client;

use super::target::texts;
use crate::database::Failure;
use crate::error::{Error, Explain as _, Result};
use crate::sql::{quote_identifier, quote_literal};
use crate::ui::Shell;

/// Between the live database's name and the run's number.
const BESIDE: &str = "_ps_restore_";
/// Between the live database's name and the time when it was set aside.
const ASIDE: &str = "_old_";
/// How the comment begins that says whose a database is.
const MARK: &str = "prisma-safe: ";
/// Digits of a run's number.
const DIGITS: usize = 12;

/// The name of the database that run `id` loads into.
pub(super) fn beside(name: &str, id: &str) -> String {
    super::named(name, &format!("{BESIDE}{id}"))
}

/// The name under which the live database is kept.
pub(super) fn aside(name: &str, stamp: &str) -> String {
    super::named(name, &format!("{ASIDE}{stamp}"))
}

/// The statement that marks a database as ours.
pub(super) fn mark(name: &str, text: &str) -> String {
    let comment = quote_literal(&format!("{MARK}{text}"));
    format!("COMMENT ON DATABASE {} IS {comment}", quote_identifier(name))
}

/// The right to restore to a database: one run at a time. The server gives it back however the run ends.
///
/// # Errors
/// If another one is at it.
pub(super) fn take_turn(desk: &mut Client, name: &str) -> Result<()> {
    let query = "SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtext('prisma-safe restore'), \
                 pg_catalog.hashtext($1))";
    let row = desk.query_one(query, &[&name]).map_err(Failure::from);
    let free: bool = row.explain(|| "could not ask whether another restore is running".into())?.get(0);
    if free {
        return Ok(());
    }
    Err(Error::failed(format!("another restore of the database {name} is running")).help("wait for it to end"))
}

/// Drops the databases that dead restores of `name` were loading into. Only with the turn: a running one looks the same.
pub(super) fn clean(desk: &mut Client, name: &str, shell: &Shell) -> Result<()> {
    let query = "SELECT datname::text, pg_catalog.shobj_description(oid, 'pg_database') FROM pg_catalog.pg_database \
                 WHERE NOT datistemplate AND datallowconn";
    let rows = desk.query(query, &[]).map_err(Failure::from);
    for row in rows.explain(|| "could not list the databases of the server".into())? {
        let (found, comment): (String, Option<String>) = (row.get(0), row.get(1));
        // killed between creating and marking it, its comment is missing and it is empty: not worth a risk
        if is_beside(&found, name) && comment.is_some_and(|comment| comment.starts_with(MARK)) {
            drop_database(desk, &found)?;
            shell.status("Cleaned", format_args!("up the database {found}, left by a restore that was cut short"));
        } else if is_beside(&found, name) {
            shell.note(format_args!("the database {found} looks like the beginning of a restore that was cut short"));
        }
    }
    Ok(())
}

/// Databases that restores have set aside, and are still there.
pub(super) fn kept(desk: &mut Client, name: &str) -> Result<Vec<String>> {
    let query = "SELECT datname::text FROM pg_catalog.pg_database \
                 WHERE pg_catalog.strpos(pg_catalog.shobj_description(oid, 'pg_database'), $1) > 0 ORDER BY 1";
    let marked = texts(desk.query(query, &[&MARK]))?;
    let stem = aside(name, "00000000_000000");
    let stem = stem.trim_end_matches(['0', '_']);
    Ok(marked.into_iter().filter(|found| found.starts_with(stem)).collect())
}

/// Drops one of our databases, and ends our sessions that are left in it.
pub(super) fn drop_database(desk: &mut Client, name: &str) -> Result<()> {
    let end = "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE datname = $1";
    // a session may be another role's; then the drop says so
    let _ = desk.execute(end, &[&name]);
    let dropped = desk.batch_execute(&format!("DROP DATABASE IF EXISTS {}", quote_identifier(name)));
    dropped.map_err(Failure::from).explain(|| format!("could not drop the database {name}"))
}

/// Whether this is the name of a database that a restore of `name` loads into.
fn is_beside(found: &str, name: &str) -> bool {
    let Some((stem, id)) = found.rsplit_once(BESIDE) else { return false };
    let number = id.len() == DIGITS && id.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    number && found == beside(name, id) && !stem.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_we_give_are_ours() {
        let ours = beside("music", "3f9a01c27be4");
        assert!(is_beside(&ours, "music"));
        for other in ["music_ps_restore_mine", "music_ps_restore_3F9A01C27BE4", "film_ps_restore_3f9a01c27be4", "music"]
        {
            assert!(!is_beside(other, "music"), "{other}");
        }
        let long = "x".repeat(63);
        assert!(is_beside(&beside(&long, "3f9a01c27be4"), &long));
    }
}
