//! Tables and views of a target that no migration makes.

use super::catalog::object;
use super::{Kind, Live};
use crate::catalog::{Catalog, Certainty, ObjectName, Table};

impl Catalog {
    /// What stands on the target beside `everything` that migrations make, for a look at a time before the last of them:
    /// that it is there is known, how it was defined then is not.
    pub fn strangers(default_schema: &str, live: &Live, everything: &Self) -> Self {
        let mut catalog = Self::new(default_schema);
        let is_stranger = |name: &ObjectName| !everything.tables.contains_key(name) && !everything.views.contains(name);
        for (name, _) in live.of(Kind::Table) {
            let name = object(name).filter(is_stranger);
            catalog
                .tables
                .extend(name.map(|name| (name, Table { certainty: Certainty::Doubtful, ..Table::default() })));
        }
        for kind in [Kind::View, Kind::MaterializedView] {
            let names = live.of(kind).filter_map(|(name, _)| object(name));
            catalog.views.extend(names.filter(is_stranger));
        }
        catalog
    }
}
