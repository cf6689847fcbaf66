//! Findings of one pattern: most of them share a line. A project that goes to snake_case renames a thousand columns, and a long
//! history repeats itself.

use std::collections::BTreeMap;

use super::human::clean;
use super::{Look, path, place};
use crate::review::{Review, Reviewed};
use crate::rules::{Finding, Severity, cost};

/// From so many on.
const MANY: usize = 8;

/// So many of them are shown all the same.
const EXAMPLES: usize = 3;

/// So many objects are named in the one line.
const NAMED: usize = 10;

/// A rule's findings with the same advice.
type Pattern = (&'static str, Severity, String);

/// The findings beyond the examples, by pattern. What the target has said something of is always shown; an error is, too, where
/// one migration is reviewed: it has to be read before it is accepted.
pub(super) struct Alike<'a> {
    kinds: BTreeMap<Pattern, Vec<(&'a Reviewed, &'a Finding)>>,
}

impl<'a> Alike<'a> {
    pub(super) fn of(review: &'a Review) -> Self {
        let mut kinds: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let several = review.migrations.len() > 1;
        for migration in &review.migrations {
            for finding in migration.findings.iter().filter(|finding| finding.accepted.is_none()) {
                let read = finding.severity != Severity::Error || several;
                if read && finding.evidence.iter().all(|evidence| several && evidence.kind == "replayed") {
                    kinds.entry(pattern(finding)).or_default().push((migration, finding));
                }
            }
        }
        kinds.retain(|_, findings| findings.len() >= MANY);
        kinds.values_mut().for_each(|findings| drop(findings.drain(..EXAMPLES)));
        Self { kinds }
    }

    /// Whether it gets lines of its own.
    pub(super) fn shows(&self, finding: &Finding) -> bool {
        let kind = self.kinds.get(&pattern(finding));
        !kind.is_some_and(|findings| findings.iter().any(|(_, other)| std::ptr::eq(*other, finding)))
    }

    /// All others, a line for each pattern.
    pub(super) fn rest(&self, look: Look<'_>) -> String {
        let line = |((rule, severity, _), findings): (&Pattern, &Vec<(&Reviewed, &Finding)>)| {
            let word = if *severity == Severity::Info { "note" } else { severity.as_str() };
            let count = cost::count(findings.len() as u64);
            let first = findings.first().map_or_else(String::new, |(migration, first)| {
                format!(", from line {} of {} on", place(&migration.sql, first).line, path(migration, look.root))
            });
            let objects: Vec<&str> = findings.iter().take(NAMED).map(|(_, finding)| finding.object.as_str()).collect();
            let more = if findings.len() > NAMED { ", …" } else { "" };
            let objects = clean(&objects.join(", "));
            format!("{word}[{rule}]: {count} more like these{first}: {objects}{more} (`--format json` has each)\n\n")
        };
        self.kinds.iter().map(line).collect()
    }
}

/// The advice is the same where only the object's name differs.
fn pattern(finding: &Finding) -> Pattern {
    let help =
        if finding.object.is_empty() { finding.help.clone() } else { finding.help.replace(&finding.object, "…") };
    (finding.rule, finding.severity, help)
}
