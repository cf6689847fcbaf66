//! Indexes: invalid ones, those that nothing uses, and those that a foreign key lacks.

use jiff::Timestamp;
use postgres::Client;

use crate::database::health::{Blemish, drop_index};
use crate::database::usage::Usage;
use crate::database::{Failure, Health};
use crate::deploy::verify::{Check, Status};

/// Before so many seconds have passed since the deployment, an index that nothing has used says little.
const SETTLED_SECONDS: i64 = 3600;
/// A table with fewer rows is read as quickly without an index.
const MANY_ROWS: f64 = 10_000.0;

pub(super) fn invalid(health: &Health) -> Check {
    let name = "invalid indexes";
    let drops: Vec<String> = health.invalid_indexes.iter().map(drop_index).collect();
    match drops.is_empty() {
        true => Check::new(name, Status::Passed, ["none"]),
        false => {
            let notes = health
                .invalid_indexes
                .iter()
                .map(|index| format!("{index} is invalid: it is written to and never used"));
            Check::new(name, Status::Warned, notes).with_cure(Some(drops.join("\n")))
        }
    }
}

/// An index that enforces nothing: without use it only costs.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Index {
    id: u32,
    blemish: Blemish,
    scans: i64,
    bytes: i64,
}

const INDEXES: &str = "
SELECT x.indexrelid, format('%I.%I', x.schemaname, x.relname), format('%I.%I', x.schemaname, x.indexrelname),
  coalesce(x.idx_scan, 0), pg_relation_size(x.indexrelid)
FROM pg_catalog.pg_stat_user_indexes x JOIN pg_catalog.pg_index i ON i.indexrelid = x.indexrelid
WHERE i.indisvalid AND NOT i.indisunique AND NOT i.indisexclusion AND x.schemaname <> '_prisma_safe'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint c WHERE c.conindid = x.indexrelid)
ORDER BY 2, 3";

pub(super) fn used(client: &mut Client, now: &Usage, then: Option<&Usage>) -> Check {
    let read = |client: &mut Client| -> Result<Vec<Index>, Failure> {
        let rows = client.query_typed(INDEXES, &[])?;
        let index = |row: &postgres::Row| -> Result<Index, postgres::Error> {
            let blemish = Blemish { table: row.try_get(1)?, name: row.try_get(2)? };
            Ok(Index { id: row.try_get(0)?, blemish, scans: row.try_get(3)?, bytes: row.try_get(4)? })
        };
        Ok(rows.iter().map(index).collect::<Result<_, _>>()?)
    };
    match read(client) {
        Ok(indexes) => compared(&indexes, then, now.at),
        Err(failure) => super::unread("index use", failure.to_string()),
    }
}

/// What fell out of use, and what was made and never used, is to be looked at; what was never used at all is only said.
fn compared(indexes: &[Index], then: Option<&Usage>, now: Timestamp) -> Check {
    let name = "index use";
    let scanned_then =
        |id: u32| then.and_then(|then| then.indexes.iter().find(|index| index.id == id)).map(|index| index.scans);
    let settled = then.is_some_and(|then| now.as_second() - then.at.as_second() >= SETTLED_SECONDS);
    let (mut wrong, mut said, mut drops) = (Vec::new(), Vec::new(), Vec::new());
    for index in indexes {
        let then_scans = scanned_then(index.id);
        // a counter that went back was reset
        let since = then_scans.map(|then| if index.scans >= then { index.scans - then } else { index.scans });
        let made = then.is_some_and(|then| then.created.contains(&index.id));
        let shown = format!("{} ({})", index.blemish, crate::backup::size(index.bytes.unsigned_abs()));
        match (made, since, then_scans) {
            (true, Some(0), _) if settled => {
                wrong.push(format!("{shown} was made by the deployment and has not been used since"));
                drops.push(drop_index(&index.blemish));
            }
            (true, Some(0), _) => said.push(format!("{shown} was made by the deployment and has not been used yet")),
            (false, Some(0), Some(1..)) if settled => {
                wrong.push(format!("{shown} was used before the deployment and has not been used since"));
            }
            _ if index.scans == 0 => said.push(format!("{shown} has never been used since the statistics began")),
            _ => {}
        }
    }
    let status = match (wrong.is_empty(), then) {
        (false, _) => Status::Warned,
        (true, Some(_)) => Status::Passed,
        (true, None) => {
            said.insert(0, "no deployment from this folder has kept what was counted until then".into());
            Status::Unchecked
        }
    };
    if wrong.is_empty() && said.is_empty() {
        said.push(match indexes.len() {
            0 => "there is no index but those that enforce something".to_owned(),
            number => format!("{number} that enforce nothing, each one used"),
        });
    }
    let cure = (!drops.is_empty()).then(|| format!("where no query wants it: {}", drops.join(" ")));
    Check::new(name, status, wrong.into_iter().chain(said)).with_cure(cure)
}

