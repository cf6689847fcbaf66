//! Nothing newer is ever overwritten, and no deleted row reappears.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::story::Story;

const INIT: &str =
    "CREATE TABLE song (id INT PRIMARY KEY, artist TEXT, title VARCHAR(40) NOT NULL, plays BIGINT NOT NULL);
CREATE INDEX song_artist ON song (artist);";

/// What happens to a row between the deploy and the rollback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Left,
    Changed,
    Deleted,
    /// Deleted, and another one has its key.
    Replaced,
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![Just(Fate::Left), Just(Fate::Changed), Just(Fate::Deleted), Just(Fate::Replaced)];
    proptest::collection::vec(fate, 1..12)
}

/// The titles by id.
fn titles(story: &Story) -> BTreeMap<i32, String> {
    let rows = story.database.connect().query("SELECT id, title FROM song", &[]).unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Each way of losing a title: by a narrower type, and by an update.
fn title_is_never_overwritten(up: &str, cut: fn(i32) -> String) {
    let story = std::cell::RefCell::new(Story::new(INIT));
    let mut runner = TestRunner::new(Config { cases: 12, failure_persistence: None, ..Config::default() });
    let result = runner.run(&fates(), |fates| {
        let mut story = story.borrow_mut();
        let ids = 1..=i32::try_from(fates.len()).unwrap();
        story.database.execute("TRUNCATE song");
        story.database.execute(&format!(
            "INSERT INTO song SELECT n, 'a' || n, 'the long title ' || n, n FROM generate_series(1, {}) n",
            fates.len()
        ));
        story.apply("2_change", up).unwrap();
        for (id, fate) in ids.clone().zip(&fates) {
            assert_eq!(titles(&story)[&id], cut(id));
            match fate {
                Fate::Left => {}
                Fate::Changed => story.database.execute(&format!("UPDATE song SET title = 'newer' WHERE id = {id}")),
                Fate::Deleted => story.database.execute(&format!("DELETE FROM song WHERE id = {id}")),
                Fate::Replaced => story.database.execute(&format!(
                    "DELETE FROM song WHERE id = {id}; INSERT INTO song VALUES ({id}, 'b', 'other', 0)"
                )),
            }
        }
        let done = story.back(&[]).unwrap();
        let now = titles(&story);
        for (id, fate) in ids.zip(&fates) {
            let expected = match fate {
                Fate::Left => Some(format!("the long title {id}")),
                Fate::Changed => Some("newer".to_owned()),
                Fate::Deleted => None,
                Fate::Replaced => Some("other".to_owned()),
            };
            prop_assert_eq!(now.get(&id), expected.as_ref());
        }
        let count = |wanted: &[Fate]| fates.iter().filter(|fate| wanted.contains(fate)).count() as u64;
        let report = &done.put_back[0];
        prop_assert_eq!(report.kept, fates.len() as u64);
        prop_assert_eq!(report.restored, count(&[Fate::Left]));
        prop_assert_eq!(report.newer, count(&[Fate::Changed, Fate::Replaced]));
        prop_assert_eq!(report.deleted, count(&[Fate::Deleted]));
        Ok(())
    });
    result.unwrap();
}

#[test]
fn a_cut_title_comes_back_only_where_it_is_still_cut() {
    let up = "ALTER TABLE song ALTER COLUMN title TYPE VARCHAR(8) USING left(title, 8)";
    title_is_never_overwritten(up, |_| "the long".into());
}

#[test]
fn an_overwritten_title_comes_back_only_where_it_is_still_so() {
    title_is_never_overwritten("UPDATE song SET title = 'T' || id WHERE id > 0", |id| format!("T{id}"));
}

#[test]
fn deleted_rows_come_back_only_where_their_key_is_free() {
    let story = std::cell::RefCell::new(Story::new(INIT));
    let mut runner = TestRunner::new(Config { cases: 10, failure_persistence: None, ..Config::default() });
    let result = runner.run(&(fates(), 0..12_i32), |(fates, limit)| {
        let mut story = story.borrow_mut();
        story.database.execute("TRUNCATE song");
        story.database.execute(&format!(
            "INSERT INTO song SELECT n, 'a' || n, 't' || n, n FROM generate_series(1, {}) n",
            fates.len()
        ));
        story.apply("2_delete", &format!("DELETE FROM song WHERE id <= {limit}")).unwrap();
        for (id, fate) in (1..).zip(&fates) {
            match fate {
                Fate::Left => {}
                Fate::Changed => story.database.execute(&format!("UPDATE song SET title = 'newer' WHERE id = {id}")),
                // the application deletes too: what it deleted stays away
                Fate::Deleted => story.database.execute(&format!("DELETE FROM song WHERE id = {id}")),
                Fate::Replaced => story.database.execute(&format!(
                    "DELETE FROM song WHERE id = {id}; INSERT INTO song VALUES ({id}, 'b', 'other', 0)"
                )),
            }
        }
        story.back(&[]).unwrap();
        let now = titles(&story);
        for (id, fate) in (1..).zip(&fates) {
            let gone = id <= limit;
            let expected = match fate {
                Fate::Replaced => Some("other".to_owned()),
                Fate::Deleted if !gone => None,
                Fate::Changed if !gone => Some("newer".to_owned()),
                _ => Some(format!("t{id}")),
            };
            prop_assert_eq!(now.get(&id), expected.as_ref());
        }
        Ok(())
    });
    result.unwrap();
}

#[test]
fn no_write_is_lost_while_others_write() {
    let mut story = Story::new(INIT);
    story.database.execute("INSERT INTO song SELECT n, 'a' || n, 't' || n, 0 FROM generate_series(1, 500) n");
    let done = AtomicBool::new(false);
    let written = thread::scope(|scope| {
        let writers: Vec<_> = (0..2)
            .map(|number: i32| {
                let (done, mut client) = (&done, story.database.connect());
                scope.spawn(move || {
                    let mut written = 0_i64;
                    let mut id = number;
                    while !done.load(Ordering::Relaxed) {
                        id = id % 500 + 2;
                        // read, then write: what deadlocks with a lock that is taken in two steps
                        let mut transaction = client.transaction().unwrap();
                        transaction.query("SELECT plays FROM song WHERE id = $1", &[&id]).unwrap();
                        written += transaction
                            .execute("UPDATE song SET plays = plays + 1 WHERE id = $1", &[&id])
                            .unwrap()
                            .cast_signed();
                        transaction.commit().unwrap();
                        thread::sleep(Duration::from_millis(1));
                    }
                    written
                })
            })
            .collect();
        for round in 0..3 {
            story.apply("2_drop", "ALTER TABLE song DROP COLUMN artist").unwrap();
            story.database.execute(&format!(
                "DELETE FROM song WHERE id = {}; INSERT INTO song VALUES ({}, 'new', 0)",
                400 + round,
                900 + round
            ));
            let back = story.back(&[]).unwrap();
            assert_eq!(back.put_back[0].deleted, 1);
        }
        done.store(true, Ordering::Relaxed);
        writers.into_iter().map(|writer| writer.join().unwrap()).sum::<i64>()
    });
    let gone = 3;
    let plays: i64 = story.database.value("SELECT sum(plays) FROM song").parse().unwrap();
    assert!(plays <= written && written > 0, "{plays} of {written}");
    // rows that were deleted took their plays along, nothing else is missing
    assert_eq!(story.count("song WHERE artist = 'a' || id"), 500 - gone);
    assert_eq!(story.count("song WHERE artist IS NULL"), gone);
}
