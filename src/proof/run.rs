//! One case: the product's own path from the review to the rollback, and beside it what the oracle sees.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use postgres::Client;

use super::bench::Built;
use super::by_catalog;
use super::excuse::Excuse;
use super::oracle::{self, Gone, Kind, May};
use super::pending::Step;
use super::snapshot::Snapshot;
use crate::catalog::Catalog;
use crate::conservation::Written;
use crate::database::history::History;
use crate::database::{DatabaseUrl, connect};
use crate::deploy::{self, Hook, Prepared, Route};
use crate::project::Migration;
use crate::rehearsal::bare::Bare;
use crate::review::against::{Folder, Holds, planned};
use crate::review::{Review, Verdict};
use crate::rules::{Settings, settings};
use crate::undo::{Capture, Keeper, Measured, Plan};

/// What production, copy and template are called.
pub(super) const SCHEMA: &str = "public";

/// What a case came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    /// The generator wrote what the server does not take.
    Unbuilt,
    /// The product, or this proof.
    Panicked,
    /// The review says no.
    Reviewed,
    /// The rehearsal says no.
    Rehearsed,
    /// The server refuses a statement of the migration.
    Refused,
    /// It would be deployed.
    Accepted,
}

/// What came of the way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Back {
    /// All that differs is what was said before.
    Announced,
    /// The deploy that keeps what the rehearsal has measured is refused.
    Unkept,
    /// Said that something does not come back, and then refused as a whole.
    Declined,
    /// Refused when it was tried, and nothing changed.
    Stuck,
    Whole,
    /// Something differs that was not announced.
    Other,
}

#[derive(Debug)]
pub(super) struct Case {
    pub(super) seed: u64,
    pub(super) end: End,
    pub(super) back: Option<Back>,
    /// Lost although the deploy would go on, and no statement says so.
    pub(super) silent: Vec<Gone>,
    /// Lost, and why it may.
    pub(super) excused: Vec<(Excuse, Kind)>,
    /// How the database differs from the one before, or why it is not rolled back.
    pub(super) trip: Vec<String>,
    /// Refused for what is not lost.
    pub(super) false_alarm: Vec<String>,
    /// Between the review online and the one by a catalog file.
    pub(super) disagreements: Vec<String>,
    /// Everything about it, for its investigation.
    pub(super) story: String,
}

pub(super) fn patience() -> deploy::Settings {
    deploy::Settings {
        lock_timeout: Duration::from_secs(3),
        statement_timeout: Duration::from_secs(20),
        lock_retries: 0,
        deploy_wait: Duration::from_secs(1),
        show_queries: false,
        end_idle: None,
    }
}

pub(super) struct Playing<'a> {
    pub(super) original: &'a mut Built,
    pub(super) copy: DatabaseUrl,
    /// A session in the copy.
    pub(super) client: Client,
    /// Makes another copy of the original.
    pub(super) again: &'a mut dyn FnMut(&mut Built) -> DatabaseUrl,
    pub(super) migrations: &'a [Migration],
    pub(super) steps: &'a [Step],
    pub(super) dumped: bool,
    pub(super) case: &'a mut Case,
}

