//! The course of a review: one migration after the other, each on what those before it have built.

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::together::Together;
use super::{Request, Review, Reviewed, Target, Verdict, acceptances, fixes, plan_hash, unchecked, version};
use crate::catalog::Catalog;
use crate::effects;
use crate::project::Migration;
use crate::project::migrations::checksum;
use crate::rules::columns::Columns;
use crate::rules::delivery::Delivery;
use crate::rules::locks::Hold;
use crate::rules::origins::Origins;
use crate::rules::{
    Check, Evidence, Finding, Live, RULES, Scratch, Severity, Subject, Unchecked, dependent_object, no_lock_timeout,
    squawk,
};
use crate::sql::Script;

/// Where a review stands.
pub(super) struct Course<'a> {
    /// What is asked for; its world is [`catalog`](Self::catalog) now, and what stood is among [`migrations`](Self::migrations).
    request: Request<'a>,
    /// What everything so far has built.
    catalog: Catalog,
    scratch: Scratch,
    /// What of it came with the plan.
    origins: Origins,
    together: Together,
    /// Nobody has anything in the target yet.
    target_is_empty: bool,
    migrations: Vec<Reviewed>,
    unchecked: Vec<Unchecked>,
    /// Whether something was renamed.
    renames: bool,
    /// Whether a statement is about an unknown object.
    blind: bool,
}

impl<'a> Course<'a> {
    /// Builds what comes before.
    pub(super) fn begin(mut request: Request<'a>) -> Self {
        let world = request.world.take();
        let mut catalog = world.unwrap_or_else(|| Catalog::new(request.default_schema));
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
        let mut migrations = std::mem::take(&mut request.standing);
        for standing in &mut migrations {
            request.settings.levels.apply(&mut standing.findings);
            acceptances::of_standing(standing.sql.as_str(), request.default_schema, &mut standing.findings);
        }
        Self {
            unchecked: unchecked::not_replayed(&catalog, unread),
            catalog,
            scratch: Scratch::default(),
            origins: Origins::default(),
            together: Together::default(),
            target_is_empty,
            migrations,
            renames: false,
            blind: false,
            request,
        }
    }

    /// Reviews the next migration.
    pub(super) fn review(&mut self, migration: &Migration) {
        if self.request.identity.is_none() {
            // not a plan: each is looked at as if those before it had been deployed
            self.origins = Origins::default();
        }
        // the stages after the review of a plan ask for its statements again; those of a whole folder would only be held
        let passing;
        let script = match (self.request.identity, migration.sql.parsed()) {
            (Some(_), _) => migration.script(),
            (None, Some(parsed)) => parsed,
            (None, None) => {
                passing = Script::parse(migration.sql.as_str());
                &passing
            }
        };
        let mut after = self.scratch.take(&self.catalog);
        after.apply(script, &migration.name);
        let findings = self.findings(migration, script, &after);
        self.renames |= dependent_object::renames(script);
        self.migrations.push(Reviewed {
            name: migration.name.clone(),
            path: migration.path.clone(),
            checksum: checksum(&migration.sql),
            sql: migration.sql.clone(),
            draft: None,
            findings,
            undo: None,
        });
        // the catalog before this migration becomes a copy of the one before the next
        let mut copy = std::mem::replace(&mut self.catalog, after);
        copy.apply(script, &migration.name);
        self.scratch.give(copy);
        self.scratch.next(script, &migration.name);
    }

    /// What is found in a migration that leads to `after`, in the order of its lines.
    fn findings(&mut self, migration: &Migration, script: &Script, after: &Catalog) -> Vec<Finding> {
        let Request { live, settings, default_schema, .. } = self.request;
        let (lines, slips) = acceptances::read(script);
        let accepting: Vec<_> = lines.iter().map(|line| line.acceptance.clone()).collect();
        let elsewhere = script.leaves_schema(default_schema);
        let subject = Subject {
            migration: &migration.name,
            script,
            before: &self.catalog,
            after,
            scratch: &self.scratch,
            origins: &self.origins,
            // under another search_path the names here are other tables there
            live: live.filter(|_| !elsewhere),
            target_is_empty: self.target_is_empty,
            acceptances: &accepting,
            settings,
            delivery: Delivery::of(script, &Columns(&self.catalog), settings.prisma),
            holds: OnceCell::new(),
        };
        let Looked { mut findings, origins, unknown } = look(&subject, &mut self.together);
        findings.extend(slips);
        // what is known of this very migration beside its text
        let standing = self.migrations.extract_if(.., |each| each.name == migration.name);
        findings.extend(standing.flat_map(|each| each.findings));
        settings.levels.apply(&mut findings);
        acceptances::apply(&lines, default_schema, &mut findings);
        fixes::offer(script, after, &mut findings);
        if live.is_some_and(Live::recorded) {
            findings.iter_mut().flat_map(|finding| &mut finding.evidence).for_each(Evidence::read_from_catalog);
        }
        findings.sort_by_key(|finding| {
            let range = finding.range.as_ref();
            (range.map(|range| range.start), Reverse(finding.severity), range.map(|range| range.end))
        });
        self.origins = origins;
        if live.is_some() && elsewhere {
            self.unchecked.push(unchecked::under_another_path(&migration.name));
        }
        self.unchecked.extend(unchecked::unfollowed(&migration.name, script, &findings));
        self.blind |= !unknown.is_empty();
        self.unchecked.extend(unknown.iter().map(|object| unchecked::of_nobody(object, &migration.name, live)));
        findings
    }

    /// What it came to.
    pub(super) fn end(mut self) -> Review {
        let Request { migrations, live, identity, settings, .. } = self.request;
        say_once(&mut self.migrations);
        self.unchecked.extend(unchecked::weakened(settings));
        match live {
            Some(live) => self.unchecked.extend(live.unchecked()),
            None if migrations.is_empty() => {}
            None => self.unchecked.extend(unchecked::offline(self.renames)),
        }
        let verdict = verdict(&self.migrations);
        Review {
            // what is not known is never a pass
            verdict: if self.blind { verdict.max(Verdict::Warn) } else { verdict },
            plan_hash: identity.map(|identity| plan_hash(migrations, identity)),
            target: Target {
                provider: "postgresql",
                server_version: live.map(|live| version(live.server_version())),
                catalog: None,
            },
            migrations: self.migrations,
            together: self.together.remarks(),
            unchecked: self.unchecked,
            consent: None,
        }
    }
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
