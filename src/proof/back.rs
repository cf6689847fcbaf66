//! The way back of a case, and whether it leads to the database before.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::dump;
use super::oracle::{self, Gone, Kind};
use super::run::{Back, Playing, SCHEMA, patience, replay};
use super::snapshot::{Snapshot, Thing};
use crate::catalog::Catalog;
use crate::catalog::live::Live;
use crate::database::history::{History, Row};
use crate::project::Migration;
use crate::transaction::Runner;
use crate::undo::reverse::is_code;
use crate::undo::way::refresh_again;
use crate::undo::{Capsule, Down, Plan, PutBack, Request, RolledBack, capsule, roll_back_all_on};

impl Playing<'_> {
    /// Everything is rolled back, newest first; the database must be the one before, but for what was said before.
    pub(super) fn back(&mut self, plans: &[Plan], definitions: Vec<Option<(String, (Live, Live))>>) {
        let each = definitions.into_iter().zip(plans).enumerate();
        let mut ways: Vec<Way> = each.map(|(at, (own, plan))| self.way(at + 1, own, plan)).collect();
        let scripts = self.migrations[1..].iter().map(Migration::script);
        let chain = ways.iter_mut().zip(scripts).map(|(way, script)| (&mut way.down, &way.before, script));
        refresh_again(chain.rev()).unwrap();
        let keyless = plans.iter().flat_map(|plan| &plan.planned).filter(|planned| planned.keyless);
        let mut announced: Vec<String> = keyless.map(ToString::to_string).collect();
        announced.extend(ways.iter().flat_map(|way| way.down.impossible.clone()));
        announced.extend(plans.iter().flat_map(|plan| plan.measured.iter().flatten().cloned()));
        let accept = !announced.is_empty();
        let requests: Vec<Request<'_>> = ways.iter().rev().map(|way| way.request(accept)).collect();
        let flag = Arc::new(AtomicBool::new(false));
        let mut runner = Runner::open(self.copy.clone(), "proof", patience(), flag).unwrap();
        match roll_back_all_on(&mut runner, &requests) {
            Ok(done) => announced.extend(done.iter().flat_map(said)),
            Err(error) => {
                self.case.back = Some(if accept { Back::Declined } else { Back::Stuck });
                return self.case.trip.push(format!("{error:?} {}", error.causes().join("; ")));
            }
        }
        let trips = self.trips();
        let pending: String = self.migrations[1..].iter().map(|migration| migration.sql.as_str()).collect();
        let unsaid = trips.iter().any(|trip| !announced.iter().any(|text| trip.is_of(text, &pending)));
        self.case.back = Some(match (trips.is_empty(), unsaid) {
            (true, _) => Back::Whole,
            (false, false) => Back::Announced,
            (false, true) => Back::Other,
        });
        self.case.trip.extend(trips.into_iter().map(|trip| trip.what));
        self.case.trip.extend(announced.into_iter().map(|text| format!("announced: {text}")));
    }

    /// How the database is unlike the one before.
    fn trips(&mut self) -> Vec<Trip> {
        let after = Snapshot::read(&mut self.client).unwrap();
        let before = &self.original.snapshot;
        // a materialized view holds what the tables hold that it reads
        let reads = |gone: &Gone| -> Vec<String> {
            let view =
                |thing: &&Thing| gone.kind.is_data() && thing.kind == Kind::Materialized && thing.name == gone.table;
            let definitions = before.things.iter().filter(view).filter_map(|view| view.facts.get("definition"));
            definitions.flat_map(|text| words(text).map(str::to_owned)).collect()
        };
        let trip = |word: &str, gone: Gone| Trip {
            what: format!("{word}: {gone}"),
            names: [vec![gone.table.clone(), gone.name.clone()], reads(&gone)].concat(),
        };
        let lost = oracle::gone(before, &after, false).into_iter().map(|gone| trip("lost", gone));
        // what is otherwise has been told as lost
        let new = |gone: &Gone| gone.kind.is_data() || gone.what == "is gone";
        let came = oracle::gone(&after, before, false).into_iter().filter(new).map(|gone| trip("came", gone));
        let mut trips: Vec<Trip> = lost.chain(came).collect();
        if self.dumped {
            let now = dump::definitions(&self.copy).unwrap();
            let named = before.things.iter().chain(&after.things).filter(|thing| thing.kind.stands_alone());
            let names: BTreeSet<&str> = named.map(|thing| thing.name.as_str()).collect();
            trips.extend(dump::differences(&self.original.definitions, &now).into_iter().map(|what| Trip {
                names: words(&what).filter(|word| names.contains(word)).map(str::to_owned).collect(),
                what,
            }));
        }
        trips
    }

    fn way(&mut self, at: usize, definitions: Option<(String, (Live, Live))>, plan: &Plan) -> Way {
        let (migration, earlier) = (&self.migrations[at], &self.migrations[..at]);
        let history = History::read(&mut self.client, SCHEMA).unwrap().unwrap();
        let row = history.rows.into_iter().find(|row| row.name == migration.name).unwrap();
        let capsule = capsule::find(&mut self.client, &row.id).unwrap();
        let capsule = capsule.or_else(|| definitions.map(|(_, both)| Capsule::empty(&row.id, both)));
        let measured = plan.measured.clone();
        let capsule = capsule.map(|capsule| Capsule { measured, ..capsule });
        let before = match capsule.as_ref().and_then(|capsule| capsule.definitions.as_ref()) {
            Some((before, _)) => Catalog::of_target(SCHEMA, before),
            None => replay(earlier),
        };
        let down = Down::of(migration, &before);
        let mut after = before.clone();
        after.apply(migration.script(), &migration.name);
        Way { name: migration.name.clone(), row, down, capsule, before, after }
    }
}

