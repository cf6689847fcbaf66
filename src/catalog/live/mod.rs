//! The definitions of a live database, read from its catalog: what `pg_dump --schema-only` would say, as values that can be
//! compared. Names are identity, so a database and its copy are equal; the order of columns does not count.
//!
//! Left out: statistics, sequences' positions, event triggers, the server's own objects, and those
//! that belong to an extension (the extension itself counts, with its version). Owners and privileges are read only for an undo, and are
//! compared nowhere else: a copy has other roles.

mod beside;
mod catalog;
mod differences;
mod file;
mod queries;
mod rights;
mod spelling;
mod strangers;
mod take;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use postgres::types::{ToSql, Type};
use postgres::{Client, GenericClient, IsolationLevel};
use serde::{Deserialize, Serialize};

pub use self::beside::Beside;
pub use self::differences::{Difference, differences};
pub use self::file::CatalogFile;
pub use self::rights::Right;
use crate::database::{Failure, history, sequences};

/// The schema that holds prisma-safe's own tables.
pub const OWN_SCHEMA: &str = "_prisma_safe";

/// Reading waits this long for a lock: printing a view's definition takes one.
const LOCK_TIMEOUT: &str = "5s";
/// How often it is read where another session drops something at the same time.
const TRIES: u32 = 5;
/// Reading may take this long, a query.
const STATEMENT_TIMEOUT: &str = "60s";

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    Schema,
    Extension,
    Enum,
    Domain,
    /// A composite or a range type.
    Type,
    Sequence,
    /// Also partitioned and foreign ones.
    Table,
    /// Of a table.
    Column,
    Constraint,
    /// Also those behind constraints.
    Index,
    View,
    MaterializedView,
    /// Also procedures, aggregates and window functions; the name holds the arguments' types.
    Function,
    Trigger,
    /// Other than a view's own.
    Rule,
    Policy,
    Publication,
    /// Extended statistics.
    Statistics,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Schema => "schema",
            Self::Extension => "extension",
            Self::Enum => "enum",
            Self::Domain => "domain",
            Self::Type => "type",
            Self::Sequence => "sequence",
            Self::Table => "table",
            Self::Column => "column",
            Self::Constraint => "constraint",
            Self::Index => "index",
            Self::View => "view",
            Self::MaterializedView => "materialized view",
            Self::Function => "function",
            Self::Trigger => "trigger",
            Self::Rule => "rule",
            Self::Policy => "policy",
            Self::Publication => "publication",
            Self::Statistics => "statistics object",
        })
    }
}

/// The parts of a definition by their name (`type`, `default`, `definition`), those that are there.
pub type Definition = BTreeMap<String, String>;

/// Every definition of a database at one moment. Serializes, so that a journal can keep it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Live {
    /// By kind and by name as SQL writes it: `public."Song"`, `public."Song".artist` for what belongs to a table.
    pub objects: BTreeMap<Kind, BTreeMap<String, Definition>>,
    /// What is known besides. Versions that did not keep it made a dropped table again with its columns in the order of their names.
    #[serde(default, skip_serializing_if = "Beside::is_empty")]
    pub beside: Beside,
    /// Empty where they were not asked for.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub rights: BTreeSet<Right>,
}

/// What is not looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Without {
    /// Schemas with everything in them.
    pub schemas: Vec<String>,
    /// Tables of this name in any schema, with everything that belongs to them.
    pub tables: Vec<String>,
}

impl Default for Without {
    /// What is not the application's: Prisma's history table and our own schema.
    fn default() -> Self {
        Self { schemas: vec![OWN_SCHEMA.to_owned()], tables: vec![history::TABLE.to_owned()] }
    }
}

impl Live {
    /// What this database looks like once it has changed as another did, from `before` to `after`. Where the other was unlike
    /// this one all along (a locale, an extension's version), that does not count.
    #[must_use]
    pub fn changed_like(&self, before: &Self, after: &Self) -> Self {
        let mut changed = self.clone();
        let kinds: BTreeSet<&Kind> = before.objects.keys().chain(after.objects.keys()).collect();
        for kind in kinds {
            let empty = BTreeMap::new();
            let [was, is] = [before, after].map(|live| live.objects.get(kind).unwrap_or(&empty));
            let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
            for name in names.into_iter().filter(|name| was.get(*name) != is.get(*name)) {
                let objects = changed.objects.entry(*kind).or_default();
                match is.get(name) {
                    Some(definition) => drop(objects.insert(name.clone(), definition.clone())),
                    None => drop(objects.remove(name)),
                }
            }
        }
        changed.objects.retain(|_, objects| !objects.is_empty());
        changed
    }

    /// Reads it in a read-only transaction of its own, all of one moment.
    ///
    /// # Errors
    /// The server's own; also when another session holds a view's table locked for longer than five seconds.
    pub fn read(client: &mut Client, without: &Without) -> Result<Self, Failure> {
        for _ in 1..TRIES {
            match Self::read_once(client, without) {
                Err(failure) if failure.fell_meanwhile() => {}
                read => return read,
            }
        }
        Self::read_once(client, without)
    }

    fn read_once(client: &mut Client, without: &Without) -> Result<Self, Failure> {
        let mut snapshot =
            client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start()?;
        snapshot.batch_execute(&format!(
            "SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'; SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"
        ))?;
        let live = Self::read_within(&mut snapshot, without)?;
        snapshot.rollback()?;
        Ok(live)
    }

