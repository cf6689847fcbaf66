//! The objects of a database by object id, which survives a rename and is the same in a copy, with the rights on them.
//!
//! [`Live`](crate::catalog::live::Live) leaves rights, owners and positions out, since databases that are alike differ in them.

use std::collections::{BTreeMap, BTreeSet};

use postgres::types::Type;
use postgres::{Client, GenericClient, IsolationLevel};

use super::{Kind, queries};
use crate::catalog::live::OWN_SCHEMA;
use crate::database::{Failure, history, sequences};

/// Kind, object id, number within it.
pub(super) type Key = (Kind, u32, i32);

/// An object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) name: String,
    pub(super) schema: Option<String>,
    /// The table or type that it belongs to.
    pub(super) parent: Option<u32>,
    /// The parent's columns that it is about.
    pub(super) columns: Vec<i16>,
    /// Another object of the parent with the same one does as well.
    pub(super) signature: Option<String>,
    pub(super) facts: BTreeMap<String, String>,
    /// `SELECT to reader`
    pub(super) grants: BTreeSet<String>,
}

/// Everything that a database holds beside its rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Census {
    pub(super) objects: BTreeMap<Key, Object>,
    /// Tables that are a part of another one: partitions, and those that inherit.
    parents: BTreeMap<u32, Vec<u32>>,
}

const PARENTS: &str = "SELECT inhrelid, inhparent FROM pg_catalog.pg_inherits";

impl Census {
    /// Reads it, all of one moment.
    ///
    /// # Errors
    /// The server's own.
    pub fn read(client: &mut Client) -> Result<Self, Failure> {
        let mut snapshot =
            client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start()?;
        // with an empty path every name in a definition is qualified
        snapshot.batch_execute("SELECT set_config('search_path', '', true)")?;
        let census = Self::read_within(&mut snapshot)?;
        snapshot.rollback()?;
        Ok(census)
    }

    fn read_within(client: &mut impl GenericClient) -> Result<Self, Failure> {
        let mut census = Self::default();
        let left_out = [(&OWN_SCHEMA as _, Type::TEXT), (&history::TABLE as _, Type::TEXT)];
        for (kind, query) in queries::ALL {
            for row in client.query_typed(&format!("{}\n{query}", queries::COMMON), &left_out)? {
                let facts: String = row.try_get(7)?;
                let parent: u32 = row.try_get(4)?;
                let object = Object {
                    name: row.try_get(2)?,
                    schema: row.try_get(3)?,
                    parent: (parent != 0).then_some(parent),
                    columns: row.try_get::<_, Option<Vec<i16>>>(5)?.unwrap_or_default(),
                    signature: row.try_get(6)?,
                    facts: read_facts(&facts),
                    grants: BTreeSet::new(),
                };
                census.objects.insert((*kind, row.try_get(0)?, row.try_get(1)?), object);
            }
        }
        census.add_positions(client)?;
        for row in client.query_typed(&format!("{}{}", queries::COMMON, queries::GRANTS), &left_out)? {
            let kind: String = row.try_get(0)?;
            let Some(kind) = granted(&kind) else { continue };
            // a right on what no query lists (a table's own row type, say) goes with its table
            if let Some(object) = census.objects.get_mut(&(kind, row.try_get(1)?, row.try_get(2)?)) {
                object.grants.insert(row.try_get(3)?);
            }
        }
        for row in client.query_typed(PARENTS, &[])? {
            census.parents.entry(row.try_get(0)?).or_default().push(row.try_get(1)?);
        }
        Ok(census)
    }

    /// The positions of sequences of which the first query has none.
    fn add_positions(&mut self, client: &mut impl GenericClient) -> Result<(), Failure> {
        let open = |(key, object): (&Key, &Object)| {
            (key.0 == Kind::Sequence && !object.facts.contains_key("position")).then_some(key.1)
        };
        let untaken: Vec<u32> = self.objects.iter().filter_map(open).collect();
        for (id, position) in sequences::untaken(client, &untaken)? {
            if let Some(object) = self.objects.get_mut(&(Kind::Sequence, id, 0)) {
                object.facts.insert("position".to_owned(), position.to_string());
            }
        }
        Ok(())
    }

    /// A name as people read it: the default schema is left out.
    pub(super) fn label(&self, key: &Key, schema: &str) -> String {
        let Some(object) = self.objects.get(key) else { return String::new() };
        let own = match &object.schema {
            Some(other) if other != schema && !has_owner(key.0) => format!("{other}.{}", object.name),
            _ => object.name.clone(),
        };
        let Some(parent) = object.parent.filter(|_| has_owner(key.0)) else { return own };
        let kind = if key.0 == Kind::Label { Kind::Type } else { Kind::Table };
        let parents = [kind, Kind::View, Kind::MaterializedView].map(|kind| (kind, parent, 0));
        let Some(parent) = parents.iter().find(|key| self.objects.contains_key(key)) else { return own };
        format!("{}.{own}", self.label(parent, schema))
    }

    /// What a table is a part of, by name.
    pub(super) fn wholes(&self, table: u32, schema: &str) -> Vec<String> {
        let mut found: Vec<u32> = self.parents.get(&table).cloned().unwrap_or_default();
        let mut at = 0;
        while let Some(parent) = found.get(at).copied() {
            at += 1;
            let more = self.parents.get(&parent).into_iter().flatten().filter(|id| !found.contains(id));
            found.extend(more.copied().collect::<Vec<_>>());
        }
        found.into_iter().map(|id| self.label(&(Kind::Table, id, 0), schema)).filter(|name| !name.is_empty()).collect()
    }

    /// The same of the table of this name.
    pub fn wholes_of(&self, label: &str, schema: &str) -> Vec<String> {
        self.table(label, schema).map(|table| self.wholes(table, schema)).unwrap_or_default()
    }

    /// Tables whose rows are elsewhere.
    pub fn foreign_tables(&self, schema: &str) -> Vec<String> {
        let foreign = self.objects.iter().filter(|(_, object)| object.facts.contains_key("foreign"));
        foreign.map(|(key, _)| self.label(key, schema)).collect()
    }

    /// The tables of this name; there is one, or none.
    pub(super) fn table(&self, label: &str, schema: &str) -> Option<u32> {
        let mut tables = self.objects.range((Kind::Table, 0, 0)..=(Kind::Table, u32::MAX, 0)).map(|(key, _)| key);
        tables.find(|key| self.label(key, schema) == label).map(|key| key.1)
    }
}

/// Whether an object's name counts within its table or type only.
fn has_owner(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Column | Kind::Constraint | Kind::Trigger | Kind::Rule | Kind::Policy | Kind::Label | Kind::Published
    )
}

fn read_facts(json: &str) -> BTreeMap<String, String> {
    let facts: BTreeMap<String, Option<String>> = serde_json::from_str(json).unwrap_or_default();
    facts.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn granted(kind: &str) -> Option<Kind> {
    Some(match kind {
        "table" => Kind::Table,
        "view" => Kind::View,
        "materializedView" => Kind::MaterializedView,
        "sequence" => Kind::Sequence,
        "column" => Kind::Column,
        "schema" => Kind::Schema,
        "function" => Kind::Function,
        "type" => Kind::Type,
        "defaultPrivileges" => Kind::DefaultPrivileges,
        _ => return None,
    })
}
