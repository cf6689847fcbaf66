//! Rows that went from one part of a partitioned table while rows came into another: they are the same ones as far as all their
//! values are found again, beside those that the table is divided by.

use std::collections::BTreeMap;

use postgres::Client;

use super::exact;
use super::fate::{Fate, TableFate};
use super::matches::Match;
use super::sums::quoted;
use super::tables;
use crate::database::Failure;
use crate::sql::quote_qualified;

/// Partitions with rows, and the table that each is a part of in the end.
const ROOTS: &str = "
SELECT c.oid, pg_catalog.pg_partition_root(c.oid)::oid FROM pg_catalog.pg_class c
WHERE c.relispartition AND c.relkind = 'r'";

/// A partitioned table by name.
const NAMES: &str = "
SELECT c.oid, n.nspname::text, c.relname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = ANY ($1) AND c.relkind = 'p'";

/// The names of the columns that a table and its parts are divided by.
const DIVIDING: &str = "
SELECT DISTINCT pg_catalog.pg_partition_root(p.partrelid)::oid, a.attname::text
FROM pg_catalog.pg_partitioned_table p CROSS JOIN LATERAL unnest(p.partattrs::int2[]) AS k
JOIN pg_catalog.pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = k";

/// Writes for each part how many of the rows that went are in another part.
///
/// # Errors
/// The servers' own.
pub(super) fn find_moved(
    (base, clone): (&mut Client, &mut Client),
    matches: &[Match<'_>],
    fates: &mut [TableFate],
) -> Result<(), Failure> {
    let went = |fate: &TableFate| fate.deleted.unwrap_or_default();
    // nearly always nothing has gone at all
    if !fates.iter().any(|fate| went(fate) > 0) {
        return Ok(());
    }
    let mut wholes: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for row in base.query(ROOTS, &[])? {
        let (part, whole): (u32, u32) = (row.try_get(0)?, row.try_get(1)?);
        if let Some(at) = matches.iter().position(|it| it.id == part) {
            wholes.entry(whole).or_default().push(at);
        }
    }
    wholes.retain(|_, parts| {
        let came = |at: &usize| fates[*at].inserted.unwrap_or_default() > 0;
        parts.iter().any(came) && parts.iter().any(|at| went(&fates[*at]) > 0)
    });
    if wholes.is_empty() {
        return Ok(());
    }
    let ids: Vec<u32> = wholes.keys().copied().collect();
    let missing = missing(base, clone, &ids)?;
    for (whole, parts) in wholes {
        let sum = |of: &dyn Fn(&TableFate) -> u64| parts.iter().map(|at| of(&fates[*at])).sum::<u64>();
        let (gone, come) = (sum(&went), sum(&|fate| fate.inserted.unwrap_or_default()));
        // rows that stayed in their part and were changed there are missed as they were, too; of a table that is not partitioned any
        // more nothing is found
        let missing = missing.get(&whole).map(|rows| rows.saturating_sub(sum(&changed)));
        let mut moved = missing.map_or(0, |missing| gone.saturating_sub(missing).min(come));
        for at in parts {
            let fate = &mut fates[at];
            if went(fate) > 0 {
                let own = moved.min(went(fate));
                moved -= own;
                fate.within = Some(own);
            }
        }
    }
    Ok(())
}

/// Rows of partitioned tables that are found nowhere any more by the values beside those that they are divided by.
fn missing(base: &mut Client, clone: &mut Client, ids: &[u32]) -> Result<BTreeMap<u32, u64>, Failure> {
    let (before, after) = (names(base, ids)?, names(clone, ids)?);
    let (had, has) = (tables::columns(base, ids)?, tables::columns(clone, ids)?);
    let mut dividing: Vec<(u32, String)> = Vec::new();
    for row in base.query(DIVIDING, &[])? {
        dividing.push((row.try_get(0)?, row.try_get(1)?));
    }
    let mut missing = BTreeMap::new();
    for (whole, was) in before {
        // a plain table now, and its parts are tables of their own
        let Some(is) = after.get(&whole) else { continue };
        let (mut old, mut new) = (Vec::new(), Vec::new());
        for (number, column) in had.get(&whole).into_iter().flatten() {
            let now = has.get(&whole).and_then(|columns| columns.get(number));
            let divides = dividing.iter().any(|(table, name)| *table == whole && *name == column.name);
            if let Some(now) = now.filter(|now| !divides && !now.generated && now.kind == column.kind) {
                old.push(quoted(column));
                new.push(quoted(now));
            }
        }
        missing.insert(whole, exact::missing_rows((base, &was, &old), (clone, is, &new))?);
    }
    Ok(missing)
}

fn names(client: &mut Client, ids: &[u32]) -> Result<BTreeMap<u32, String>, Failure> {
    let mut names = BTreeMap::new();
    for row in client.query(NAMES, &[&ids])? {
        names.insert(row.try_get(0)?, quote_qualified(row.try_get(1)?, row.try_get(2)?));
    }
    Ok(names)
}

/// Rows of a part that have another value in any column, at least.
fn changed(fate: &TableFate) -> u64 {
    let rows = fate.columns.iter().filter_map(|column| match column.fate {
        Fate::Changed { rows, .. } => rows,
        _ => None,
    });
    rows.max().unwrap_or_default()
}