    /// Reads what a transaction that is open already sees, its own changes included. There must be one: outside of it the
    /// definitions' names would follow the session's `search_path`.
    ///
    /// # Errors
    /// The server's own; the transaction is of no more use then.
    pub fn read_within(client: &mut impl GenericClient, without: &Without) -> Result<Self, Failure> {
        // with an empty path every name in a definition is qualified, whatever the session's path is
        let path: String = client.query_typed_one("SELECT current_setting('search_path')", &[])?.try_get(0)?;
        // what `RESET search_path` leads to; a migration may have set another one
        client.batch_execute(queries::OWN_PATH)?;
        let mut live = Self::default();
        live.beside.path = Some(client.query_typed_one("SELECT current_schemas(false)::text[]", &[])?.try_get(0)?);
        client.batch_execute("SELECT set_config('search_path', '', true)")?;
        for (kind, query) in queries::ALL {
            let objects = live.objects.entry(*kind).or_default();
            let left_out: [(&(dyn ToSql + Sync), Type); 2] =
                [(&without.schemas, Type::TEXT_ARRAY), (&without.tables, Type::TEXT_ARRAY)];
            for row in client.query_typed(&queries::complete(query), &left_out)? {
                let mut definition = Definition::new();
                for (at, column) in row.columns().iter().enumerate().skip(1) {
                    let value: Option<String> = row.try_get(at)?;
                    definition.extend(value.map(|value| (column.name().to_owned(), value)));
                }
                let name: String = row.try_get(0)?;
                if *kind == Kind::Column {
                    live.beside.columns.push(name.clone());
                }
                objects.insert(name, definition);
            }
        }
        let unread: [(&(dyn ToSql + Sync), Type); 2] =
            [(&without.schemas, Type::TEXT_ARRAY), (&without.tables, Type::TEXT_ARRAY)];
        for row in client.query_typed(&queries::complete(queries::UNREAD), &unread)? {
            live.beside.unread.insert(row.try_get(0)?);
        }
        for row in client.query_typed(queries::INHERITED, &[])? {
            live.beside.inherited.insert(row.try_get(0)?);
        }
        for row in client.query_typed(queries::HARMLESS, &[])? {
            live.beside.harmless.insert(row.try_get(0)?);
        }
        for row in client.query_typed(queries::OPERATORS, &[])? {
            live.beside.operators.insert(row.try_get(0)?);
        }
        live.objects.retain(|_, objects| !objects.is_empty());
        client.query_typed("SELECT set_config('search_path', $1, true)", &[(&path, Type::TEXT)])?;
        Ok(live)
    }

    /// The same with owners and privileges, and where sequences stand.
    ///
    /// # Errors
    /// The server's own; the transaction is of no more use then.
    pub fn read_with_rights(client: &mut impl GenericClient, without: &Without) -> Result<Self, Failure> {
        let mut live = Self::read_within(client, without)?;
        live.rights = Self::rights_within(client, without)?;
        live.beside.positions = positions(client, without)?;
        Ok(live)
    }

    /// Owners and privileges alone.
    ///
    /// # Errors
    /// The server's own; the transaction is of no more use then.
    pub fn rights_within(client: &mut impl GenericClient, without: &Without) -> Result<BTreeSet<Right>, Failure> {
        let path: String = client.query_typed_one("SELECT current_setting('search_path')", &[])?.try_get(0)?;
        client.batch_execute("SELECT set_config('search_path', '', true)")?;
        let rights = rights::read(client, without)?.into_iter().collect();
        client.query_typed("SELECT set_config('search_path', $1, true)", &[(&path, Type::TEXT)])?;
        Ok(rights)
    }

    /// An object's definition.
    pub fn get(&self, kind: Kind, name: &str) -> Option<&Definition> {
        self.objects.get(&kind)?.get(name)
    }

    /// The objects of a kind, by name.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = (&str, &Definition)> {
        self.objects.get(&kind).into_iter().flatten().map(|(name, definition)| (name.as_str(), definition))
    }
}

/// The last number that each sequence has given out, as far as this role may know it; none for one that stands at its start.
fn positions(client: &mut impl GenericClient, without: &Without) -> Result<BTreeMap<String, i64>, Failure> {
    let left_out = [(&without.schemas as _, Type::TEXT_ARRAY), (&without.tables as _, Type::TEXT_ARRAY)];
    let (mut positions, mut untaken) = (BTreeMap::new(), BTreeMap::new());
    for row in client.query_typed(&queries::complete(queries::POSITIONS), &left_out)? {
        let (id, name, start): (u32, String, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        match row.try_get(3)? {
            Some(position) => drop(positions.insert(name, position)),
            None => drop(untaken.insert(id, (name, start))),
        }
    }
    let ids: Vec<u32> = untaken.keys().copied().collect();
    for (id, position) in sequences::untaken(client, &ids)? {
        if let Some((name, start)) = untaken.remove(&id)
            && position != start
        {
            positions.insert(name, position);
        }
    }
    Ok(positions)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(objects: &[(Kind, &str, &str)]) -> Live {
        let mut live = Live::default();
        for (kind, name, text) in objects {
            let definition = Definition::from([("definition".to_owned(), (*text).to_owned())]);
            live.objects.entry(*kind).or_default().insert((*name).to_owned(), definition);
        }
        live
    }

    #[test]
    fn only_what_changed_elsewhere_changes_here() {
        let before = live(&[(Kind::Column, "a", "text"), (Kind::Column, "b", "int"), (Kind::Extension, "x", "1.0")]);
        let after = live(&[(Kind::Column, "a", "bigint"), (Kind::Index, "i", "on a"), (Kind::Extension, "x", "1.0")]);
        let here = live(&[(Kind::Column, "a", "text"), (Kind::Column, "b", "int"), (Kind::Extension, "x", "1.1")]);
        let expected =
            live(&[(Kind::Column, "a", "bigint"), (Kind::Index, "i", "on a"), (Kind::Extension, "x", "1.1")]);
        assert_eq!(here.changed_like(&before, &after), expected);
    }
}
