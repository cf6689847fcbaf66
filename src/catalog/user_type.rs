//! Types other than enums: domains and composite types, and the columns that have such a type.

use std::collections::{BTreeMap, BTreeSet};

use super::{Catalog, Known, ObjectName};
use crate::sql::{DataType, Expr};

/// A type other than an enum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserType {
    Domain(Domain),
    /// Attributes with their types, in order.
    Composite(Vec<(String, DataType)>),
}

/// A type with further rules for its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    pub base: DataType,
    pub not_null: bool,
    /// By name, as far as they have one.
    pub checks: BTreeMap<String, Expr>,
}

impl Catalog {
    /// A domain or a composite type.
    pub fn user_type(&self, name: &ObjectName) -> Known<&UserType> {
        match (self.types.get(name), self.enumeration(name)) {
            (Some(found), _) => Known::There(found),
            (None, Known::Unknown) => Known::Unknown,
            // an enum is another kind of type
            (None, _) => Known::Absent,
        }
    }

    /// Whether it is unknown if there is such a type, of any kind.
    pub fn is_type_unknown(&self, name: &ObjectName) -> bool {
        self.user_type(name).is_unknown()
    }

    /// The type and the domains over it, one over another: they fall with it by `CASCADE`.
    pub fn with_domains(&self, name: &ObjectName) -> BTreeSet<ObjectName> {
        self.closure(name, |own| match own {
            UserType::Domain(domain) => vec![&domain.base],
            UserType::Composite(_) => Vec::new(),
        })
    }

    /// The types whose values are made of values of this one: itself, domains over it, composite types with it.
    fn made_of(&self, name: &ObjectName) -> BTreeSet<ObjectName> {
        self.closure(name, |own| match own {
            UserType::Domain(domain) => vec![&domain.base],
            UserType::Composite(attributes) => attributes.iter().map(|(_, data_type)| data_type).collect(),
        })
    }

    fn closure(&self, name: &ObjectName, parts: impl Fn(&UserType) -> Vec<&DataType>) -> BTreeSet<ObjectName> {
        let mut found = BTreeSet::from([name.clone()]);
        loop {
            let over = |own: &UserType| parts(own).into_iter().any(|part| found.contains(&self.type_name(part)));
            let more: Vec<ObjectName> = self
                .types
                .iter()
                .filter(|(other, own)| !found.contains(*other) && over(own))
                .map(|(other, _)| other.clone())
                .collect();
            if more.is_empty() {
                return found;
            }
            found.extend(more);
        }
    }

    /// The columns that go with a type by `CASCADE`.
    pub fn columns_of_type(&self, name: &ObjectName) -> Vec<(ObjectName, String)> {
        self.columns_among(&self.with_domains(name))
    }

    /// The columns whose values have a value of this type somewhere in them.
    pub fn columns_made_of(&self, name: &ObjectName) -> Vec<(ObjectName, String)> {
        self.columns_among(&self.made_of(name))
    }

    fn columns_among(&self, types: &BTreeSet<ObjectName>) -> Vec<(ObjectName, String)> {
        let mut columns = Vec::new();
        for (table, value) in &self.tables {
            let own = value.columns.iter().filter(|(_, column)| types.contains(&self.type_name(&column.data_type)));
            columns.extend(own.map(|(column, _)| (table.clone(), column.clone())));
        }
        columns
    }
}
