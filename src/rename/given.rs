//! What people have decided already.

use super::candidate::Rename;
use super::directive;
use super::scene::Scene;
use crate::catalog::Catalog;
use crate::sql::Script;

/// What people have decided already; candidates are looked for in its light.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Given {
    /// Renames that were decided.
    pub(crate) renames: Vec<Rename>,
    /// Those of them that are in Prisma only.
    pub(crate) maps: Vec<Rename>,
    /// Objects that are really dropped, as the left side of any rename of them.
    pub(crate) deletes: Vec<Rename>,
}

impl Given {
    /// The drops that a person has decided in the file before.
    pub(crate) fn recorded(scene: &Scene<'_>) -> Self {
        Self::recorded_in(scene.draft.script, scene.before)
    }

    /// As [`Given::recorded`], for any script.
    pub(crate) fn recorded_in(script: &Script, before: &Catalog) -> Self {
        let comments = script.comments().iter();
        let deletes = comments.filter_map(|comment| directive::parse_delete(before, &comment.text)).collect();
        Self { deletes, ..Self::default() }
    }

    /// Whether the object on the left is settled, so that nothing is to be found for it.
    pub(crate) fn settles(&self, rename: &Rename) -> bool {
        self.renames.iter().chain(&self.deletes).any(|given| given.same_origin(rename))
    }

    /// Whether another object was decided to become this one.
    pub(crate) fn takes(&self, rename: &Rename) -> bool {
        self.renames.iter().any(|given| given.same_result(rename))
    }
}
