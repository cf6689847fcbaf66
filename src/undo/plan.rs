//! The plan before a deploy: what a migration destroys, and what it costs to keep that.

mod keys;
mod measured;

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use postgres::Client;
use postgres::types::Type;
use serde::{Deserialize, Serialize};

pub use self::measured::Measured;

use super::capture::{self, Capture, Kind, what};
use super::facts::Facts;
use super::losses::{Loss, Losses, Which, losses};
use crate::catalog::{Catalog, ObjectName};
use crate::database::Failure;
use crate::error::{Explain as _, Result};
use crate::project::Migration;
use crate::rules::cost;

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
    /// What a rehearsal with rows has found that stays after a rollback, a phrase each; `None` where none has measured it.
    pub measured: Option<Vec<String>>,
    /// The definitions around it are not read: its reverse needs none, and names are enough to compare by.
    pub unread: bool,
    pub(super) losses: Losses,
    /// The bytes of each statement in the file.
    pub(super) statements: Vec<Range<usize>>,
}

impl Plan {
    /// Looks at what a migration destroys. `before` is the catalog before it; `client` may be asked for sizes.
    ///
    /// # Errors
    /// The server's own.
    pub fn of(client: &mut Client, migration: &Migration, before: &Catalog) -> Result<Self> {
        let script = migration.script();
        let losses = losses(before, script);
        let planned =
            sizes(client, &losses).explain(|| format!("could not plan what to keep of {}", migration.name))?;
        let statements = script.statements().iter().map(|statement| statement.range.clone()).collect();
        Ok(Self {
            planned,
            unknown: [&losses.unknown[..], &losses.elsewhere[..]].concat(),
            measured: None,
            unread: false,
            losses,
            statements,
        })
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
        if unknown && self.bytes() == 0 {
            return "of unknown size, copied while the tables are locked".to_owned();
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

fn sizes(client: &mut Client, losses: &Losses) -> Result<Vec<Planned>, Failure> {
    client.batch_execute("BEGIN READ ONLY; SET LOCAL lock_timeout = '3s'")?;
    let target = |(number, loss): &(usize, Loss)| {
        losses.targets.get(&(*number, loss.table().clone())).unwrap_or(loss.table()).clone()
    };
    let planned = losses.losses.iter().map(|own| planned(client, &own.1, &target(own))).collect::<Result<Vec<_>, _>>();
    client.batch_execute("ROLLBACK")?;
    planned
}

/// `target` is what the table is called before the migration.
fn planned(client: &mut Client, loss: &Loss, target: &ObjectName) -> Result<Planned, Failure> {
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
    // what is not there holds nothing: the statement fails, or passes it over by IF EXISTS
    let Some(facts) = Facts::read(client, target)? else { return Ok(planned) };
    planned.keyless = facts.key_without(&loss.columns()).is_empty() && !matches!(kind, Kind::Table | Kind::Deleted);
    planned.moved = matches!(loss, Loss::Table { .. }) && facts.movable;
    // of an unknown part of the rows, all is the bound
    planned.rows = facts.rows;
    let whole = loss.columns().is_empty() || planned.keyless;
    if whole || matches!(loss, Loss::Deleted { which: Which::All | Which::Emptied, .. }) {
        planned.bytes = Some(facts.bytes).filter(|_| facts.rows.is_some());
        return Ok(planned);
    }
    let mut columns = facts.key_without(&loss.columns());
    columns.extend(loss.columns());
    let widths = client.query_typed(WIDTHS, &[(&target.schema, Type::TEXT), (&target.name, Type::TEXT)])?;
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
