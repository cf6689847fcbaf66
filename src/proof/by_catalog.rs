//! The review by a catalog file beside the one online.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::run::SCHEMA;
use crate::catalog::Catalog;
use crate::catalog::live::CatalogFile;
use crate::project::Migration;
use crate::review::recorded::Recorded;
use crate::review::{self, Review, Verdict};
use crate::rules::Settings;

/// What the review online finds and the one by a catalog file does not.
pub(super) fn missed(
    file: &CatalogFile,
    migration: &Migration,
    settings: &Settings,
    applied: &[Migration],
    online: &Review,
) -> Vec<String> {
    let recorded = Recorded::new(file, "catalog.json", Timestamp::now());
    let review = review::review(review::Request {
        migrations: std::slice::from_ref(migration),
        world: Some(Catalog::of_target_after(SCHEMA, &file.definitions(), applied)),
        earlier: &[],
        default_schema: SCHEMA,
        live: Some(&recorded),
        identity: None,
        settings,
        standing: Vec::new(),
    });
    let of = |review: &Review| -> BTreeSet<(String, String)> {
        review.findings().map(|finding| (finding.rule.to_owned(), finding.object.clone())).collect()
    };
    let (there, here) = (of(online), of(&review));
    // without the rows it is more careful, and never less
    let missed = there.difference(&here).map(|(rule, object)| format!("only online: {rule}({object})"));
    let mut disagreements: Vec<String> = missed.collect();
    // what only rows can tell is left open, and an open question does not pass
    if review.verdict == Verdict::Pass && online.verdict == Verdict::Fail {
        disagreements.push(format!("by catalog {:?}, online {:?}", review.verdict, online.verdict));
    }
    disagreements
}
