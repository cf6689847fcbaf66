//! The tables of a catalog. Catalogs are copied often, one for the world before a statement and one for that after it, and few tables
//! differ between them: the others are shared.

use std::collections::{BTreeMap, btree_map};
use std::sync::Arc;

use super::{ObjectName, Table, expressions};
use crate::sql::{ConstraintKind, Name};

/// Tables by their names, in order of these. A copy costs no table until that one is changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tables(BTreeMap<ObjectName, Arc<Table>>);

impl Tables {
    /// A table.
    pub fn get(&self, name: &ObjectName) -> Option<&Table> {
        self.0.get(name).map(Arc::as_ref)
    }

    /// A table with its name here.
    pub fn get_key_value(&self, name: &ObjectName) -> Option<(&ObjectName, &Table)> {
        self.0.get_key_value(name).map(|(name, table)| (name, table.as_ref()))
    }

    /// The tables as they are shared.
    pub(super) fn shared(&self) -> &BTreeMap<ObjectName, Arc<Table>> {
        &self.0
    }

    /// A table, to change it.
    pub fn get_mut(&mut self, name: &ObjectName) -> Option<&mut Table> {
        self.0.get_mut(name).map(Arc::make_mut)
    }

    /// Whether there is one of this name.
    pub fn contains_key(&self, name: &ObjectName) -> bool {
        self.0.contains_key(name)
    }

    /// Puts a table in the place of what had its name.
    pub fn insert(&mut self, name: ObjectName, table: Table) {
        self.0.insert(name, Arc::new(table));
    }

    /// Takes a table out.
    pub fn remove(&mut self, name: &ObjectName) -> Option<Table> {
        self.0.remove(name).map(Arc::unwrap_or_clone)
    }

    /// All names.
    pub fn keys(&self) -> btree_map::Keys<'_, ObjectName, Arc<Table>> {
        self.0.keys()
    }

    /// All tables.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Table> + Clone {
        self.0.values().map(Arc::as_ref)
    }

    /// All tables, to change them: each is copied that is shared.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Table> {
        self.0.values_mut().map(Arc::make_mut)
    }

    /// The tables that need it, to change them: the others stay shared.
    pub fn changing(&mut self, needs: impl Fn(&Table) -> bool) -> impl Iterator<Item = &mut Table> {
        self.0.values_mut().filter(move |table| needs(table)).map(Arc::make_mut)
    }

    /// All tables with their names.
    pub fn iter(&self) -> Iter<'_> {
        Iter(self.0.iter())
    }

    /// All tables with their names, to change them: each is copied that is shared.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&ObjectName, &mut Table)> {
        self.0.iter_mut().map(|(name, table)| (name, Arc::make_mut(table)))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl Table {
    /// Whether a foreign key of it leads to another table.
    pub(super) fn refers_to(&self, other: &Name) -> bool {
        let leads = |kind: &ConstraintKind| matches!(kind, ConstraintKind::ForeignKey { table, .. } if table == other);
        self.constraints.values().any(|constraint| leads(&constraint.kind))
    }

    /// Whether a default of it takes values of a sequence.
    pub(super) fn draws_from(&self, sequence: &Name) -> bool {
        let defaults = self.columns.values().filter_map(|column| column.default.as_ref());
        defaults.filter_map(|default| expressions::nextval(&default.text)).any(|used| used == *sequence)
    }
}

/// Tables with their names.
#[derive(Debug, Clone)]
pub struct Iter<'a>(btree_map::Iter<'a, ObjectName, Arc<Table>>);

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a ObjectName, &'a Table);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(name, table)| (name, table.as_ref()))
    }
}

impl<'a> IntoIterator for &'a Tables {
    type Item = (&'a ObjectName, &'a Table);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl FromIterator<(ObjectName, Table)> for Tables {
    fn from_iter<I: IntoIterator<Item = (ObjectName, Table)>>(tables: I) -> Self {
        Self(tables.into_iter().map(|(name, table)| (name, Arc::new(table))).collect())
    }
}

impl Extend<(ObjectName, Table)> for Tables {
    fn extend<I: IntoIterator<Item = (ObjectName, Table)>>(&mut self, tables: I) {
        self.0.extend(tables.into_iter().map(|(name, table)| (name, Arc::new(table))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_shares_what_is_not_changed() {
        let name = |name: &str| ObjectName { schema: "public".into(), name: name.into() };
        let tables: Tables = ["a", "b"].map(|own| (name(own), Table::default())).into_iter().collect();
        let mut copy = tables.clone();
        copy.get_mut(&name("a")).unwrap().columns.clear();
        let shared = |own: &str| Arc::ptr_eq(&tables.0[&name(own)], &copy.0[&name(own)]);
        assert!(!shared("a") && shared("b"));
        assert_eq!(tables, copy);
    }
}
