//! The types of columns, for what decides by them and knows no catalog.

use std::collections::BTreeMap;

use crate::catalog::{Catalog, Certainty};
use crate::sql::{DataType, Name, Types};

/// The columns that the migration finds.
#[derive(Debug)]
pub struct Columns<'a>(pub &'a Catalog);

impl Types for Columns<'_> {
    fn columns(&self, table: &Name) -> Option<BTreeMap<String, DataType>> {
        let known = self.0.table(&self.0.resolve(table)).there().filter(|known| known.certainty == Certainty::Whole)?;
        Some(known.columns.iter().map(|(name, column)| (name.clone(), column.data_type.clone())).collect())
    }

    fn is_enum(&self, name: &Name) -> bool {
        self.0.enumeration(&self.0.resolve(name)).there().is_some()
    }
}
