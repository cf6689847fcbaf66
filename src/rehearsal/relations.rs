//! Tables and indexes with their files: what has another file was written anew.

use std::collections::BTreeMap;

use postgres::GenericClient;

use super::trace::Sized;
use crate::catalog::ObjectName;
use crate::database::{Failure, history};

/// A relation with a file of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Relation {
    pub(super) name: String,
    pub(super) object: ObjectName,
    /// `r`, `m`, `p`; `i` for an index.
    pub(super) kind: char,
    pub(super) file: u32,
}

impl Relation {
    pub(super) fn is_table(&self) -> bool {
        self.kind != 'i'
    }
}

/// Relations by object id.
pub(super) type Relations = BTreeMap<u32, Relation>;

const RELATIONS: &str = "
SELECT c.oid, CASE WHEN n.nspname = $1 THEN c.relname::text ELSE n.nspname || '.' || c.relname END,
       CASE WHEN c.relkind IN ('i', 'I') THEN 'i' ELSE c.relkind::text END, c.relfilenode, n.nspname::text, c.relname::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm', 'i', 'I') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND c.relname <> $2";

/// Reads them; Prisma's history is left out.
pub(super) fn relations(client: &mut impl GenericClient, schema: &str) -> Result<Relations, Failure> {
    let mut relations = Relations::new();
    for row in client.query(RELATIONS, &[&schema, &history::TABLE])? {
        let kind: String = row.try_get(2)?;
        let kind = kind.chars().next().unwrap_or('r');
        let object = ObjectName { schema: row.try_get(4)?, name: row.try_get(5)? };
        relations.insert(row.try_get(0)?, Relation { name: row.try_get(1)?, object, kind, file: row.try_get(3)? });
    }
    Ok(relations)
}

/// What was written anew and what was built between two looks.
pub(super) fn written(
    client: &mut impl GenericClient,
    before: &Relations,
    after: &Relations,
) -> Result<(Vec<Sized>, Vec<Sized>), Failure> {
    let (mut rewrites, mut indexes) = (Vec::new(), Vec::new());
    for (id, relation) in after {
        let list = match (before.get(id), relation.kind) {
            (Some(was), 'r' | 'm') if was.file != relation.file => &mut rewrites,
            (None, 'i') => &mut indexes,
            _ => continue,
        };
        let bytes: Option<i64> = client.query_one("SELECT pg_catalog.pg_relation_size($1::oid)", &[id])?.try_get(0)?;
        list.push(Sized { name: relation.name.clone(), bytes: bytes.unwrap_or_default().unsigned_abs() });
    }
    Ok((rewrites, indexes))
}