impl Playing<'_> {
    pub(super) fn play(&mut self) {
        let review = self.review();
        let pending = &self.migrations[1..];
        let mut prepared = Vec::new();
        for migration in pending {
            match Prepared::route(migration, &Catalog::new(SCHEMA), None) {
                Ok(Route::Atomic(atomic)) => prepared.push(atomic),
                Ok(Route::Sections(sections)) => {
                    return self.refused(format!("applied in {} sections", sections.len()));
                }
                Ok(Route::Alone { why, .. }) => return self.refused(why),
                Err(error) => return self.refused(format!("{error:?}")),
            }
        }
        let plans = self.plans();
        let mut keepers: Vec<Keeper<'_>> = plans.iter().map(|plan| Keeper::new(plan, SCHEMA)).collect();
        let mut hooks: Vec<&mut dyn Hook> = keepers.iter_mut().map(|keeper| keeper as &mut dyn Hook).collect();
        let Built { client, census, live: definitions, .. } = &mut *self.original;
        let (reviewed, settings) = (&review.migrations, patience());
        let bare = Bare { pending, reviewed, census, definitions, schema: SCHEMA, settings };
        let (losses, written) = match bare.rehearse((client, &self.copy, &mut self.client), &prepared, &mut hooks) {
            Ok(found) => found,
            Err(error) => {
                self.case.end = if review.verdict == Verdict::Fail { End::Reviewed } else { End::Refused };
                return self.case.trip.push(format!("{error:?} {}", error.causes().join("; ")));
            }
        };
        let uncovered: Vec<String> =
            losses.iter().filter(|loss| loss.covered_by.is_none()).map(ToString::to_string).collect();
        let covered = losses.iter().filter_map(|loss| Some(format!("--   {loss}: {}\n", loss.covered_by.as_ref()?)));
        self.case.story.push_str(&format!("-- covered\n{}", covered.collect::<String>()));
        self.case.end = match (review.verdict, uncovered.is_empty()) {
            (Verdict::Fail, _) => End::Reviewed,
            (_, false) => End::Rehearsed,
            (_, true) => End::Accepted,
        };
        let after = Snapshot::read(&mut self.client).unwrap();
        let before = &self.original.snapshot;
        let loose = self.mays().any(|may| matches!(may.kind, Kind::Name | Kind::Type | Kind::Column | Kind::Label));
        let gone = oracle::gone(before, &after, loose);
        if self.case.end == End::Accepted {
            for gone in gone {
                match Excuse::of(&gone, self.steps.iter().flat_map(|step| &step.may), &review) {
                    Some(excuse) => self.case.excused.push((excuse, gone.kind)),
                    None => self.case.silent.push(gone),
                }
            }
        } else if self.case.end == End::Rehearsed && gone.is_empty() {
            self.case.false_alarm = uncovered;
        }
        let kept: Vec<Vec<Capture>> = keepers.iter().map(|keeper| keeper.kept.clone()).collect();
        let measured = self.measured(&plans, &written, &kept);
        let same = measured.iter().zip(&plans).all(|(new, old)| new.planned == old.planned);
        if same {
            let definitions: Vec<_> = keepers.into_iter().map(Keeper::definitions).collect();
            return self.back(&measured, definitions);
        }
        // what the rehearsal has measured is kept by the deploy
        self.copy = (self.again)(self.original);
        self.client = connect(&self.copy, "proof").unwrap();
        let mut keepers: Vec<Keeper<'_>> = measured.iter().map(|plan| Keeper::new(plan, SCHEMA)).collect();
        let flag = Arc::new(AtomicBool::new(false));
        let mut runner = deploy::Runner::open(self.copy.clone(), patience(), flag).unwrap();
        for (migration, keeper) in prepared.iter().zip(&mut keepers) {
            if let Err(error) = runner.apply(migration, keeper) {
                self.case.back = Some(Back::Unkept);
                return self.case.trip.push(format!("{error:?}"));
            }
        }
        let definitions: Vec<_> = keepers.into_iter().map(Keeper::definitions).collect();
        self.back(&measured, definitions);
    }

    /// The plans with what the rehearsal has measured.
    fn measured(&mut self, plans: &[Plan], written: &[Written], kept: &[Vec<Capture>]) -> Vec<Plan> {
        let Built { client, live, .. } = &mut *self.original;
        let mut catalog = Catalog::of_target(SCHEMA, live);
        let mut measured = plans.to_vec();
        for (at, (plan, migration)) in measured.iter_mut().zip(&self.migrations[1..]).enumerate() {
            plan.extend(client, migration, &catalog, Measured { written, kept: &kept[at] }).unwrap();
            catalog.apply(migration.script(), &migration.name);
        }
        measured
    }

    fn refused(&mut self, why: String) {
        self.case.end = End::Refused;
        self.case.trip.push(why);
    }

    fn mays(&self) -> impl Iterator<Item = &May> {
        self.steps.iter().flat_map(|step| &step.may)
    }

    fn review(&mut self) -> Review {
        let client = &mut self.original.client;
        let settings = Settings::new(&settings::Review::default(), None);
        let history = History::read(client, SCHEMA).unwrap();
        let folder = Folder { migrations: self.migrations, directory: std::path::Path::new("/nowhere") };
        let holds = Holds { history: history.as_ref(), definitions: Some(&self.original.live) };
        let place = ("proof", SCHEMA);
        let review = planned(place, &folder, &self.migrations[1..], holds, client, &settings, 0).unwrap();
        if let [_, only] = self.migrations {
            let file = &self.original.file;
            self.case.disagreements = by_catalog::missed(file, only, &settings, &self.migrations[..1], &review);
        }
        self.case.story.push_str(&format!("-- review: {:?}\n", review.verdict));
        for finding in review.findings() {
            let line =
                format!("--   {:?} {}({}): {}\n", finding.severity, finding.rule, finding.object, finding.message);
            self.case.story.push_str(&line);
            let evidence = finding.evidence.iter().map(|evidence| format!("--     {}\n", evidence.text));
            self.case.story.extend(evidence);
        }
        review
    }

    fn plans(&mut self) -> Vec<Plan> {
        let client = &mut self.original.client;
        let mut catalog = Catalog::of_target(SCHEMA, &self.original.live);
        let plan = |migration: &Migration| {
            let plan = Plan::of(client, migration, &catalog).unwrap();
            catalog.apply(migration.script(), &migration.name);
            plan
        };
        self.migrations[1..].iter().map(plan).collect()
    }
}

pub(super) fn replay(migrations: &[Migration]) -> Catalog {
    let mut catalog = Catalog::new(SCHEMA);
    for migration in migrations {
        catalog.apply(migration.script(), &migration.name);
    }
    catalog
}
