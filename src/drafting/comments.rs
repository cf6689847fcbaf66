//! A migration whose comments alone have changed since it was applied: an accepting line, say, that a person was asked for.
//! Prisma compares checksums, and would want a development database reset.

use std::ops::Range;
use std::path::Path;

use crate::database::{DatabaseUrl, History, connect};
use crate::engine::MigrationsList;
use crate::error::{Error, Result};
use crate::project::Migration;
use crate::project::migrations::checksum_matches;
use crate::review::lost;
use crate::sql::tokens::tokens;
use crate::target::Target;
use crate::tools::git;

/// Every combination of as many comments is tried.
const COMMENTS: usize = 12;

/// Brings the checksums of such migrations up to date in a development database's history. Gives their names.
///
/// # Errors
/// Exit status 1 if the history cannot be read or written.
pub fn renew_checksums(url: &DatabaseUrl, migrations: &[Migration]) -> Result<Vec<String>> {
    // where the database does not answer, Prisma says so in a moment
    let Ok(mut client) = connect(url, "prisma-safe migrate dev") else { return Ok(Vec::new()) };
    let Some(history) = History::read(&mut client, &url.schema())? else { return Ok(Vec::new()) };
    let mut renewed = Vec::new();
    for name in history.compare(migrations).edited {
        let Some(migration) = migrations.iter().find(|migration| migration.name == name) else { continue };
        let rows = history.applied(&name);
        if rows.iter().all(|checksum| only_comments_differ(checksum, migration)) {
            History::renew(&mut client, &url.schema(), migration)?;
            renewed.push(name);
        }
    }
    Ok(renewed)
}

/// Refuses to go on where the folder holds nothing of what the database has applied: Prisma would want it reset.
///
/// # Errors
/// Exit status 3 then; 1 if the history cannot be read.
pub fn refuse_lost_folder(target: &Target, list: &MigrationsList, root: &Path) -> Result<()> {
    let url = &target.url;
    let Ok(mut client) = connect(url, "prisma-safe migrate dev") else { return Ok(()) };
    let Some(history) = History::read(&mut client, &url.schema())? else { return Ok(()) };
    match lost::folder(&history.compare(&list.migrations), &list.directory, root) {
        Some(lost) => Err(Error::refused(lost.message).because("Prisma would want the database reset").help(
            match target.production {
                true => lost.help,
                false => format!("{}\nif the database's data may go: prisma-safe migrate reset", lost.help),
            },
        )),
        None => Ok(()),
    }
}

/// What is said instead of Prisma's advice to reset a database, where that is production. `why` is Prisma's reason.
pub fn no_reset(target: &Target, why: &str) -> Error {
    let place = target.url.identity();
    Error::refused(format!("{place} is production ({}), and differs from what the migrations make", target.because))
        .because(why.trim())
        .help(
            "nothing was changed, and no migration was drafted. Draft against another database (--url, --env, DATABASE_URL), and \
             bring what was changed by hand into a migration: write its SQL, then tell Prisma that it is applied: prisma-safe \
             migrate resolve --applied NAME. A migration that was edited after it was applied: bring the file back as it was",
        )
}

/// Whether a text with this checksum, of the same statements, is known: what is committed, or the file without some comments.
fn only_comments_differ(checksum: &str, migration: &Migration) -> bool {
    let sql = &migration.sql;
    if let Some(committed) = git::committed(&migration.path).filter(|text| checksum_matches(checksum, text)) {
        return same_statements(&committed, sql);
    }
    let script = sql.script();
    let comments: Vec<Range<usize>> =
        script.comments().iter().map(|comment| with_its_line(sql, &comment.range)).take(COMMENTS).collect();
    (1_u32..1 << comments.len()).any(|chosen| {
        let mut text = sql.to_string();
        for (at, range) in comments.iter().enumerate().rev() {
            if chosen & (1 << at) != 0 {
                text.replace_range(range.clone(), "");
            }
        }
        checksum_matches(checksum, &text)
    })
}

/// A comment that stands alone takes its line along, one behind something else the blanks before it.
fn with_its_line(sql: &str, comment: &Range<usize>) -> Range<usize> {
    let (before, after) = (&sql[..comment.start], &sql[comment.end..]);
    let head = before.trim_end_matches([' ', '\t']);
    let alone = (head.is_empty() || head.ends_with('\n')) && (after.is_empty() || after.starts_with(['\r', '\n']));
    if alone {
        let end = after.find('\n').map_or(sql.len(), |at| comment.end + at + 1);
        return head.len()..end;
    }
    if after.is_empty() || after.starts_with(['\r', '\n']) { head.len()..comment.end } else { comment.clone() }
}

/// Whether two texts differ in comments and blanks alone.
fn same_statements(one: &str, other: &str) -> bool {
    let read = |text: &str| tokens(text).iter().map(|token| (token.kind, token.text.to_owned())).collect::<Vec<_>>();
    read(one) == read(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::migrations::checksum;

    #[test]
    fn only_comments_may_differ() {
        let applied = "-- AlterTable\nALTER TABLE \"Doc\" DROP COLUMN \"note\";\n";
        let differs = |sql: &str| {
            let migration = Migration { name: "m".into(), path: "/nowhere/m/migration.sql".into(), sql: sql.into() };
            only_comments_differ(&checksum(applied), &migration)
        };
        assert!(differs(
            "-- prisma-safe:allow drop-column(Doc.note): old\n-- AlterTable\nALTER TABLE \"Doc\" DROP COLUMN \"note\";\n"
        ));
        assert!(differs("-- AlterTable\n-- why\n  -- and more\nALTER TABLE \"Doc\" DROP COLUMN \"note\"; -- gone\n"));
        assert!(!differs("-- AlterTable\nALTER TABLE \"Doc\" DROP COLUMN \"notes\";\n"));
        assert!(!differs("-- AlterTable\n"));
        assert!(same_statements("a /* b */ c", "a c -- d") && !same_statements("a 'b'", "a b"));
    }
}
