//! The review: replays the migrations once, in order, lets every rule look, binds the accepting lines, and gives a verdict.

pub mod acceptances;
pub mod against;
pub mod chosen;
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

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::BTreeSet;

use serde::Serialize;

pub use self::needed::Needed;
pub use self::plan_hash::plan_hash;
pub use self::reviewed::{Grade, Graded, Reviewed, Source, Target};
use self::together::{Remark, Together};
pub use self::unchecked::OFFLINE;
use crate::catalog::Catalog;
use crate::effects;
use crate::project::Migration;
use crate::project::migrations::checksum;
use crate::rules::columns::Columns;
use crate::rules::delivery::Delivery;
use crate::rules::locks::Hold;
use crate::rules::origins::Origins;
use crate::rules::{
    self, Check, Evidence, Finding, Live, RULES, Scratch, Settings, Severity, Subject, Unchecked, dependent_object,
    no_lock_timeout, squawk,
};
use crate::sql::Script;

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
    let mut catalog = request.world.unwrap_or_else(|| Catalog::new(request.default_schema));
    let target_is_empty = request.identity.is_some()
        && request.live.is_some()
        && request.earlier.is_empty()
        && catalog.is_complete()
        && catalog.tables.is_empty();
    let mut unread = 0;
    for migration in request.earlier {
        migration.sql.look(|script| {
            unread += usize::from(!script.errors().is_empty());
            catalog.apply(script, &migration.name);
        });
    }
    let mut unchecked = unchecked::not_replayed(&catalog, unread);
    let mut renames = false;
    let mut blind = false;
    let mut origins = Origins::default();
    let mut together = Together::default();
    let scratch = Scratch::default();
    let mut migrations = request.standing;
    for standing in &mut migrations {
        request.settings.levels.apply(&mut standing.findings);
        acceptances::of_standing(standing.sql.as_str(), request.default_schema, &mut standing.findings);
    }
    for migration in request.migrations {
        if request.identity.is_none() {
            // not a plan: each is looked at as if those before it had been deployed
            origins = Origins::default();
        }
        // the stages after the review of a plan ask for its statements again; those of a whole folder would only be held
        let passing;
        let script = match (request.identity, migration.sql.parsed()) {
            (Some(_), _) => migration.script(),
            (None, Some(parsed)) => parsed,
            (None, None) => {
                passing = Script::parse(migration.sql.as_str());
                &passing
            }
        };
        let mut after = scratch.take(&catalog);
        after.apply(script, &migration.name);
        let (lines, slips) = acceptances::read(script);
        let accepting: Vec<_> = lines.iter().map(|line| line.acceptance.clone()).collect();
        let subject = Subject {
            migration: &migration.name,
            script,
            before: &catalog,
            after: &after,
            scratch: &scratch,
            origins: &origins,
            // under another search_path the names here are other tables there
            live: request.live.filter(|_| !script.leaves_schema(request.default_schema)),
            target_is_empty,
            acceptances: &accepting,
            settings: request.settings,
            delivery: Delivery::of(script, &Columns(&catalog), request.settings.prisma),
            holds: OnceCell::new(),
        };
        let Looked { mut findings, origins: walked, unknown } = look(&subject, &mut together);
        findings.extend(slips);
        findings.extend(taken(&mut migrations, &migration.name));
        request.settings.levels.apply(&mut findings);
        acceptances::apply(&lines, request.default_schema, &mut findings);
        fixes::offer(script, &after, &mut findings);
        if request.live.is_some_and(Live::recorded) {
            findings.iter_mut().flat_map(|finding| &mut finding.evidence).for_each(Evidence::read_from_catalog);
        }
        findings.sort_by_key(|finding| {
            let range = finding.range.as_ref();
            (range.map(|range| range.start), Reverse(finding.severity), range.map(|range| range.end))
        });
        if request.live.is_some() && script.leaves_schema(request.default_schema) {
            unchecked.push(unchecked::under_another_path(&migration.name));
        }
        unchecked.extend(unchecked::unfollowed(&migration.name, script, &findings));
        blind |= !unknown.is_empty();
        unchecked.extend(unknown.iter().map(|object| unchecked::of_nobody(object, &migration.name, request.live)));
        renames |= dependent_object::renames(script);
        migrations.push(Reviewed {
            name: migration.name.clone(),
            path: migration.path.clone(),
            checksum: checksum(&migration.sql),
            sql: migration.sql.clone(),
            draft: None,
            findings,
            undo: None,
        });
        origins = walked;
        // the catalog before this migration becomes a copy of the one before the next
        let mut copy = std::mem::replace(&mut catalog, after);
        copy.apply(script, &migration.name);
        scratch.give(copy);
        scratch.next(script, &migration.name);
    }
    say_once(&mut migrations);
    unchecked.extend(unchecked::weakened(request.settings));
    match request.live {
        Some(live) => unchecked.extend(live.unchecked()),
        None if request.migrations.is_empty() => {}
        None => unchecked.extend(unchecked::offline(renames)),
    }
    Review {
        // what is not known is never a pass
        verdict: if blind { verdict(&migrations).max(Verdict::Warn) } else { verdict(&migrations) },
        plan_hash: request.identity.map(|identity| plan_hash(request.migrations, identity)),
        target: Target {
            provider: "postgresql",
            server_version: request.live.map(|live| version(live.server_version())),
            catalog: None,
        },
        migrations,
        together: together.remarks(),
        unchecked,
        consent: None,
    }
}

