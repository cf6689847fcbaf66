//! Which migrations are rolled back, newest first.

use crate::database::History;
use crate::database::history::{Row, State};
use crate::error::{Error, Result};
use crate::project::Migration;

/// A migration to roll back.
#[derive(Debug)]
pub struct Chosen {
    pub migration: Migration,
    /// Its row in the history.
    pub row: Row,
    /// The applied migrations before it, in the order they were applied.
    pub earlier: Vec<Migration>,
}

/// Finds the named migration, else the failed one, else the one applied last; and those applied after it.
///
/// # Errors
/// Exit status 2 for a migration that is not applied; 3 where later ones stand in the way, or a file is gone.
pub fn choose(
    named: Option<&str>,
    with_later: bool,
    history: &History,
    migrations: &[Migration],
) -> Result<Vec<Chosen>> {
    // in the order they were begun; a failed one is the last thing that happened
    let rows: Vec<&Row> = history.rows.iter().filter(|row| row.state() != State::RolledBack).collect();
    let at = match named {
        Some(named) => rows.iter().rposition(|row| is_called(&row.name, named)).ok_or_else(|| unknown(named, &rows))?,
        None => {
            let failed = rows.iter().rposition(|row| row.state() == State::Failed);
            let last = failed.or_else(|| rows.len().checked_sub(1));
            last.ok_or_else(|| Error::usage("no migration is applied to this database"))?
        }
    };
    let later: Vec<&str> = rows[at + 1..].iter().rev().map(|row| row.name.as_str()).collect();
    if !later.is_empty() && !with_later {
        return Err(Error::refused(format!("{} migrations were applied after {}", later.len(), rows[at].name))
            .because(later.join("\n"))
            .help(format!(
                "they build on it. Take them back with it, newest first: prisma-safe rollback {} --with-later",
                rows[at].name
            )));
    }
    if let Some(row) = rows[at..].iter().find(|row| is_only_marked(row, history)) {
        return Err(Error::refused(format!(
            "{} was only marked as applied: none of its statements was run here",
            row.name
        ))
        .because("what it describes was there before, so its reverse would take away what it never made")
        .help(
            "to make it pending again, delete its row in _prisma_migrations; to take away what it describes, write a \
                 migration that does",
        ));
    }
    (at..rows.len()).rev().map(|at| chosen(rows[at], &rows[..at], migrations)).collect()
}

/// Whether it was never tried. What failed half-way and was then marked is another matter: it did run.
fn is_only_marked(row: &Row, history: &History) -> bool {
    let tries = history.rows.iter().filter(|other| other.name == row.name).count();
    row.marked && row.state() == State::Applied && tries == 1
}

fn chosen(row: &Row, before: &[&Row], migrations: &[Migration]) -> Result<Chosen> {
    let find = |name: &str| migrations.iter().find(|migration| migration.name == name);
    let Some(migration) = find(&row.name) else {
        return Err(Error::refused(format!("the directory of {} is gone, and its reverse with it", row.name))
            .help("bring it back from version control, or restore a backup: prisma-safe restore"));
    };
    let applied = before.iter().filter(|earlier| earlier.state() == State::Applied && earlier.name != row.name);
    let earlier = applied.filter_map(|earlier| find(&earlier.name)).cloned().collect();
    Ok(Chosen { migration: migration.clone(), row: row.clone(), earlier })
}

/// By its name, or by the part of it behind the time.
fn is_called(name: &str, called: &str) -> bool {
    let called = called.trim_end_matches('/').rsplit('/').next().unwrap_or(called);
    name == called || name.split_once('_').is_some_and(|(_, rest)| rest == called)
}

fn unknown(named: &str, rows: &[&Row]) -> Error {
    let newest: Vec<&str> = rows.iter().rev().take(3).map(|row| row.name.as_str()).collect();
    Error::usage(format!("no migration `{named}` is applied to this database")).help(if newest.is_empty() {
        "none is".to_owned()
    } else {
        format!("the last ones are: {}", newest.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, finished: bool, rolled_back: bool) -> Row {
        let time = |set: bool| set.then(|| "2025-01-21 12:00:00 UTC".to_owned());
        Row {
            id: name.into(),
            name: name.into(),
            checksum: String::new(),
            started_at: "2025-01-21 12:00:00 UTC".into(),
            finished_at: time(finished),
            rolled_back_at: time(rolled_back),
            logs: None,
            marked: false,
        }
    }

    fn names(named: Option<&str>, with_later: bool, rows: &[(&str, bool, bool)]) -> Result<Vec<String>> {
        let history = History { rows: rows.iter().map(|(name, done, back)| row(name, *done, *back)).collect() };
        let folder: Vec<Migration> = ["1_a", "2_b", "3_c"]
            .iter()
            .map(|name| Migration { name: (*name).into(), path: (*name).into(), sql: "".into() })
            .collect();
        let chosen = choose(named, with_later, &history, &folder)?;
        Ok(chosen.into_iter().map(|each| format!("{}<{}", each.migration.name, each.earlier.len())).collect())
    }

    #[test]
    fn what_nobody_ever_ran_is_not_reversed() {
        let folder = [Migration { name: "1_a".into(), path: "1_a".into(), sql: "".into() }];
        let marked = Row { marked: true, ..row("1_a", true, false) };
        let only = choose(None, false, &History { rows: vec![marked.clone()] }, &folder).unwrap_err();
        assert_eq!(only.to_string(), "1_a was only marked as applied: none of its statements was run here");
        // after a try that failed half-way
        let tried = History { rows: vec![row("1_a", false, true), marked] };
        assert_eq!(choose(None, false, &tried, &folder).unwrap().len(), 1);
    }

    #[test]
    fn the_failed_one_else_the_last() {
        let applied = [("1_a", true, false), ("2_b", true, false), ("3_c", true, true)];
        assert_eq!(names(None, false, &applied).unwrap(), ["2_b<1"]);
        assert_eq!(names(Some("a"), true, &applied).unwrap(), ["2_b<1", "1_a<0"]);
        let failed = [("1_a", true, false), ("2_b", false, false)];
        assert_eq!(names(None, false, &failed).unwrap(), ["2_b<1"]);
    }

    #[test]
    fn what_stands_in_the_way_is_listed() {
        let applied = [("1_a", true, false), ("2_b", true, false)];
        let error = names(Some("1_a"), false, &applied).unwrap_err();
        assert_eq!(error.exit(), crate::exit::Exit::Refused);
        assert!(error.causes().join("").contains("2_b") && error.help_text().unwrap().contains("--with-later"));
        assert_eq!(names(Some("4_d"), false, &applied).unwrap_err().exit(), crate::exit::Exit::Usage);
        assert_eq!(names(None, false, &[]).unwrap_err().exit(), crate::exit::Exit::Usage);
        assert_eq!(names(None, false, &[("0_gone", true, false)]).unwrap_err().exit(), crate::exit::Exit::Refused);
    }
}
