//! Keeping what a migration destroys: the plan before a deploy, and the capsule inside the migration's own transaction.

use std::cell::Cell;
use std::fmt;
use std::ops::Range;
use std::time::{Duration, Instant};

use postgres::Client;
use postgres::types::Type;
use serde::{Deserialize, Serialize};

use super::capsule;
use super::capture::{self, Capture, Kind, Open, what};
use super::facts::Facts;
use super::losses::{Loss, Losses, Which, losses};
use crate::catalog::Catalog;
use crate::catalog::live::{Live, Without};
use crate::database::{Failure, history};
use crate::deploy::{Hook, Prepared};
use crate::error::{Explain as _, Result};
use crate::project::Migration;
use crate::rules::cost;
use crate::sql::{Script, quote_identifier};

/// How many bytes of values and how many rows a copy within the server writes in a second: a cautious guess for the plan. The
/// rehearsal measures it.
const BYTES_A_SECOND: u64 = 60 << 20;
const ROWS_A_SECOND: u64 = 400_000;
/// Of each row, besides its values.
const ROW_BYTES: u64 = 28;

/// One thing that will be kept, before it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Planned {
    /// `column Song.artist`
    pub what: String,
    /// By the server's estimate; none where it has none.
    pub rows: Option<u64>,
    pub bytes: Option<u64>,
    /// The table is moved away whole: no row is copied.
    pub moved: bool,
    /// Without a key, values are kept but cannot be put back by themselves.
    pub keyless: bool,
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if let Some(rows) = self.rows {
            write!(f, ": at most about {}", cost::rows(rows))?;
        }
        if self.moved {
            f.write_str(", moved aside as a whole")?;
        } else if let Some(bytes) = self.bytes {
            write!(f, ", {}", indicatif::DecimalBytes(bytes))?;
        }
        if self.keyless {
            f.write_str("; the table has no key, so the values can only be put back by hand")?;
        }
        Ok(())
    }
}

/// What will be kept of one migration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    pub planned: Vec<Planned>,
    /// Code whose effect is not known.
    pub unknown: Vec<String>,
    losses: Losses,
    /// The bytes of each statement in the file.
    statements: Vec<Range<usize>>,
}

impl Plan {
    /// Looks at what a migration destroys. `before` is the catalog before it; `client` may be asked for sizes.
    ///
    /// # Errors
    /// The server's own.
    pub fn of(client: &mut Client, migration: &Migration, before: &Catalog) -> Result<Self> {
        let script = Script::parse(migration.sql.as_str());
        let losses = losses(before, &script);
        let mut plan = || -> Result<Vec<Planned>, Failure> {
            client.batch_execute("BEGIN READ ONLY; SET LOCAL lock_timeout = '3s'")?;
            let planned = losses.losses.iter().map(|(_, loss)| planned(client, loss)).collect::<Result<Vec<_>, _>>();
            client.batch_execute("ROLLBACK")?;
            planned
        };
        let planned = plan().explain(|| format!("could not plan what to keep of {}", migration.name))?;
        let statements = script.statements().iter().map(|statement| statement.range.clone()).collect();
        Ok(Self { planned, unknown: losses.unknown.clone(), losses, statements })
    }

    /// Whether nothing is destroyed, as far as is known.
    pub fn is_empty(&self) -> bool {
        self.planned.is_empty()
    }

    /// Bytes that are copied, as far as they are known; a moved table counts for nothing.
    pub fn bytes(&self) -> u64 {
        self.copied().filter_map(|planned| planned.bytes).sum()
    }

    /// How long the copies take, about.
    pub fn time(&self) -> Duration {
        let rows: u64 = self.copied().filter_map(|planned| planned.rows).sum();
        let milliseconds = (self.bytes() * 1000 / BYTES_A_SECOND).max(rows * 1000 / ROWS_A_SECOND);
        Duration::from_millis(milliseconds)
    }

    /// `about 300 kB in an estimated 0.1 s, while the tables are locked`
    pub fn summary(&self) -> String {
        let unknown = self.copied().any(|planned| planned.bytes.is_none());
        if self.copied().next().is_none() {
            return "moved aside, nothing is copied".to_owned();
        }
        let size = indicatif::DecimalBytes(self.bytes());
        let least = if unknown { "at least " } else { "about " };
        format!("{least}{size} in an estimated {:.1} s, while the tables are locked", self.time().as_secs_f64())
    }

