//! What is known of the whole migration while single objects are compared.

use std::collections::{BTreeMap, BTreeSet};

use super::candidate::Rename;
use super::scene::{Pair, Scene};
use crate::catalog::ObjectName;

/// What is known of the whole migration while single objects are compared.
#[derive(Debug, Default)]
pub(crate) struct Around {
    /// Tables taken to be renamed.
    pub(crate) tables: BTreeMap<ObjectName, ObjectName>,
    /// Enums taken to be renamed.
    pub(crate) enums: BTreeMap<ObjectName, ObjectName>,
    /// How many objects of the migration a change of words fits (`team` to `organization`, `plaid` added).
    pub(crate) changes: BTreeMap<(String, String), usize>,
    /// Names of dropped and of added columns, with the tables (by their names after) where that happens.
    gone: BTreeMap<String, BTreeSet<ObjectName>>,
    come: BTreeMap<String, BTreeSet<ObjectName>>,
}

impl Around {
    /// Takes a rename for granted.
    pub(crate) fn take(&mut self, rename: &Rename) {
        match rename {
            Rename::Table { from, to, .. } => {
                self.tables.insert(from.clone(), to.clone());
            }
            Rename::Enum { from, to } => {
                self.enums.insert(from.clone(), to.clone());
            }
            Rename::Column { .. } | Rename::EnumValue { .. } => {}
        }
    }

    /// Tables whose columns are compared: those that stay, and those taken to be renamed.
    pub(crate) fn pairs(&self, scene: &Scene<'_>) -> Vec<Pair> {
        let renamed = self.tables.iter().map(|(from, to)| Pair { from: from.clone(), to: to.clone() });
        let targets: BTreeSet<&ObjectName> = self.tables.values().collect();
        let touched = scene.pool.touched_tables();
        let kept = scene.kept_tables().filter(|pair| {
            touched.contains(&pair.from) && !self.tables.contains_key(&pair.from) && !targets.contains(&pair.to)
        });
        kept.chain(renamed).collect()
    }

    /// Looks at the whole migration in the light of the tables and enums that are taken to be renamed.
    pub(crate) fn survey(&mut self, scene: &Scene<'_>) {
        let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
        let mut count = |change: Option<(String, String)>| {
            if let Some(change) = change {
                *counts.entry(change).or_default() += 1;
            }
        };
        for (from, to) in self.tables.iter().chain(&self.enums) {
            count(scene.change(&from.name, &to.name));
        }
        let pairs = self.pairs(scene);
        for pair in &pairs {
            let (gone, come) = scene.columns(pair);
            for from in &gone {
                let same_type = |to: &&String| scene.same_type(pair, from, to);
                let found: BTreeSet<_> =
                    come.iter().filter(same_type).filter_map(|to| scene.change(from, to)).collect();
                found.into_iter().for_each(|change| count(Some(change)));
            }
            for name in gone {
                self.gone.entry(name).or_default().insert(pair.to.clone());
            }
            for name in come {
                self.come.entry(name).or_default().insert(pair.to.clone());
            }
        }
        let renamed: BTreeSet<&ObjectName> = self.tables.values().collect();
        for name in scene.pool.created_tables.iter().filter(|name| !renamed.contains(name)) {
            for column in scene.after.tables.get(name).into_iter().flat_map(|table| table.columns.keys()) {
                self.come.entry(column.clone()).or_default().insert(name.clone());
            }
        }
        self.changes = counts;
    }

    /// Whether a dropped column's name comes up in another table while it is dropped from one only: its values may go there.
    pub(crate) fn moves_away(&self, table: &ObjectName, name: &str) -> bool {
        elsewhere(&self.come, table, name) && !elsewhere(&self.gone, table, name)
    }
}

fn elsewhere(places: &BTreeMap<String, BTreeSet<ObjectName>>, table: &ObjectName, name: &str) -> bool {
    places.get(name).is_some_and(|tables| tables.iter().any(|other| other != table))
}
