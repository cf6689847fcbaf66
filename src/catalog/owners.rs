//! Which table an index's or a constraint's name belongs to, and which tables refer to another, found without walking through all
//! tables: a replay asks for every sequence it names, every index it drops and every column it renames.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::{Catalog, ObjectName, Table};
use crate::sql::{ConstraintKind, Name};

/// Shared between copies of a catalog until one changes, and no part of what a catalog is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Owners {
    /// Names that indexes and constraints have or had, each with the table that had it last. A name that is not here is free; one that
    /// is here may be gone.
    names: Arc<HashMap<ObjectName, ObjectName>>,
    /// Tables, each with those that refer to it or did.
    referrers: Arc<HashMap<Name, BTreeSet<ObjectName>>>,
}

impl PartialEq for Owners {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Owners {}

impl Catalog {
    /// Notes that a table has an index or a constraint of this name.
    pub(super) fn note_owner(&mut self, table: &ObjectName, name: &str) {
        let own = ObjectName { schema: table.schema.clone(), name: name.to_owned() };
        Arc::make_mut(&mut self.owners.names).insert(own, table.clone());
    }

    /// Notes that a foreign key of a table leads to another.
    pub(super) fn note_referrer(&mut self, table: &ObjectName, to: &Name) {
        Arc::make_mut(&mut self.owners.referrers).entry(to.clone()).or_default().insert(table.clone());
    }

    /// Notes all names that a table has, and what it refers to.
    pub(super) fn note_owners(&mut self, name: &ObjectName) {
        let Some(table) = self.tables.get(name) else { return };
        let names: Vec<String> = table.indexes.keys().chain(table.constraints.keys()).cloned().collect();
        let targets = table.constraints.values().filter_map(|constraint| match &constraint.kind {
            ConstraintKind::ForeignKey { table, .. } => Some(table.clone()),
            _ => None,
        });
        let targets: Vec<Name> = targets.collect();
        names.iter().for_each(|own| self.note_owner(name, own));
        targets.iter().for_each(|target| self.note_referrer(name, target));
    }

    /// The tables that refer to another.
    fn referrers(&self, to: &Name) -> Vec<ObjectName> {
        let refers = |name: &&ObjectName| self.tables.get(name).is_some_and(|table| table.refers_to(to));
        if self.owners.names.is_empty() {
            return self.tables.keys().filter(refers).cloned().collect();
        }
        self.owners.referrers.get(to).into_iter().flatten().filter(refers).cloned().collect()
    }

    /// Changes every table that refers to another.
    pub(super) fn each_referring(&mut self, to: &Name, mut change: impl FnMut(&mut Table)) {
        for name in self.referrers(to) {
            self.tables.get_mut(&name).into_iter().for_each(&mut change);
        }
    }

    /// Leads the foreign keys to a table to its new name.
    pub(super) fn redirect(&mut self, old: &Name, new: &Name) {
        for referrer in self.referrers(old) {
            self.note_referrer(&referrer, new);
            let keys = self.tables.get_mut(&referrer).into_iter().flat_map(|table| table.constraints.values_mut());
            for constraint in keys {
                if let ConstraintKind::ForeignKey { table, .. } = &mut constraint.kind
                    && table == old
                {
                    table.clone_from(new);
                }
            }
        }
    }

    /// Notes every table's names, in a catalog that was not replayed.
    pub(super) fn learn_owners(&mut self) {
        if self.owners.names.is_empty() {
            let tables: Vec<ObjectName> = self.tables.keys().cloned().collect();
            tables.iter().for_each(|table| self.note_owners(table));
        }
    }

    /// Whether an index or a constraint may have this name.
    pub(super) fn may_own(&self, name: &ObjectName) -> bool {
        self.owners.names.contains_key(name)
    }