/// Foreign keys whose columns no index begins with: each deletion above reads the whole table below.
const FOREIGN_KEYS: &str = "
SELECT quote_ident(c.conname), format('%I.%I', n.nspname, t.relname),
  (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.place) FROM unnest(c.conkey) WITH ORDINALITY AS k(number, place)
   JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number),
  t.reltuples::float8
FROM pg_catalog.pg_constraint c
JOIN pg_catalog.pg_class t ON t.oid = c.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
WHERE c.contype = 'f' AND c.conparentid = 0 AND n.nspname !~ '^pg_' AND n.nspname <> '_prisma_safe'
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.conrelid AND i.indisvalid AND i.indpred IS NULL
      AND (SELECT array_agg(k ORDER BY k) FROM unnest((i.indkey::int2[])[0:cardinality(c.conkey) - 1]) k)
        = (SELECT array_agg(k ORDER BY k) FROM unnest(c.conkey) k))
ORDER BY 2, 1";

pub(super) fn for_foreign_keys(client: &mut Client) -> Result<Check, Failure> {
    let name = "foreign keys";
    let (mut notes, mut cures) = (Vec::new(), Vec::new());
    for row in client.query_typed(FOREIGN_KEYS, &[])? {
        let (key, table, columns, rows): (String, String, String, f64) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
        if rows >= MANY_ROWS {
            cures.push(format!("CREATE INDEX CONCURRENTLY ON {table} ({columns});"));
        }
        let size = if rows < 0.0 { "never analysed".to_owned() } else { format!("about {rows:.0} rows") };
        notes.push(format!("{key} of {table} has no index on {columns} ({size})"));
    }
    Ok(match (notes.is_empty(), cures.is_empty()) {
        (true, _) => Check::new(name, Status::Passed, ["each has an index"]),
        (false, true) => Check::new(name, Status::Passed, notes),
        (false, false) => Check::new(name, Status::Warned, notes)
            .with_cure(Some(format!("add @@index to the model, or at once: {}", cures.join(" ")))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::usage::Scans;

    fn index(id: u32, scans: i64) -> Index {
        Index { id, blemish: Blemish { table: "public.t".into(), name: format!("public.i{id}") }, scans, bytes: 8192 }
    }

    fn then(hours: i64, indexes: &[(u32, i64)], created: &[u32]) -> Usage {
        let at = Timestamp::from_second(1_000_000_000 - hours * 3600).unwrap();
        let indexes = indexes.iter().map(|(id, scans)| Scans { id: *id, scans: *scans }).collect();
        Usage { at, indexes, created: created.to_vec(), statements: Ok(Vec::new()) }
    }

    fn check(indexes: &[Index], then: Option<&Usage>) -> Check {
        compared(indexes, then, Timestamp::from_second(1_000_000_000).unwrap())
    }

    #[test]
    fn what_is_not_used_since_the_deployment_is_to_be_looked_at() {
        let day = then(24, &[(1, 0), (2, 10), (3, 10), (4, 0), (5, 99)], &[1]);
        let found = check(&[index(1, 0), index(2, 10), index(3, 11), index(4, 0), index(5, 3)], Some(&day));
        assert_eq!(found.status, Status::Warned);
        let notes = found.notes.join("\n");
        assert!(
            notes.contains("public.i1 of public.t (8.19 kB) was made by the deployment and has not been used since"),
            "{notes}"
        );
        assert!(notes.contains("i2 of public.t (8.19 kB) was used before"), "{notes}");
        assert!(notes.contains("i4 of public.t (8.19 kB) has never been used"), "{notes}");
        assert!(!notes.contains("i3") && !notes.contains("i5"), "i5's counter was reset, and it is used: {notes}");
        assert_eq!(found.cure.as_deref(), Some("where no query wants it: DROP INDEX CONCURRENTLY public.i1;"));

        let soon = then(0, &[(1, 0), (2, 10)], &[1]);
        assert_eq!(check(&[index(1, 0), index(2, 10)], Some(&soon)).status, Status::Passed, "too early to tell");
        assert_eq!(check(&[index(2, 10)], None).status, Status::Unchecked);
    }
}
