//! One case: the product's own path from the review to the rollback, and beside it what the oracle sees.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use postgres::Client;

use super::bench::Built;
use super::oracle::{self, Gone, Kind, May};
use super::pending::Step;
use super::snapshot::Snapshot;
use super::{by_catalog, dump};
use crate::catalog::Catalog;
use crate::catalog::live::Live;
use crate::commands::review::{Folder, Holds, planned};
use crate::database::DatabaseUrl;
use crate::database::history::History;
use crate::deploy::{self, Hook, Prepared, Route};
use crate::project::Migration;
use crate::rehearsal::bare::Bare;
use crate::review::{Review, Verdict};
use crate::rules::{Settings, Severity, settings};
use crate::sql::Script;
use crate::transaction::Runner;
use crate::undo::{Capsule, Down, Keeper, Plan, Request, RolledBack, capsule, roll_back_on};

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
    /// Said before anything was committed.
    Announced,
    /// Refused when it was tried, and nothing changed.
    Stuck,
    Whole,
    /// It says that all is as before, and it is not.
    Other,
}

#[derive(Debug)]
pub(super) struct Case {
    pub(super) seed: u64,
    pub(super) end: End,
    pub(super) back: Option<Back>,
    /// Lost although the deploy would go on, and no statement says so.
    pub(super) silent: Vec<Gone>,
    /// How the database is unlike the one before, or why it is not taken back.
    pub(super) trip: Vec<String>,
    /// Refused for what is not lost.
    pub(super) false_alarm: Vec<String>,
    /// Between the review online and the one by a catalog file.
    pub(super) disagreements: Vec<String>,
    /// Everything about it, for whoever looks into it.
    pub(super) story: String,
}

fn patience() -> deploy::Settings {
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
    pub(super) copy: &'a DatabaseUrl,
    /// A session in the copy.
    pub(super) client: Client,
    pub(super) migrations: &'a [Migration],
    pub(super) steps: &'a [Step],
    pub(super) dumped: bool,
    pub(super) case: &'a mut Case,
}

