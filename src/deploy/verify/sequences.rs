//! Sequences that are behind the column they number: the next insert takes a value that is there already.

use std::collections::BTreeSet;
use std::fmt;

use postgres::{Client, Transaction};

use crate::database::Failure;

/// Looking for one column's largest value may take this long; without an index it reads the whole table.
const TIMEOUT: &str = "2s";
/// After so many that took too long the rest is left out.
const TOO_SLOW: usize = 3;

/// A sequence behind its column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sequence {
    /// Qualified and quoted where it must be, like the table.
    pub name: String,
    pub table: String,
    pub column: String,
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} is behind {}.{}: the next insert meets a value that is there already",
            self.name, self.table, self.column
        )
    }
}

impl Sequence {
    /// The statement that brings it up.
    pub fn cure(&self) -> String {
        let Self { name, table, column } = self;
        format!("SELECT setval('{}', (SELECT max({column}) FROM {table}));", name.replace('\'', "''"))
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Found {
    pub(super) behind: BTreeSet<Sequence>,
    /// What could not be looked at, and why.
    pub(super) unread: Vec<String>,
}

/// Sequences that count up for a column of whole numbers: as its default, or as its identity. The value that was handed out
/// last is none before the first one, and hidden from who may not use the sequence.
const OWNED: &str = "
SELECT format('%I.%I', sn.nspname, s.relname), format('%I.%I', tn.nspname, t.relname), quote_ident(a.attname),
  coalesce(pg_catalog.pg_sequence_last_value(s.oid), q.seqstart - q.seqincrement)
FROM pg_catalog.pg_sequence q
JOIN pg_catalog.pg_class s ON s.oid = q.seqrelid
JOIN pg_catalog.pg_namespace sn ON sn.oid = s.relnamespace
JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = s.oid
  AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.deptype IN ('a', 'i')
JOIN pg_catalog.pg_class t ON t.oid = d.refobjid
JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
WHERE q.seqincrement > 0 AND NOT q.seqcycle AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
  AND sn.nspname !~ '^pg_(toast|temp)' AND t.relkind IN ('r', 'p')
  -- asked of whatever the planner meets first, unless it may not
  AND CASE WHEN s.relkind = 'S' THEN has_sequence_privilege(s.oid, 'USAGE') ELSE false END
  AND has_table_privilege(t.oid, 'SELECT')
ORDER BY 1";

/// Looks at each sequence that numbers a column.
pub(super) fn behind(client: &mut Client) -> Result<Found, Failure> {
    let mut transaction = client.build_transaction().read_only(true).start()?;
    transaction.batch_execute(&format!("SET LOCAL statement_timeout = '{TIMEOUT}'; SET LOCAL lock_timeout = '1s'"))?;
    let (mut found, mut slow) = (Found::default(), 0);
    for row in transaction.query(OWNED, &[])? {
        let sequence = Sequence { name: row.try_get(0)?, table: row.try_get(1)?, column: row.try_get(2)? };
        let last: i64 = row.try_get(3)?;
        if slow == TOO_SLOW {
            found.unread.push(format!("{}: the tables are too large to look at each", sequence.name));
            break;
        }
        match largest(&mut transaction, &sequence)? {
            // other sessions may have taken numbers since it was read
            Ok(Some(largest)) if largest > last && largest > position(&mut transaction, &sequence)?.unwrap_or(last) => {
                found.behind.insert(sequence);
            }
            Ok(_) => {}
            Err(why) => {
                slow += 1;
                found.unread.push(format!("{}: {why}", sequence.name));
            }
        }
    }
    transaction.rollback()?;
    Ok(found)
}

/// The number before the one that comes next, as it is now: no column holds a larger one that was seen before. Where the role may
/// read the sequence, that knows of `RESTART WITH` too, after which nothing was handed out yet.
fn position(transaction: &mut Transaction<'_>, of: &Sequence) -> Result<Option<i64>, Failure> {
    let asked = "SELECT pg_catalog.pg_sequence_last_value(seqrelid), seqincrement, has_sequence_privilege(seqrelid, 'SELECT') \
                 FROM pg_catalog.pg_sequence WHERE seqrelid = $1::text::regclass";
    let row = transaction.query_one(asked, &[&of.name])?;
    let (handed_out, increment, readable): (Option<i64>, i64, bool) =
        (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    if handed_out.is_some() || !readable {
        return Ok(handed_out);
    }
    let row = transaction.query_one(&format!("SELECT last_value, is_called FROM {}", of.name), &[])?;
    let (last, called): (i64, bool) = (row.try_get(0)?, row.try_get(1)?);
    Ok(Some(if called { last } else { last.saturating_sub(increment) }))
}

fn largest(transaction: &mut Transaction<'_>, of: &Sequence) -> Result<Result<Option<i64>, String>, Failure> {
    let mut attempt = transaction.savepoint("largest")?;
    let asked = attempt.query_one(&format!("SELECT max({})::int8 FROM {}", of.column, of.table), &[]);
    Ok(match asked {
        Ok(row) => {
            attempt.commit()?;
            Ok(row.try_get(0)?)
        }
        Err(error) => {
            attempt.rollback()?;
            Err(Failure::from(error).message.clone())
        }
    })
}
