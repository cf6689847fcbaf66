//! What a deploy must not leave behind: invalid indexes and constraints that are not validated.

use std::collections::BTreeSet;
use std::fmt;

use postgres::Client;

use super::failure::Failure;

/// An index or a constraint, by its names as SQL writes them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Blemish {
    /// The table, qualified and quoted where it must be.
    pub table: String,
    /// The index, likewise; of a constraint, its name.
    pub name: String,
}

impl fmt::Display for Blemish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.name, self.table)
    }
}

/// The state of a whole database at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Health {
    /// Indexes that a failed `CONCURRENTLY` left, or that are being built at this moment: written to, never used.
    pub invalid_indexes: BTreeSet<Blemish>,
    /// Constraints that hold for new rows only.
    pub unvalidated: BTreeSet<Blemish>,
}

const INVALID_INDEXES: &str = "
SELECT format('%I.%I', n.nspname, t.relname), format('%I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE NOT (i.indisvalid AND i.indisready AND i.indislive) AND c.relkind = 'i' AND n.nspname !~ '^pg_(toast|temp)'";

const UNVALIDATED: &str = "
SELECT format('%I.%I', n.nspname, t.relname), quote_ident(o.conname)
FROM pg_catalog.pg_constraint o
JOIN pg_catalog.pg_class t ON t.oid = o.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
WHERE NOT o.convalidated AND n.nspname !~ '^pg_temp'";

impl Health {
    /// Looks at the whole database.
    pub fn read(client: &mut Client) -> Result<Self, Failure> {
        let mut blemishes = |query: &str| -> Result<BTreeSet<Blemish>, Failure> {
            let rows = client.query_typed(query, &[])?;
            let rows = rows.iter().map(|row| Ok(Blemish { table: row.try_get(0)?, name: row.try_get(1)? }));
            Ok(rows.collect::<Result<_, postgres::Error>>()?)
        };
        Ok(Self { invalid_indexes: blemishes(INVALID_INDEXES)?, unvalidated: blemishes(UNVALIDATED)? })
    }

    /// What is here and was not there before.
    pub fn since(&self, before: &Self) -> Self {
        Self {
            invalid_indexes: &self.invalid_indexes - &before.invalid_indexes,
            unvalidated: &self.unvalidated - &before.unvalidated,
        }
    }
}

/// The statement that takes an invalid index away without stopping anyone.
pub fn drop_index(index: &Blemish) -> String {
    format!("DROP INDEX CONCURRENTLY {};", index.name)
}