impl Playing<'_> {
    pub(super) fn play(&mut self) {
        let review = self.review();
        let pending = &self.migrations[1..];
        let scripts: Vec<Script> = pending.iter().map(|migration| Script::parse(migration.sql.as_str())).collect();
        let mut prepared = Vec::new();
        for (migration, script) in pending.iter().zip(&scripts) {
            match Prepared::route(migration, script) {
                Ok(Route::Atomic(atomic)) => prepared.push(atomic),
                Ok(Route::Alone { why, .. }) => return self.refused(why),
                Err(error) => return self.refused(format!("{error:?}")),
            }
        }
        let plans = self.plans();
        let mut keepers: Vec<Keeper<'_>> = plans.iter().map(|plan| Keeper::new(plan, SCHEMA)).collect();
        let mut hooks: Vec<&mut dyn Hook> = keepers.iter_mut().map(|keeper| keeper as &mut dyn Hook).collect();
        let Built { client, census, .. } = &mut *self.original;
        let (reviewed, settings) = (&review.migrations, patience());
        let bare = Bare { pending, scripts: &scripts, reviewed, census, schema: SCHEMA, settings };
        let losses = match bare.rehearse((client, self.copy, &mut self.client), &prepared, &mut hooks) {
            Ok(losses) => losses,
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
            self.case.silent = gone.into_iter().filter(|gone| !self.says(gone, &review)).collect();
        } else if self.case.end == End::Rehearsed && gone.is_empty() {
            self.case.false_alarm = uncovered;
        }
        let keyless = plans.iter().flat_map(|plan| &plan.planned).find(|planned| planned.keyless);
        match keyless.map(ToString::to_string) {
            Some(said) => {
                self.case.back = Some(Back::Announced);
                self.case.trip.push(said);
            }
            None => self.back(keepers),
        }
    }

    fn refused(&mut self, why: String) {
        self.case.end = End::Refused;
        self.case.trip.push(why);
    }

    fn mays(&self) -> impl Iterator<Item = &May> {
        self.steps.iter().flat_map(|step| &step.may)
    }

    /// Whether a statement says by itself that this goes; of data, a finding has to say so too.
    fn says(&self, gone: &Gone, review: &Review) -> bool {
        let column = format!("{}.{}", gone.table, gone.name);
        let found = || {
            review.findings().any(|finding| {
                finding.severity >= Severity::Warning && (finding.object == gone.table || finding.object == column)
            })
        };
        // what CASCADE takes along has to be named, each by itself
        let victim = (!gone.kind.is_data() || gone.table.starts_with("mat_"))
            && review.findings().any(|finding| {
                let words =
                    |text: &str| text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == gone.name);
                finding.severity >= Severity::Warning && finding.message.contains("CASCADE") && words(&finding.message)
            });
        // what a foreign key does to other tables is told beside the finding
        let along = gone.kind.is_data()
            && review.findings().any(|finding| {
                let rows = format!("rows of {} go with them", gone.table);
                let told = |text: &str| text.contains(&rows) || text.starts_with("values of") && text.contains(&column);
                finding.severity >= Severity::Warning && finding.evidence.iter().any(|own| told(&own.text))
            });
        victim
            || along
            || self.mays().any(|may| {
                let same = |one: &str, other: &str| one.is_empty() || other.is_empty() || one == other;
                let of = same(&may.table, &gone.table) && same(&may.name, &gone.name);
                // without a key a row with another value is another row
                let keyless = gone.what.contains("as they were") && may.table == gone.table;
                match (may.kind, gone.kind) {
                    // an UPDATE with its WHERE says what it sets
                    (Kind::Values, Kind::Values) => of,
                    (Kind::Values, Kind::Rows) => keyless,
                    (Kind::Retyped, Kind::Rows) => {
                        keyless
                            && review.findings().any(|finding| finding.object == format!("{}.{}", may.table, may.name))
                    }
                    (Kind::Rows, Kind::Rows) => of && (found() || gone.table.starts_with("mat_")),
                    (Kind::Retyped, Kind::Values) => of && found(),
                    // what is bound to the column's type is written anew with it
                    (one, other) => of && one == other && !other.is_data(),
                }
            })
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
            catalog.apply(&Script::parse(migration.sql.as_str()), &migration.name);
            plan
        };
        self.migrations[1..].iter().map(plan).collect()
    }

    /// Everything is taken back, newest first; the database must be the one before.
    fn back(&mut self, keepers: Vec<Keeper<'_>>) {
        let mut definitions: Vec<_> = keepers.into_iter().map(Keeper::definitions).collect();
        for at in (1..self.migrations.len()).rev() {
            match self.take_back(at, definitions.pop().flatten()) {
                Ok(_) => {}
                Err((back, why)) => {
                    self.case.back = Some(back);
                    return self.case.trip.extend(why);
                }
            }
        }
        let after = Snapshot::read(&mut self.client).unwrap();
        let before = &self.original.snapshot;
        let mut trip: Vec<String> =
            oracle::gone(before, &after, false).iter().map(|gone| format!("lost: {gone}")).collect();
        let data = |gone: &&Gone| gone.kind.is_data();
        trip.extend(oracle::gone(&after, before, false).iter().filter(data).map(|gone| format!("came: {gone}")));
        if self.dumped {
            match dump::definitions(self.copy) {
                Ok(now) => trip.extend(dump::differences(&self.original.definitions, &now)),
                Err(error) => trip.push(error),
            }
        }
        self.case.back = Some(if trip.is_empty() { Back::Whole } else { Back::Other });
        self.case.trip.extend(trip);
    }

    fn take_back(
        &mut self,
        at: usize,
        definitions: Option<(String, (Live, Live))>,
    ) -> Result<RolledBack, (Back, Vec<String>)> {
        let (migration, earlier) = (&self.migrations[at], &self.migrations[..at]);
        let history = History::read(&mut self.client, SCHEMA).unwrap().unwrap();
        let row = history.rows.iter().find(|row| row.name == migration.name).unwrap();
        let capsule = capsule::find(&mut self.client, &row.id).unwrap();
        let capsule = capsule.or_else(|| definitions.map(|(_, both)| Capsule::empty(&row.id, both)));
        let world = capsule.as_ref().and_then(|capsule| capsule.definitions.as_ref());
        let catalog = match world {
            Some((before, _)) => Catalog::of_target(SCHEMA, before),
            None => replay(earlier),
        };
        let down = Down::of(migration, &catalog);
        let mut after = catalog.clone();
        after.apply(&Script::parse(migration.sql.as_str()), &migration.name);
        if !down.impossible.is_empty() {
            return Err((Back::Announced, down.impossible));
        }
        let request = Request {
            migration: &migration.name,
            row: (&row.id, row.state()),
            schema: SCHEMA,
            down: &down,
            capsule: capsule.as_ref(),
            replayed: (&catalog, &after),
            fills: &[],
            accept_differences: false,
            dry: false,
        };
        let flag = Arc::new(AtomicBool::new(false));
        let mut runner = Runner::open(self.copy.clone(), "proof", patience(), flag).unwrap();
        roll_back_on(&mut runner, &request)
            .map_err(|error| (Back::Stuck, vec![format!("{error:?} {}", error.causes().join("; "))]))
    }
}

fn replay(migrations: &[Migration]) -> Catalog {
    let mut catalog = Catalog::new(SCHEMA);
    for migration in migrations {
        catalog.apply(&Script::parse(migration.sql.as_str()), &migration.name);
    }
    catalog
}
