//! The review: replays the migrations once, in order, lets every rule look, binds the accepting lines, and gives a verdict.

pub mod acceptances;
pub mod against;
pub mod chosen;
mod course;
pub mod deployed;
pub mod fixes;
pub mod history;
pub mod links;
pub mod lost;
mod needed;
pub mod online;
pub mod plan_hash;
pub mod probes;
pub mod recorded;
pub mod rest;
mod reviewed;
pub mod together;
mod unchecked;

use std::collections::BTreeSet;

use serde::Serialize;

use self::course::Course;
pub use self::needed::Needed;
pub use self::plan_hash::plan_hash;
pub use self::reviewed::{Grade, Graded, Reviewed, Source, Target};
use self::together::Remark;
pub use self::unchecked::OFFLINE;
use crate::catalog::Catalog;
use crate::project::Migration;
use crate::rules::{self, Finding, Live, Settings, Severity, Unchecked};

/// What is to be reviewed, and what is known around it.
#[derive(Debug)]
pub struct Request<'a> {
    /// The migrations to review, in the order they are applied in.
    pub migrations: &'a [Migration],
    /// What is there before everything: the target as it was read, or what is known of it beside the files.
    pub world: Option<Catalog>,
    /// The migrations that come before those on top of that: they only build the catalog.
    pub earlier: &'a [Migration],
    /// The schema that unqualified names mean.
    pub default_schema: &'a str,
    /// The target, where it can be asked.
    pub live: Option<&'a dyn Live>,
    /// Identifies the target's server and database, without a secret; only where `migrations` are the plan, what a deploy
    /// would apply at once. Gives the plan hash; what one migration of a plan creates is not in the target for the next.
    pub identity: Option<&'a str>,
    /// What the project sets.
    pub settings: &'a Settings,
    /// What is known of applied migrations: edited, missing.
    pub standing: Vec<Reviewed>,
}

/// What the review came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// The gate.
    pub verdict: Verdict,
    /// Names exactly this SQL on exactly this database; none where that is not what was reviewed.
    pub plan_hash: Option<String>,
    /// What it was reviewed against.
    pub target: Target,
    /// Each migration with its findings; those with standing findings first.
    pub migrations: Vec<Reviewed>,
    /// What several of them come to together.
    pub together: Vec<Remark>,
    /// What was not checked.
    pub unchecked: Vec<Unchecked>,
    /// What a deploy will ask of a person.
    pub consent: Option<Needed>,
}

/// The gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing to say, or only for information.
    Pass,
    /// Warnings, accepted errors, or statements about unknown objects.
    Warn,
    /// An error that no line accepts: nothing is deployed.
    Fail,
}

impl Review {
    /// Every finding.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.migrations.iter().flat_map(|migration| &migration.findings)
    }

    /// Findings of this severity that no line accepts.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings().filter(|finding| finding.severity == severity && finding.accepted.is_none()).count()
    }

    /// What leads on from a `fail`, for exactly these findings.
    pub fn way_out(&self) -> String {
        /// More lines than this are not read; the report has them.
        const SHOWN: usize = 5;
        let blocking: Vec<&Finding> = self.findings().filter(|finding| finding.blocks()).collect();
        let mut accepting: Vec<String> = Vec::new();
        for finding in blocking.iter().filter(|finding| finding.acceptable()) {
            let line = format!("-- prisma-safe:allow {}({}): REASON", finding.rule, finding.object);
            if !accepting.contains(&line) {
                accepting.push(line);
            }
        }
        let fixed = if blocking.iter().any(|finding| finding.fix.is_some()) {
            " (`prisma-safe review --fix` can do some of it)"
        } else {
            ""
        };
        let firm: BTreeSet<&str> = blocking.iter().filter(|it| !it.acceptable()).map(|it| it.rule).collect();
        let mut ways = vec![format!("correct the migration{fixed}")];
        if !accepting.is_empty() {
            let more = accepting.len().saturating_sub(SHOWN);
            accepting.truncate(SHOWN);
            if more > 0 {
                accepting.push(format!("… and {more} more, one for each error above"));
            }
            ways[0] = format!("{}, or accept each error by a line in its file:\n{}", ways[0], accepting.join("\n"));
        }
        if !firm.is_empty() {
            let firm: Vec<&str> = firm.into_iter().collect();
            ways.push(format!(
                "no line accepts {}: what each asks for has to be done first (`prisma-safe explain {}`)",
                firm.join(", "),
                firm.first().copied().unwrap_or_default()
            ));
        }
        ways.join("\n")
    }

    /// Errors that destroy data and were accepted: a deploy to production asks once more.
    pub fn accepted_losses(&self) -> impl Iterator<Item = &Finding> {
        self.findings().filter(|finding| {
            finding.accepted.is_some()
                && finding.severity == Severity::Error
                && rules::find(finding.rule).is_some_and(|rule| rule.destroys)
        })
    }
}

/// Reviews the migrations.
pub fn review(request: Request<'_>) -> Review {
    let migrations = request.migrations;
    let mut course = Course::begin(request);
    for migration in migrations {
        course.review(migration);
    }
    course.end()
}

/// `150018` is 15.18.
pub(crate) fn version(number: u32) -> String {
    format!("{}.{}", number / 10_000, number % 10_000)
}