    fn copied(&self) -> impl Iterator<Item = &Planned> {
        self.planned.iter().filter(|planned| !planned.moved)
    }
}

/// What a loss is, for people.
pub fn what_of(loss: &Loss) -> String {
    what(capture::kind(loss), &loss.table().name, &loss.columns())
}

/// What of these losses holds anything just now, for people; large tables are estimated. `newer` are the captures of migrations
/// that are rolled back first: what they dropped is there again by then.
///
/// # Errors
/// The server's own.
pub fn held(client: &mut Client, losses: &Losses, newer: &[&Capture]) -> Result<Vec<String>, Failure> {
    let mut held = Vec::new();
    for (_, loss) in &losses.losses {
        let kind = capture::kind(loss);
        if !matches!(kind, Kind::Columns | Kind::Table | Kind::Deleted) {
            continue;
        }
        let kept = |column: Option<&String>| {
            let own = |capture: &&&Capture| {
                let holds = |column: &String| capture.columns.contains(column);
                capture.table() == *loss.table()
                    && match column {
                        Some(column) => matches!(capture.kind, Kind::Columns | Kind::Table) && holds(column),
                        None => capture.kind == Kind::Table,
                    }
            };
            newer.iter().find(own).map(|capture| capture.rows)
        };
        let Some(facts) = Facts::read(client, loss.table())? else {
            match kept(None) {
                Some(rows) => held.push(format!("{} ({})", what_of(loss), cost::rows(rows))),
                None => {
                    held.push(format!("{}, if it holds anything: it is not there under this name now", what_of(loss)))
                }
            }
            continue;
        };
        let (there, gone): (Vec<String>, Vec<String>) =
            loss.columns().into_iter().partition(|own| facts.column(own).is_some());
        for column in &gone {
            let name = format!("column {}.{column}", loss.table().name);
            match kept(Some(column)) {
                Some(rows) => held.push(format!("{name} ({})", cost::rows(rows))),
                None => held.push(format!("{name}, if it holds anything: it is not there under this name now")),
            }
        }
        if there.is_empty() && !gone.is_empty() {
            continue;
        }
        let rows = match facts.rows.filter(|_| facts.bytes > COUNTED_BYTES) {
            Some(estimate) => estimate,
            None => {
                let set = there.iter().map(|own| format!("{} IS NOT NULL", quote_identifier(own))).collect::<Vec<_>>();
                let condition = if set.is_empty() { String::new() } else { format!(" WHERE {}", set.join(" OR ")) };
                let count = format!("SELECT count(*) FROM {}{condition}", facts.name);
                client.query_typed_one(&count, &[])?.try_get::<_, i64>(0)?.unsigned_abs()
            }
        };
        if rows > 0 {
            held.push(format!("{} ({})", what_of(loss), cost::rows(rows)));
        }
    }
    Ok(held)
}

/// Tables up to this size are counted, larger ones estimated.
const COUNTED_BYTES: u64 = 64 << 20;

fn planned(client: &mut Client, loss: &Loss) -> Result<Planned, Failure> {
    const WIDTHS: &str = "SELECT attname::text, avg_width FROM pg_stats WHERE schemaname = $1 AND tablename = $2";
    let kind = capture::kind(loss);
    let table = loss.table();
    let mut planned = Planned {
        what: what(kind, &table.name, &loss.columns()),
        rows: None,
        bytes: None,
        moved: false,
        keyless: false,
    };
    // a table that an earlier statement renames goes by another name yet
    let Some(facts) = Facts::read(client, table)? else { return Ok(planned) };
    planned.keyless = facts.key_without(&loss.columns()).is_empty() && !matches!(kind, Kind::Table | Kind::Deleted);
    planned.moved = kind == Kind::Table && facts.movable;
    // of an unknown part of the rows, all is the bound
    planned.rows = facts.rows;
    let whole = loss.columns().is_empty() || planned.keyless;
    if whole || matches!(loss, Loss::Deleted { which: Which::All | Which::Emptied, .. }) {
        planned.bytes = Some(facts.bytes).filter(|_| facts.rows.is_some());
        return Ok(planned);
    }
    let mut columns = facts.key_without(&loss.columns());
    columns.extend(loss.columns());
    let widths = client.query_typed(WIDTHS, &[(&table.schema, Type::TEXT), (&table.name, Type::TEXT)])?;
    let mut width = ROW_BYTES;
    for row in widths {
        let (column, bytes): (String, i32) = (row.try_get(0)?, row.try_get(1)?);
        if columns.contains(&column) {
            width += u64::from(bytes.unsigned_abs());
        }
    }
    planned.bytes = facts.rows.map(|rows| rows.saturating_mul(width));
    Ok(planned)
}