/// What is known of this very migration beside its text.
fn taken(standing: &mut Vec<Reviewed>, name: &str) -> Vec<Finding> {
    standing.extract_if(.., |each| each.name == name).flat_map(|each| each.findings).collect()
}

/// That plain Prisma waits for locks without end is said once, not for each file.
fn say_once(migrations: &mut [Reviewed]) {
    let mut said = false;
    for migration in migrations {
        migration
            .findings
            .retain(|finding| finding.rule != no_lock_timeout::RULE.id || !std::mem::replace(&mut said, true));
    }
}

/// What every rule together has seen of a migration.
struct Looked {
    findings: Vec<Finding>,
    /// What stands on the target after it.
    origins: Origins,
    /// Unknown objects, `table archive`.
    unknown: BTreeSet<String>,
}

/// Lets every rule look at a migration.
fn look(subject: &Subject<'_>, together: &mut Together) -> Looked {
    let mut stated = Vec::new();
    let mut unknown = BTreeSet::new();
    let mut holds = Vec::with_capacity(subject.script.statements().len());
    let origins = subject.walk(|step| {
        let hold = Hold::of(step);
        together.follow(step, &hold);
        holds.push(hold);
        let schema = &step.catalog.default_schema;
        let named = effects::unknown::named(step.statement, step.catalog).into_iter();
        unknown.extend(named.map(|reference| format!("{} {}", reference.word(), reference.label(schema))));
        step.apart(|step| {
            for rule in RULES.iter().filter(|rule| subject.settings.levels.on(rule)) {
                if let Check::Statement(check) = rule.check {
                    check(step, &mut stated);
                }
            }
        });
    });
    // the rules that look at the whole need not walk once more; nothing has asked before
    let _ = subject.holds.set(holds);
    let mut findings = Vec::new();
    for rule in RULES.iter().filter(|rule| subject.settings.levels.on(rule)) {
        if let Check::Migration(check) = rule.check {
            check(subject, &mut findings);
        }
    }
    squawk::check(subject, &mut findings);
    findings.extend(stated);
    Looked { findings, origins, unknown }
}

fn verdict(migrations: &[Reviewed]) -> Verdict {
    let of = |finding: &Finding| match (finding.severity, &finding.accepted) {
        (Severity::Error, None) => Verdict::Fail,
        (Severity::Error, Some(_)) | (Severity::Warning, None) => Verdict::Warn,
        _ => Verdict::Pass,
    };
    migrations.iter().flat_map(|migration| &migration.findings).map(of).max().unwrap_or(Verdict::Pass)
}

/// `150018` is 15.18.
pub(crate) fn version(number: u32) -> String {
    format!("{}.{}", number / 10_000, number % 10_000)
}
