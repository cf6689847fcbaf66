//! Copies of the catalog before a migration, for those who walk through it. Copying a large catalog costs more than replaying
//! a migration on it: a copy that was walked stands behind the migration, which is before the next one, and is used again.

use std::cell::RefCell;

use crate::catalog::Catalog;
use crate::sql::Script;

/// The copies at hand.
#[derive(Debug, Default)]
pub struct Scratch {
    before: RefCell<Vec<Catalog>>,
    after: RefCell<Vec<Catalog>>,
}

impl Scratch {
    /// A copy of `before`, the catalog before the migration.
    pub fn take(&self, before: &Catalog) -> Catalog {
        self.before.borrow_mut().pop().unwrap_or_else(|| before.clone())
    }

    /// Gives a copy back, once the whole migration was replayed on it.
    pub fn give(&self, after: Catalog) {
        self.after.borrow_mut().push(after);
    }

    /// Goes on to the next migration: what was not used is brought up to there.
    pub fn next(&self, script: &Script, migration: &str) {
        let mut before = self.before.borrow_mut();
        for unused in before.iter_mut() {
            unused.apply(script, migration);
        }
        before.append(&mut self.after.borrow_mut());
    }
}
