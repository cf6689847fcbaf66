//! Proof by generation: databases, rows and migrations made up by chance, each taken through review, rehearsal and rollback on a
//! scratch server, and measured by an oracle that shares nothing with the product's own comparison.
//!
//! - What is accepted loses nothing that no statement names.
//! - What the review online finds, the one by a catalog file finds too.
//! - A rollback gives the database back, or says beforehand that it cannot.
//!
//! `make soak CASES=1000 SEED=7` plays more of them; `CASES=1 SEED=…` one again.
//!
//! | module | what it is |
//! |---|---|
//! | `random` | chance by seed |
//! | `model`, `production`, `pending` | what is made up: the database, then the migrations |
//! | `bench`, `run`, `back` | the databases of the cases; one case through the product; its way back |
//! | `by_catalog` | the review by a catalog file beside the one online |
//! | `snapshot`, `oracle`, `dump` | what is there, and what went, in plain SQL |
//! | `garbled` | texts that nobody would write: nothing panics |
//! | `excuse` | what may go without an acceptance |
#![expect(
    clippy::disallowed_methods,
    clippy::format_push_string,
    reason = "tests start programs, print, and fail by panicking"
)]

mod back;
mod bench;
mod by_catalog;
mod dump;
mod excuse;
mod garbled;
mod model;
mod oracle;
mod pending;
mod production;
mod random;
mod run;
mod snapshot;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use self::bench::{Bench, GROUP};
use self::excuse::Excuse;
use self::oracle::Kind;
use self::run::{Back, Case, End};

/// Of `make test`.
const CASES: u64 = 150;
const SEED: u64 = 1;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn what_is_accepted_loses_nothing_and_a_rollback_gives_all_back() {
    let (cases, seed, verbose) = (number("CASES", CASES), number("SEED", SEED), std::env::var("VERBOSE").is_ok());
    let soak = std::env::var("CASES").is_ok();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // beside other tests one core is enough
    let workers = if soak { cores.min(usize::try_from(cases.div_ceil(GROUP)).unwrap_or(1)) } else { 1 };
    let start = Instant::now();
    let (tally, left) = (Mutex::new(Tally::default()), Mutex::new(seed..seed.saturating_add(cases)));
    let work = || {
        let mut bench = Bench::new();
        // pg_dump is a third of the cost, and sees little that the snapshot does not
        let dumped = |at: u64| cases == 1 || (at - seed).is_multiple_of(3);
        while let Some(seeds) = next(&mut left.lock().unwrap()) {
            bench.play(seeds, dumped, |case| tally.lock().unwrap().add(&case, verbose || cases == 1));
        }
    };
    std::thread::scope(|scope| {
        (0..workers).for_each(|_| drop(scope.spawn(work)));
    });
    let tally = tally.into_inner().unwrap();
    println!("{}", tally.summary(start.elapsed()));
    let Tally { silent, broken, unbuilt, panicked, disagreements, .. } = tally;
    assert!(unbuilt == 0, "{unbuilt} databases could not be built: the generator is wrong");
    assert!(panicked == 0, "{panicked} cases panicked: see the seeds above");
    assert!(silent == 0, "{silent} of {cases} deploys would lose something that was not accepted: see the seeds above");
    assert!(
        disagreements == 0,
        "{disagreements} of {cases} reviews find more online than by a catalog file: see above"
    );
    assert!(broken == 0, "{broken} of {cases} rollbacks are not whole and did not say so: see the seeds above");
}

/// Those of the next production.
fn next(left: &mut Range<u64>) -> Option<Range<u64>> {
    let first = left.start;
    left.start = left.end.min((first / GROUP + 1) * GROUP);
    (first < left.start).then_some(first..left.start)
}

#[derive(Default)]
struct Tally {
    ends: BTreeMap<End, usize>,
    backs: BTreeMap<Back, usize>,
    /// Losses that are not faults: why, of which kind, and how many.
    excused: BTreeMap<(Excuse, Kind), usize>,
    false_alarms: usize,
    silent: u64,
    broken: u64,
    unbuilt: u64,
    panicked: u64,
    disagreements: u64,
}

impl Tally {
    fn add(&mut self, case: &Case, verbose: bool) {
        *self.ends.entry(case.end).or_default() += 1;
        if let Some(back) = case.back {
            *self.backs.entry(back).or_default() += 1;
        }
        for excused in &case.excused {
            *self.excused.entry(*excused).or_default() += 1;
        }
        self.false_alarms += usize::from(!case.false_alarm.is_empty());
        let broken = matches!(case.back, Some(Back::Other | Back::Stuck | Back::Unkept));
        self.silent += u64::from(!case.silent.is_empty());
        self.broken += u64::from(broken);
        self.disagreements += u64::from(!case.disagreements.is_empty());
        self.unbuilt += u64::from(case.end == End::Unbuilt);
        self.panicked += u64::from(case.end == End::Panicked);
        let failed = broken
            || !case.silent.is_empty()
            || matches!(case.end, End::Unbuilt | End::Panicked)
            || !case.disagreements.is_empty();
        if failed || verbose {
            println!("==== SEED={} {:?} {:?}", case.seed, case.end, case.back);
            case.silent.iter().for_each(|gone| println!("SILENT {gone}"));
            case.trip.iter().for_each(|line| println!("TRIP {line}"));
            case.disagreements.iter().for_each(|line| println!("DISAGREE {line}"));
            case.false_alarm.iter().for_each(|line| println!("ALARM {line}"));
            println!("{}", case.story);
        }
    }

    fn summary(&self, took: Duration) -> String {
        let Self { ends, backs, excused, false_alarms, silent, broken, disagreements, .. } = self;
        format!(
            "reviews and rehearsals: {ends:?}\nrollbacks: {backs:?}\nlost and not accepted: {excused:?}\n\
             {silent} silent losses, {broken} broken rollbacks, {disagreements} disagreements, {false_alarms} false alarms, in {took:.1?}"
        )
    }
}
