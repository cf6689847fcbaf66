use std::os::unix::fs::PermissionsExt as _;

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::*;
use crate::database::History;
use crate::database::history::Row;
use crate::deploy::turn::Patience;
use crate::ui::Shell;
use crate::ui::shell::ColorChoice;

/// The turn of a test that is alone in its folder.
fn turn(root: &Path) -> Turn {
    let (interrupt, shell) = (AtomicBool::new(false), Shell::new(true, 0, ColorChoice::Never, true, &|_| None));
    let patience =
        Patience { time: Duration::ZERO, interrupt: &interrupt, shell: &shell, show_queries: true, end_orphans: false };
    Turn::take(root, &patience).unwrap()
}

fn started(pending: &[&str]) -> Event {
    Event::Started {
        version: "0.1.0".into(),
        target: "db.example.com:5432/music?schema=public".into(),
        server: None,
        pending: pending.iter().map(|name| Planned { name: (*name).into(), checksum: "c".into() }).collect(),
    }
}

fn applying(name: &str) -> Event {
    Event::Applying { name: name.into(), checksum: "c".into() }
}

fn applied(name: &str) -> Event {
    Event::Applied { name: name.into(), milliseconds: 3, tries: 1 }
}

fn history(rows: &[(&str, bool)]) -> History {
    let row = |(name, finished): &(&str, bool)| Row {
        id: "x".into(),
        name: (*name).into(),
        checksum: "c".into(),
        started_at: String::new(),
        finished_at: finished.then(String::new),
        rolled_back_at: None,
        logs: None,
        marked: false,
    };
    History { rows: rows.iter().map(row).collect() }
}

/// The record that a deployment leaves which dies after these events.
fn cut_after(events: Vec<Event>) -> Record {
    let root = tempfile::tempdir().unwrap();
    let mut events = events.into_iter();
    let mut journal = Journal::begin(root.path(), events.next().unwrap()).unwrap();
    for event in events {
        journal.record(event).unwrap();
    }
    let turn = turn(root.path());
    let mut found = Journal::unfinished(root.path(), &turn).unwrap();
    assert_eq!(found.len(), 1);
    found.remove(0)
}

#[test]
fn the_directory_is_private_and_ignored() {
    let root = tempfile::tempdir().unwrap();
    let journal = Journal::begin(root.path(), started(&[])).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&root.path().join(DIRECTORY)), 0o700);
    assert_eq!(mode(journal.path()), 0o600);
    assert_eq!(fs::read_to_string(root.path().join(DIRECTORY).join(".gitignore")).unwrap(), "*\n");
}

#[test]
fn what_ended_is_not_unfinished() {
    let root = tempfile::tempdir().unwrap();
    let turn = turn(root.path());
    assert_eq!(Journal::unfinished(root.path(), &turn).unwrap(), []);
    let mut good = Journal::begin(root.path(), started(&["1"])).unwrap();
    good.record(Event::Finished).unwrap();
    let mut bad = Journal::begin(root.path(), started(&["1"])).unwrap();
    bad.record(Event::Failed { error: "no".into() }).unwrap();
    assert_eq!(Journal::unfinished(root.path(), &turn).unwrap(), []);
    let killed = Journal::begin(root.path(), started(&["1"])).unwrap();
    let found = Journal::unfinished(root.path(), &turn).unwrap();
    assert_eq!(found.iter().map(|found| found.path.as_path()).collect::<Vec<_>>(), [killed.path()]);
    found[0].close("told").unwrap();
    assert_eq!(Journal::unfinished(root.path(), &turn).unwrap(), []);
}

#[test]
fn a_line_cut_by_a_crash_is_overlooked() {
    let root = tempfile::tempdir().unwrap();
    let mut journal = Journal::begin(root.path(), started(&["1"])).unwrap();
    journal.record(applying("1")).unwrap();
    journal.file.write_all(b"{\"at\":\"2025-01-21T12:0").unwrap();
    let found = Journal::unfinished(root.path(), &turn(root.path())).unwrap();
    assert_eq!(found[0].applying.as_deref(), Some("1"));
    // and what is written next stands on a line of its own
    Journal::join(journal.path()).unwrap().record(Event::Finished).unwrap();
    let turn = turn(root.path());
    assert_eq!(Journal::unfinished(root.path(), &turn).unwrap(), []);
}

#[test]
fn the_database_has_the_last_word() {
    let before = cut_after(vec![started(&["1", "2"]), Event::StageStarted { stage: Stage::Review }]);
    assert_eq!(before.remainder(None), Remainder::Nothing);
    assert!(before.explain(None).contains("during the review: nothing was applied"), "{}", before.explain(None));

    let during = cut_after(vec![started(&["1", "2"]), applying("1"), applied("1"), applying("2")]);
    let undone = Remainder::Applied { names: vec!["1".into()], undone: Some("2".into()) };
    assert_eq!(during.remainder(Some(&history(&[("1", true)]))), undone);
    let both = Remainder::Applied { names: vec!["1".into(), "2".into()], undone: None };
    assert_eq!(during.remainder(Some(&history(&[("1", true), ("2", true)]))), both, "killed just after the commit");
    let failed = Remainder::Failed { name: "2".into() };
    assert_eq!(during.remainder(Some(&history(&[("1", true), ("2", false)]))), failed);
    assert_eq!(during.remainder(None), Remainder::Nothing, "another database, or one restored since");

    let file = PathBuf::from("backups/b.sql");
    let first = cut_after(vec![started(&["1"]), Event::Backup { file, sha256: "s".into() }, applying("1")]);
    let told = first.explain(Some(&history(&[])));
    assert!(told.contains("the database has undone 1") && told.contains("backups/b.sql"), "{told}");
}

#[test]
fn lines_are_camel_case_json() {
    let entry = Entry {
        at: "2025-01-21T12:00:00Z".parse().unwrap(),
        event: Event::Review { plan_hash: "h".into(), report: None },
    };
    let line = serde_json::to_string(&entry).unwrap();
    assert_eq!(line, r#"{"at":"2025-01-21T12:00:00Z","event":"review","planHash":"h"}"#);
    assert_eq!(parse(&format!("{line}\n{{\"event\":\"unknown\"}}\n")), [entry]);
}
