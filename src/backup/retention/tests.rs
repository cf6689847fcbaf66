use proptest::prelude::*;

use super::*;

const RULES: Rules = Rules { days: 7, last: 3, months: 12 };

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

fn taken(time: &str) -> Item {
    Item {
        of: "prod".into(),
        time: at(time),
        proof: Some(Proof::Restored),
        pinned: false,
        needed: false,
        compressed: false,
        archived: false,
    }
}

fn clock(now: &str) -> Clock {
    Clock { now: at(now), jumped: false }
}

/// One letter for each fate: keep, compress, archive, delete.
fn letters(fates: &[Fate]) -> String {
    let letter = |fate: &Fate| match fate {
        Fate::Keep { archive: Some(_), .. } => 'a',
        Fate::Keep { compress: true, .. } => 'c',
        Fate::Keep { .. } => 'k',
        Fate::Delete => 'd',
    };
    fates.iter().map(letter).collect()
}

#[test]
fn a_year_of_backups_thins_out() {
    let times = [
        "2024-01-31T00:00:00Z", // older than twelve months
        "2024-11-03T00:00:00Z",
        "2024-11-30T23:59:59Z", // the newest of its month
        "2024-12-31T23:59:59Z", // the same
        "2025-01-01T00:00:00Z",
        "2025-01-05T00:00:00Z", // one of the last three
        "2025-01-19T00:00:00Z", // young
        "2025-01-20T00:00:00Z",
    ];
    let items = times.map(taken);
    assert_eq!(letters(&plan(&items, &RULES, &clock("2025-01-21T10:30:00Z"))), "ddaadckk");
}

#[test]
fn a_week_is_the_least() {
    let items = [taken("2025-01-14T10:30:00Z"), taken("2025-01-20T00:00:00Z")];
    let greedy = Rules { days: 0, last: 0, months: 0 };
    assert_eq!(letters(&plan(&items, &greedy, &clock("2025-01-21T10:30:00Z"))), "kk");
    assert_eq!(letters(&plan(&items, &greedy, &clock("2025-01-21T10:30:01Z"))), "dk");
}

#[test]
fn an_unproved_one_takes_no_ones_place() {
    let unproved = Item { proof: None, ..taken("2025-01-02T00:00:00Z") };
    let items = [taken("2024-12-01T00:00:00Z"), unproved];
    let greedy = Rules { days: 7, last: 0, months: 0 };
    let fates = plan(&items, &greedy, &clock("2025-03-01T00:00:00Z"));
    let because = |index: usize| match &fates[index] {
        Fate::Keep { because, .. } => because.clone(),
        Fate::Delete => Vec::new(),
    };
    assert_eq!((because(0), because(1)), (vec![Reason::Newest], vec![Reason::Unproved]));
}

#[test]
fn a_weaker_proof_does_not_replace_a_stronger_one() {
    let weaker = Item { proof: Some(Proof::Read), ..taken("2025-01-02T00:00:00Z") };
    let items = [taken("2024-12-01T00:00:00Z"), weaker];
    let greedy = Rules { days: 7, last: 0, months: 0 };
    assert_eq!(letters(&plan(&items, &greedy, &clock("2025-03-01T00:00:00Z"))), "cc");
}

#[test]
fn databases_do_not_compete() {
    let staging = Item { of: "staging".into(), ..taken("2025-01-02T00:00:00Z") };
    let items = [taken("2024-12-01T00:00:00Z"), staging];
    let greedy = Rules { days: 7, last: 0, months: 0 };
    assert_eq!(letters(&plan(&items, &greedy, &clock("2025-03-01T00:00:00Z"))), "cc");
}

#[test]
fn a_clock_that_jumped_deletes_and_moves_nothing() {
    let items = ["2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z", "2020-02-01T00:00:00Z"].map(taken);
    let none = Rules { days: 7, last: 0, months: 0 };
    let right = clock("2025-01-01T00:00:00Z");
    assert_eq!(letters(&plan(&items, &none, &right)), "ddc");
    assert_eq!(letters(&plan(&items, &none, &Clock { jumped: true, ..right })), "kkk");
    let behind = clock("2020-01-31T00:00:00Z");
    assert_eq!(letters(&plan(&items, &none, &behind)), "kkk");
    assert!(behind.wrong(&items).is_some());
}