/// A migration's way back.
struct Way {
    name: String,
    row: Row,
    down: Down,
    capsule: Option<Capsule>,
    before: Catalog,
    after: Catalog,
}

impl Way {
    fn request(&self, accept_differences: bool) -> Request<'_> {
        Request {
            migration: &self.name,
            row: (&self.row.id, self.row.state()),
            schema: SCHEMA,
            down: &self.down,
            capsule: self.capsule.as_ref(),
            replayed: (&self.before, &self.after),
            fills: &[],
            accept_differences,
            dry: false,
        }
    }
}

/// A difference, and the objects that it is about.
struct Trip {
    names: Vec<String>,
    what: String,
}

impl Trip {
    /// Whether a sentence says so.
    fn is_of(&self, text: &str, pending: &str) -> bool {
        // what is done to a table is done to its partitions
        let is = |name: &str, word: &str| name == word || name.starts_with("log_") && word == "Log";
        let names = |text: &str| words(text).any(|word| self.names.iter().any(|name| is(name, word)));
        // of code, the rows that it changed or deleted in the rehearsal are kept; a kind of statement is named without what it is
        // about
        let rows = self.what.starts_with("lost: Rows") || self.what.starts_with("lost: Values");
        let code = is_code(text) && !rows || text == "not everything this statement did is known";
        let kind = text.strip_suffix("` is not undone").and_then(|text| text.strip_prefix('`'));
        let begins = |kind: &str| kind.splitn(3, ' ').take(2).all(|word| self.what.contains(word));
        code || names(text) || kind.is_some_and(|kind| names(pending) || begins(kind))
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
}

/// What a rollback says itself that it has not given back.
fn said(done: &RolledBack) -> Vec<String> {
    let untold = |put_back: &&PutBack| put_back.impossible.is_some() || put_back.orphaned > 0;
    let impossible = done.put_back.iter().filter(untold);
    impossible.map(ToString::to_string).chain(done.lost.clone()).chain(done.differences.clone()).collect()
}
