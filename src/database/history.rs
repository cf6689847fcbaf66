//! Prisma's history: the table `_prisma_migrations` in the URL's schema.
//!
//! A name may have several rows: tries that were rolled back stay. The states are Prisma's own: a row that is neither finished
//! nor rolled back is a failed migration and stops Prisma (P3009); one that is rolled back counts for nothing.

use postgres::types::{ToSql, Type};
use postgres::{Client, GenericClient};

use super::failure::Failure;
use crate::error::{Explain as _, Result};
use crate::project::Migration;
use crate::project::migrations::checksum_matches;
use crate::sql::quote_qualified;

/// The table's name.
pub const TABLE: &str = "_prisma_migrations";

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// UUID, as text.
    pub id: String,
    /// The migration's directory name.
    pub name: String,
    /// SHA-256 of its text.
    pub checksum: String,
    /// `2025-01-21 12:00:00 UTC`
    pub started_at: String,
    /// The same form; none while it runs, and if it failed.
    pub finished_at: Option<String>,
    /// The same form.
    pub rolled_back_at: Option<String>,
    /// Prisma's error text of a failed try.
    pub logs: Option<String>,
    /// No statement of it was run: `prisma migrate resolve --applied` wrote the row.
    pub marked: bool,
}

/// What a row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Finished and not rolled back.
    Applied,
    /// Neither finished nor rolled back: failed, or running at this moment.
    Failed,
    /// Counts for nothing: the migration is pending again.
    RolledBack,
}

impl Row {
    /// What it says.
    pub fn state(&self) -> State {
        match (&self.finished_at, &self.rolled_back_at) {
            (_, Some(_)) => State::RolledBack,
            (Some(_), None) => State::Applied,
            (None, None) => State::Failed,
        }
    }
}

/// How far a migration came that is applied in sections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Sections that are applied.
    pub done: usize,
    /// All of them.
    pub of: usize,
    /// The next one, which runs alone, was begun: what became of it is not known.
    pub begun: bool,
}

impl Progress {
    /// As the row's logs keep it, for people and for the next deploy.
    pub fn note(self) -> String {
        let Self { done, of, begun } = self;
        let begun = if begun { format!("; section {} begun", done + 1) } else { String::new() };
        format!("prisma-safe: {done} of {of} sections applied{begun}")
    }

    fn read(logs: &str) -> Option<Self> {
        let line = logs.lines().next()?.strip_prefix("prisma-safe: ")?;
        let (counts, rest) = line.split_once(" sections applied")?;
        let (done, of) = counts.split_once(" of ")?;
        Some(Self { done: done.parse().ok()?, of: of.parse().ok()?, begun: rest.ends_with(" begun") })
    }
}

impl Row {
    /// How far it came, if it is applied in sections and not at its end yet.
    pub fn progress(&self) -> Option<Progress> {
        self.logs.as_deref().filter(|_| self.state() == State::Failed).and_then(Progress::read)
    }
}

/// The whole table, oldest row first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// Its rows.
    pub rows: Vec<Row>,
}

/// A project's migrations against a database's history.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// Not applied yet, in the folder's order. Those once rolled back are among them.
    pub pending: Vec<String>,
    /// Applied, in the order they were.
    pub applied: Vec<String>,
    /// Failed rows; each stops every deploy.
    pub failed: Vec<Row>,
    /// Applied, but the file has changed since.
    pub edited: Vec<String>,
    /// Applied, but no longer in the folder.
    pub missing: Vec<String>,
    /// Pending again after a try that was rolled back.
    pub rolled_back: Vec<String>,
}

impl History {
    /// Reads the table; `None` if there is none.
    ///
    /// # Errors
    /// The server's own, if it may not be read.
    pub fn read(client: &mut Client, schema: &str) -> Result<Option<Self>> {
        Self::fetch(client, schema).explain(|| format!("could not read the migration history in {schema}.{TABLE}"))
    }