fn item() -> impl Strategy<Value = Item> {
    let proof =
        prop_oneof![Just(None), Just(Some(Proof::Read)), Just(Some(Proof::Restored)), Just(Some(Proof::Roundtrip))];
    (0..3_u8, 0..900_i64, proof, any::<bool>(), prop::bool::weighted(0.1), prop::bool::weighted(0.1)).prop_map(
        |(of, days, proof, compressed, pinned, needed)| Item {
            of: of.to_string(),
            time: at("2023-01-01T12:00:00Z") + SignedDuration::from_hours(days * 24),
            proof,
            pinned,
            needed,
            compressed,
            archived: false,
        },
    )
}

fn rules() -> impl Strategy<Value = Rules> {
    (0..20_u32, 0..4_usize, 0..14_u32).prop_map(|(days, last, months)| Rules { days, last, months })
}

/// What is there after a plan was carried out.
fn carry_out(items: &[Item], fates: &[Fate]) -> Vec<Item> {
    let left = items.iter().zip(fates).filter_map(|(item, fate)| match fate {
        Fate::Delete => None,
        Fate::Keep { compress, archive, .. } => Some(Item {
            compressed: item.compressed || *compress,
            archived: item.archived || archive.is_some(),
            ..item.clone()
        }),
    });
    left.collect()
}

proptest! {
    #[test]
    fn what_must_stay_stays(items in prop::collection::vec(item(), 0..40), rules in rules(), day in 0..1500_i64) {
        let now = at("2023-01-01T12:00:00Z") + SignedDuration::from_hours(day * 24);
        let fates = plan(&items, &rules, &Clock { now, jumped: false });
        for (item, fate) in items.iter().zip(&fates) {
            let deleted = *fate == Fate::Delete;
            prop_assert!(!deleted || (!item.pinned && !item.needed && item.proof.is_some()));
            prop_assert!(!deleted || now.duration_since(item.time) > SignedDuration::from_hours(7 * 24));
        }
        for database in ["0", "1", "2"] {
            let proved = items.iter().zip(&fates).filter(|(item, _)| item.of == database && item.proof.is_some());
            let proved: Vec<_> = proved.collect();
            if let Some(newest) = proved.iter().map(|(item, _)| item.time).max() {
                prop_assert!(proved.iter().any(|(item, fate)| item.time == newest && **fate != Fate::Delete));
            }
            let kept = proved.iter().filter(|(_, fate)| **fate != Fate::Delete).count();
            prop_assert!(kept >= rules.last.min(proved.len()));
        }
        if items.iter().any(|item| item.time > now) {
            prop_assert!(!fates.contains(&Fate::Delete));
        }
    }

    #[test]
    fn carried_out_twice_is_carried_out_once(items in prop::collection::vec(item(), 0..40), rules in rules(), day in 0..1500_i64) {
        let clock = Clock { now: at("2023-01-01T12:00:00Z") + SignedDuration::from_hours(day * 24), jumped: false };
        let once = carry_out(&items, &plan(&items, &rules, &clock));
        let fates = plan(&once, &rules, &clock);
        prop_assert_eq!(letters(&fates), "k".repeat(once.len()));
    }

    #[test]
    fn what_goes_today_goes_tomorrow(items in prop::collection::vec(item(), 0..40), rules in rules(), day in 0..1500_i64, later in 0..400_i64) {
        let now = at("2023-01-01T12:00:00Z") + SignedDuration::from_hours(day * 24);
        let plan = |now| plan(&items, &rules, &Clock { now, jumped: false });
        let (today, tomorrow) = (plan(now), plan(now + SignedDuration::from_hours(later * 24)));
        for (today, tomorrow) in today.iter().zip(&tomorrow) {
            prop_assert!(*today != Fate::Delete || *tomorrow == Fate::Delete);
        }
    }

    #[test]
    fn the_order_of_names_says_nothing(mut items in prop::collection::vec(item(), 0..20), rules in rules(), day in 0..1500_i64) {
        // two of the same second are as good as each other
        items.sort_by_key(|item| item.time);
        items.dedup_by_key(|item| item.time);
        let clock = Clock { now: at("2023-01-01T12:00:00Z") + SignedDuration::from_hours(day * 24), jumped: false };
        let forward = plan(&items, &rules, &clock);
        items.reverse();
        let mut backward = plan(&items, &rules, &clock);
        backward.reverse();
        prop_assert_eq!(forward, backward);
    }
}