/// Keeps what a migration destroys, in its own transaction.
#[derive(Debug)]
pub struct Keeper<'a> {
    plan: &'a Plan,
    /// The schema with Prisma's history.
    schema: &'a str,
    /// The capsule: the id of the migration's row in the history.
    id: String,
    open: Vec<Open>,
    /// What was kept in the last try.
    pub kept: Vec<Capture>,
    /// The definitions before and after, where nothing is destroyed and so no capsule made.
    definitions: (Option<Live>, Option<Live>),
    /// Where the time goes that keeping takes.
    clock: Option<&'a Cell<Duration>>,
}

impl<'a> Keeper<'a> {
    /// A keeper for a migration with this plan.
    pub fn new(plan: &'a Plan, schema: &'a str) -> Self {
        Self {
            plan,
            schema,
            id: String::new(),
            open: Vec::new(),
            kept: Vec::new(),
            definitions: (None, None),
            clock: None,
        }
    }

    /// Has it write down how long the last try of keeping took.
    #[must_use]
    pub fn timed(self, clock: &'a Cell<Duration>) -> Self {
        Self { clock: Some(clock), ..self }
    }

    fn took(&self, since: Instant) {
        if let Some(clock) = self.clock {
            clock.set(clock.get() + since.elapsed());
        }
    }

    /// The id of the migration's row, with the definitions before and after it where they are in no capsule.
    pub fn definitions(self) -> Option<(String, (Live, Live))> {
        let (before, after) = self.definitions;
        Some((self.id, (before?, after?)))
    }

    fn finish(&mut self, client: &mut Client) -> Result<(), Failure> {
        // children first: they are compared by their parents' rows aside
        for open in self.open.drain(..).rev() {
            self.kept.push(open.finish(client)?);
        }
        Ok(())
    }
}

impl Hook for Keeper<'_> {
    fn before(&mut self, client: &mut Client, migration: &Prepared) -> Result<(), Failure> {
        self.open.clear();
        self.kept.clear();
        self.clock.into_iter().for_each(|clock| clock.set(Duration::ZERO));
        let query = format!(
            "SELECT id::text FROM {} WHERE migration_name = $1 AND finished_at IS NULL AND rolled_back_at IS NULL",
            history::table(self.schema)
        );
        self.id = client.query_typed_one(&query, &[(&migration.name, Type::TEXT)])?.try_get(0)?;
        if self.plan.is_empty() {
            self.definitions.0 = Some(Live::read_with_rights(client, &Without::default())?);
            return Ok(());
        }
        capsule::prepare(client)?;
        capsule::open(client, &self.id, &migration.name, &migration.checksum)
    }

    fn instead(&mut self, client: &mut Client, piece: &Range<usize>) -> Result<bool, Failure> {
        let start = Instant::now();
        self.finish(client)?;
        let mine = |number: usize| {
            self.plan.statements.get(number - 1).is_some_and(|statement| piece.contains(&statement.start))
        };
        for (number, loss) in self.plan.losses.losses.iter().filter(|(number, _)| mine(*number)) {
            let storage = storage(&self.id, self.kept.len() + self.open.len() + 1, &loss.table().name);
            let open = capture::begin(client, *number, loss, storage, &self.open)?;
            self.open.extend(open);
        }
        self.took(start);
        Ok(false)
    }

    fn after(&mut self, client: &mut Client) -> Result<(), Failure> {
        let start = Instant::now();
        self.finish(client)?;
        self.took(start);
        if self.plan.is_empty() {
            self.definitions.1 = Some(Live::read_with_rights(client, &Without::default())?);
            return Ok(());
        }
        capsule::close(client, &self.id, &self.kept)
    }
}

/// The name of a table of ours: unlike any other's, and short enough.
fn storage(id: &str, number: usize, table: &str) -> String {
    const TABLE_BYTES: usize = 36;
    let id = id.get(..8).unwrap_or(id);
    format!("{id}_{number}_{}", &table[..table.floor_char_boundary(TABLE_BYTES)])
}