    /// [`History::read`] with the server's own error.
    pub(crate) fn fetch(client: &mut impl GenericClient, schema: &str) -> Result<Option<Self>, Failure> {
        if !exists(client, schema)? {
            return Ok(None);
        }
        let time = |column| format!(r#"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"')"#);
        let columns = ["started_at", "finished_at", "rolled_back_at"].map(time).join(", ");
        let query = format!(
            "SELECT id::text, migration_name::text, checksum::text, {columns}, logs, applied_steps_count = 0 FROM {} \
             ORDER BY started_at, id",
            table(schema)
        );
        let rows = client.query_typed(&query, &[])?;
        let rows = rows.iter().map(|row| {
            Ok(Row {
                id: row.try_get(0)?,
                name: row.try_get(1)?,
                checksum: row.try_get(2)?,
                started_at: row.try_get(3)?,
                finished_at: row.try_get(4)?,
                rolled_back_at: row.try_get(5)?,
                logs: row.try_get::<_, Option<String>>(6)?.filter(|logs| !logs.is_empty()),
                marked: row.try_get(7)?,
            })
        });
        let rows = rows.collect::<Result<Vec<_>, postgres::Error>>()?;
        Ok(Some(Self { rows }))
    }

    /// The checksums of a migration's rows that count as applied.
    pub fn applied(&self, name: &str) -> Vec<&str> {
        let applied = self.rows.iter().filter(|row| row.name == name && row.state() == State::Applied);
        applied.map(|row| row.checksum.as_str()).collect()
    }

    /// Notes a migration's text as it is now.
    ///
    /// # Errors
    /// The server's own, if it may not be written.
    pub fn renew(client: &mut Client, schema: &str, migration: &Migration) -> Result<()> {
        let query = format!(
            "UPDATE {} SET checksum = $1 WHERE migration_name = $2 AND finished_at IS NOT NULL AND rolled_back_at IS NULL",
            table(schema)
        );
        let values: [(&(dyn ToSql + Sync), Type); 2] =
            [(&migration.checksum(), Type::VARCHAR), (&migration.name, Type::VARCHAR)];
        let done = client.query_typed(&query, &values).map_err(Failure::from);
        done.map(drop).explain(|| format!("could not write the migration history in {schema}.{TABLE}"))
    }

    /// Where a migration stands; `None` if no row names it. A failed row outweighs an applied one, as in Prisma.
    pub fn state(&self, name: &str) -> Option<State> {
        let states: Vec<State> = self.rows.iter().filter(|row| row.name == name).map(Row::state).collect();
        [State::Failed, State::Applied, State::RolledBack].into_iter().find(|state| states.contains(state))
    }

    /// The row of a migration that the next deploy goes on with: applied in sections, not at its end, and its file is the same.
    pub fn going_on(&self, migration: &Migration) -> Option<(&Row, Progress)> {
        let mut rows = self
            .rows
            .iter()
            .filter(|row| row.name == migration.name && checksum_matches(&row.checksum, &migration.sql));
        rows.find_map(|row| Some((row, row.progress()?)))
    }

    /// Compares with the folder's migrations, given in the order of their names.
    pub fn compare(&self, migrations: &[Migration]) -> Standing {
        let mut standing = Standing::default();
        for migration in migrations {
            let state = self.state(&migration.name);
            if !matches!(state, Some(State::Applied | State::Failed)) || self.going_on(migration).is_some() {
                standing.pending.push(migration.name.clone());
            }
            if state == Some(State::RolledBack) {
                standing.rolled_back.push(migration.name.clone());
            }
        }
        for row in &self.rows {
            match row.state() {
                State::RolledBack => {}
                State::Failed => {
                    let going_on =
                        |migration: &Migration| self.going_on(migration).is_some_and(|(own, _)| own.id == row.id);
                    if !migrations.iter().any(going_on) {
                        standing.failed.push(row.clone());
                    }
                }
                State::Applied if standing.applied.contains(&row.name) => {}
                State::Applied => {
                    standing.applied.push(row.name.clone());
                    match migrations.iter().find(|migration| migration.name == row.name) {
                        None => standing.missing.push(row.name.clone()),
                        Some(migration) if !self.knows_text(migration) => standing.edited.push(row.name.clone()),
                        Some(_) => {}
                    }
                }
            }
        }
        standing
    }

    /// Whether a finished row was written for this very text.
    fn knows_text(&self, migration: &Migration) -> bool {
        let mut applied = self.rows.iter().filter(|row| row.name == migration.name && row.state() == State::Applied);
        applied.any(|row| checksum_matches(&row.checksum, &migration.sql))
    }
}

/// Whether the schema has a history table; asks the catalog, so no privilege on the schema is needed.
pub(crate) fn exists(client: &mut impl GenericClient, schema: &str) -> Result<bool, Failure> {
    let query = "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                 WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'f'))";
    Ok(client.query_typed_one(query, &[(&schema, Type::TEXT), (&TABLE, Type::TEXT)])?.try_get(0)?)
}

/// The table's qualified name, quoted.
pub(crate) fn table(schema: &str) -> String {
    quote_qualified(schema, TABLE)
}

/// The statement that creates the table as Prisma's engine does.
pub(crate) fn create(schema: &str) -> String {
    format!(
        "CREATE TABLE {} (
    id                  VARCHAR(36) PRIMARY KEY NOT NULL,
    checksum            VARCHAR(64) NOT NULL,
    finished_at         TIMESTAMPTZ,
    migration_name      VARCHAR(255) NOT NULL,
    logs                TEXT,
    rolled_back_at      TIMESTAMPTZ,
    started_at          TIMESTAMPTZ NOT NULL DEFAULT now(),
    applied_steps_count INTEGER NOT NULL DEFAULT 0
)",
        table(schema)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::migrations::checksum;

    fn migration(name: &str, sql: &str) -> Migration {
        Migration { name: name.into(), path: name.into(), sql: sql.into() }
    }

    fn row(name: &str, sql: &str, finished: bool, rolled_back: bool) -> Row {
        let time = |set: bool| set.then(|| "2025-01-21 12:00:00 UTC".to_owned());
        Row {
            id: "x".into(),
            name: name.into(),
            checksum: checksum(sql),
            started_at: "2025-01-21 12:00:00 UTC".into(),
            finished_at: time(finished),
            rolled_back_at: time(rolled_back),
            logs: None,
            marked: false,
        }
    }

    #[test]
    fn every_state_is_told_apart() {
        let history = History {
            rows: vec![
                row("1_applied", "a", true, false),
                row("2_retried", "b", false, true),
                row("2_retried", "b2", true, false),
                row("3_edited", "c", true, false),
                row("4_missing", "d", true, false),
                row("5_reverted", "e", true, true),
                row("6_failed", "f", false, false),
            ],
        };
        let folder = [
            ("1_applied", "a"),
            ("2_retried", "b2"),
            ("3_edited", "C"),
            ("5_reverted", "e"),
            ("6_failed", "f"),
            ("7_new", "g"),
        ]
        .map(|(name, sql)| migration(name, sql));
        let standing = history.compare(&folder);
        assert_eq!(standing.pending, ["5_reverted", "7_new"]);
        assert_eq!(standing.applied, ["1_applied", "2_retried", "3_edited", "4_missing"]);
        assert_eq!(standing.edited, ["3_edited"]);
        assert_eq!(standing.missing, ["4_missing"]);
        assert_eq!(standing.rolled_back, ["5_reverted"]);
        assert_eq!(standing.failed.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["6_failed"]);
        assert_eq!(history.state("0_unknown"), None);
    }

    #[test]
    fn a_failed_row_outweighs_an_applied_one() {
        let history = History { rows: vec![row("1", "a", true, false), row("1", "a", false, false)] };
        assert_eq!(history.state("1"), Some(State::Failed));
        assert_eq!(history.compare(&[migration("1", "a")]).failed.len(), 1);
    }

    #[test]
    fn without_rows_everything_is_pending() {
        let standing = History::default().compare(&[migration("1", "a"), migration("2", "b")]);
        assert_eq!(standing, Standing { pending: vec!["1".into(), "2".into()], ..Standing::default() });
    }
}