    /// The table that an index, or the index behind a constraint, belongs to.
    pub fn table_of_index(&self, index: &ObjectName) -> Option<&ObjectName> {
        let own = |table: &Table| {
            table.indexes.contains_key(&index.name)
                || table.constraints.get(&index.name).is_some_and(|constraint| constraint.kind.has_index())
        };
        let everywhere =
            || self.tables.iter().find(|(name, table)| name.schema == index.schema && own(table)).map(|(name, _)| name);
        if self.owners.names.is_empty() {
            return everywhere();
        }
        let last = self.owners.names.get(index)?;
        match self.tables.get_key_value(last) {
            Some((name, table)) if own(table) => Some(name),
            _ => everywhere(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::Script;

    fn owner(sql: &str, index: &str) -> Option<String> {
        let catalog = Catalog::replay("public", [("m", &Script::parse(sql))]);
        let index = ObjectName { schema: "public".into(), name: index.into() };
        catalog.table_of_index(&index).map(|table| table.name.clone())
    }

    #[test]
    fn a_name_is_followed_through_renames_and_drops() {
        const TABLES: &str = "CREATE TABLE a (id INT CONSTRAINT a_pkey PRIMARY KEY, x INT); CREATE TABLE b (x INT);\
            CREATE INDEX i ON a(x);";
        let after = |more: &str, index: &str| owner(&format!("{TABLES}{more}"), index);
        assert_eq!(after("", "i").as_deref(), Some("a"));
        assert_eq!(after("", "a_pkey").as_deref(), Some("a"));
        assert_eq!(after("ALTER TABLE a RENAME TO c;", "i").as_deref(), Some("c"));
        assert_eq!(after("ALTER INDEX i RENAME TO j;", "j").as_deref(), Some("a"));
        assert_eq!(after("ALTER INDEX i RENAME TO j;", "i"), None);
        assert_eq!(after("DROP INDEX i; CREATE INDEX i ON b(x);", "i").as_deref(), Some("b"));
        // a foreign key may have an index's name and has no index itself
        let key = "ALTER TABLE b ADD CONSTRAINT i FOREIGN KEY (x) REFERENCES a(id);";
        assert_eq!(after(key, "i").as_deref(), Some("a"));
        assert_eq!(after("", "k"), None);
    }

    #[test]
    fn what_refers_to_a_table_is_followed_through_renames_of_both() {
        const TABLES: &str = "CREATE TABLE a (id INT PRIMARY KEY); CREATE TABLE b (x INT REFERENCES a(id));";
        let referenced = |more: &str, of: &str| {
            let script = Script::parse(format!("{TABLES}{more} ALTER TABLE {of} RENAME id TO key;"));
            let catalog = Catalog::replay("public", [("m", &script)]);
            let kinds = catalog.tables.values().flat_map(|table| table.constraints.values());
            let keys = kinds.filter_map(|constraint| match &constraint.kind {
                ConstraintKind::ForeignKey { table, referenced, .. } => {
                    Some(format!("{} {}", table.name, referenced[0]))
                }
                _ => None,
            });
            keys.collect::<Vec<_>>().join(", ")
        };
        assert_eq!(referenced("", "a"), "a key");
        assert_eq!(referenced("ALTER TABLE a RENAME TO c;", "c"), "c key");
        assert_eq!(referenced("ALTER TABLE b RENAME TO c;", "a"), "a key");
        assert_eq!(referenced("ALTER TABLE a RENAME TO c; ALTER TABLE b RENAME TO a;", "c"), "c key");
        assert_eq!(referenced("CREATE SCHEMA s; ALTER TABLE a SET SCHEMA s;", "s.a"), "a key");
        // one that has gone, and one that took its name
        assert_eq!(referenced("DROP TABLE b; CREATE TABLE b (x INT);", "a"), "");
    }

    #[test]
    fn a_catalog_put_together_by_hand_is_searched_too() {
        let mut catalog = Catalog::replay("public", [("m", &Script::parse("CREATE TABLE a (x INT PRIMARY KEY);"))]);
        catalog.owners = Owners::default();
        let index = ObjectName { schema: "public".into(), name: "a_pkey".into() };
        assert!(catalog.table_of_index(&index).is_some());
        catalog.apply(&Script::parse("CREATE INDEX i ON a(x);"), "n");
        assert!(catalog.table_of_index(&index).is_some());
    }
}
