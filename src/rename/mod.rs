//! Renames: what a draft drops and adds is compared, decided, rewritten and proved.
//!
//! Prisma's engine knows no renames: a renamed field is a dropped and an added column in its drafts. Here every pair of a
//! dropped and an added object is weighed ([`candidates`]), a person decides ([`decide`]), the draft's bytes concerned
//! are changed ([`rewrite`]), and the result is proved to end where the draft ended ([`prove`]).

mod around;
mod asker;
mod assign;
mod candidate;
mod candidates;
mod columns;
pub mod crossed;
mod decide;
pub mod directive;
mod enums;
mod exchange;
mod fields;
mod followers;
mod given;
mod instead;
mod joins;
mod kind;
mod links;
mod lookup;
mod names;
mod options;
mod phased;
mod pool;
pub mod profile;
mod prove;
mod question;
mod regroup;
mod rekey;
mod render;
mod rewrite;
mod scene;
pub mod schema;
mod score;
pub mod settings;
mod settle;
pub mod sides;
mod tables;
#[cfg(test)]
mod tests;
pub mod weights;

pub use asker::{Asker, Terminal};
pub use candidate::{Candidate, Decision, Rename};
pub use decide::{Decisions, decide, settle, undecided};
pub use instead::drafted;
pub use options::Options;
pub use phased::{BEGINS, command as phases_command, offered, table_words as table_in_phases, words as in_phases};
pub use prove::{Begun, Proof, Replay, Scratch, Stage, Verdict, begin, prove, unproved};
pub use question::{Answer, Open, Question};
pub use regroup::{Dropped, Regroup};
pub use rekey::steps as rekeyed;
pub use rewrite::{Kept, Rewrite, rewrite};

use std::collections::BTreeMap;

use crate::catalog::{Catalog, ObjectName};
use crate::effects::cast::{Cast, Change};
use crate::effects::conversion::Enums;
use crate::sql::{DataType, Script};
use given::Given;
use pool::Pool;
use scene::Scene;

/// A migration as Prisma drafted it, and what is known around it.
#[derive(Debug)]
pub struct Draft<'a> {
    /// The migration's directory name.
    pub migration: &'a str,
    /// Its SQL.
    pub script: &'a Script,
    /// The catalog just before it.
    pub before: &'a Catalog,
    /// What else is known.
    pub hints: &'a Hints,
}

/// What else is known of a draft; all of it may be empty.
#[derive(Debug, Clone, Default)]
pub struct Hints {
    /// The texts of the schema's files at git HEAD.
    pub schema_before: Vec<String>,
    /// The texts of the schema's files in the working tree.
    pub schema_after: Vec<String>,
    /// Prisma's own warnings of data loss, with its counts of rows.
    pub warnings: Vec<String>,
    /// The fields that A and B of self-relations' join tables stand for, by the table, as the last migration that turned them
    /// says.
    pub sides: BTreeMap<String, sides::Recorded>,
    /// What the values of dropped columns look like, where a database was asked: see [`wanted`].
    pub profiles: BTreeMap<(ObjectName, String), profile::Profile>,
}

/// Every possible rename, one-to-one, by kind: enums, tables, join tables, columns, enum values.
pub fn candidates(draft: &Draft<'_>) -> Vec<Candidate> {
    let scene = Scene::new(draft);
    candidates::find(&scene, &Given::recorded(&scene))
}

/// Whether anything could be renamed: the draft drops something and adds something of that kind.
pub fn is_possible(draft: &Draft<'_>) -> bool {
    let mut after = draft.before.clone();
    after.apply(draft.script, draft.migration);
    Pool::read(draft, &after).is_two_sided()
}

/// Whether A and B of a self-relation's join table changed places, or may have, though Prisma drafts nothing for it.
pub fn turns_links(draft: &Draft<'_>) -> bool {
    sides::concern(&Scene::new(draft))
}

/// Join tables of self-relations of which nothing is known from before: whether their links turn was not checked.
pub fn unchecked_links(draft: &Draft<'_>) -> Vec<ObjectName> {
    sides::unchecked(&Scene::new(draft))
}

/// How a column's type is changed with its values kept: what stands behind `ALTER COLUMN … `; none where PostgreSQL has no cast
/// that loses nothing in silence.
pub fn keeping(before: &Catalog, after: &Catalog, from: &DataType, to: &DataType, column: &str) -> Option<String> {
    let plain = |of: &DataType| {
        let name = match of.name.as_str() {
            "smallserial" => "smallint",
            "serial" => "integer",
            "bigserial" => "bigint",
            name => name,
        };
        DataType { name: name.to_owned(), ..of.clone() }
    };
    let (from, to) = (plain(from), plain(to));
    let using = match Change::new(Enums { before, after }, &from, &to).cast(column) {
        Cast::Same => None,
        Cast::Keeps { using } | Cast::Checked { using, .. } => using,
        Cast::Loses { .. } | Cast::None => return None,
    };
    let using = using.map(|using| format!(" USING ({using})")).unwrap_or_default();
    Some(format!("TYPE {}{using}", render::data_type(&to)))
}

/// The dropped columns whose values would tell something.
pub fn wanted(draft: &Draft<'_>) -> Vec<profile::Wanted> {
    profile::wanted(&Scene::new(draft))
}

/// As [`candidates`], with other weights: for measuring.
pub fn candidates_by(draft: &Draft<'_>, weights: &weights::Weights) -> Vec<Candidate> {
    let scene = Scene::weighed(draft, weights);
    candidates::find(&scene, &Given::recorded(&scene))
}

/// Every compared pair of tables or columns with its evidence: for fitting weights.
pub fn evidence(draft: &Draft<'_>, weights: &weights::Weights) -> Vec<(Rename, Vec<(weights::Sign, f64)>)> {
    candidates::signs(&Scene::weighed(draft, weights))
}
