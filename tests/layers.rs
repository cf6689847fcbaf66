//! Imports run downwards: a room of the crate knows only rooms on floors below its own, so none is in a cycle with another.

use std::path::{Path, PathBuf};

use regex::Regex;

/// From the ground upwards. Rooms of one floor do not know each other.
const FLOORS: &[&[&str]] = &[
    &["digest", "env", "exit", "wait"],
    &["error"],
    &["system"],
    &["agent", "atomic", "setting", "sql", "ui"],
    &["context", "project"],
    &["changes", "database"],
    &["catalog", "tools"],
    &["guard"],
    &["effects", "engine", "transaction", "values"],
    &["conservation", "rename", "target"],
    &["rules", "shadow"],
    &["review"],
    &["backup", "consent"],
    &["deploy", "drafting", "steps"],
    &["phases", "undo"],
    &["backfill"],
    &["rehearsal"],
    &["report"],
    &["config"],
    &["agent_setup", "demo", "init", "mcp"],
    &["doctor", "monitor"],
    &["commands"],
    &["proof"],
];

/// Every source file below a directory, but those that hold nothing but tests.
fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let only_tests = path.file_stem().unwrap().to_str().unwrap().ends_with("tests");
        match path.is_dir() {
            _ if only_tests => {}
            true => sources(&path, found),
            false => found.push(path),
        }
    }
}

/// The rooms that a text names: `crate::sql::…` in a line, or `crate::{consent, sql::…}`.
fn known(text: &str) -> Vec<String> {
    // unit tests may stand on anything
    let skipped = Regex::new(r"(?ms)^#\[cfg\(test\)\]\nmod tests \{.*?^\}|//[^\n]*").unwrap();
    let path = Regex::new(r"\bcrate::(?:(\w+)|\{([^;]*)\};)").unwrap();
    let inner = Regex::new(r"\{[^{}]*\}").unwrap();
    let mut rooms = Vec::new();
    for found in path.captures_iter(&skipped.replace_all(text, "")) {
        match (found.get(1), found.get(2)) {
            (Some(room), _) => rooms.push(room.as_str().to_owned()),
            (_, group) => {
                let mut group = group.unwrap().as_str().to_owned();
                while inner.is_match(&group) {
                    group = inner.replace_all(&group, "").into_owned();
                }
                rooms.extend(group.split(',').map(|part| part.trim().split("::").next().unwrap().to_owned()));
            }
        }
    }
    rooms.retain(|room| !room.is_empty());
    rooms
}

#[test]
fn imports_run_downwards() {
    let floor = |room: &str| FLOORS.iter().position(|floor| floor.contains(&room));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&source, &mut files);
    let (mut wrong, mut looked) = (Vec::new(), 0);
    for file in files {
        let place = file.strip_prefix(&source).unwrap();
        let own = place.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs");
        if ["lib", "main", "bin"].contains(&own) {
            continue;
        }
        let Some(here) = floor(own) else {
            wrong.push(format!("{own} stands on no floor: give it one here"));
            continue;
        };
        for room in known(&std::fs::read_to_string(&file).unwrap()) {
            looked += 1;
            match floor(&room) {
                Some(there) if there < here || room == own => {}
                _ => wrong.push(format!("{} knows {room}, which is not below {own}", place.display())),
            }
        }
    }
    assert!(looked > 1000, "{looked} imports were read");
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What systems do differently has one room: the rest of the crate compiles for Windows as it does for Unix.
#[test]
fn only_one_room_knows_the_operating_system() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&source, &mut files);
    let tests = Regex::new(r"(?ms)^#\[cfg\(test\)\]\nmod tests \{.*").unwrap();
    let own = Regex::new(r"\bos::(unix|windows|fd|linux|macos)\b|\brustix\b").unwrap();
    let (mut wrong, mut inside) = (Vec::new(), 0);
    for file in files {
        let place = file.strip_prefix(&source).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let found = tests.replace(&text, "").lines().filter(|line| own.is_match(line)).count();
        match place.starts_with("system") || place.ancestors().any(|above| above.ends_with("tests")) {
            true => inside += found,
            false if found > 0 => wrong.push(place.display().to_string()),
            false => {}
        }
    }
    assert!(inside > 10, "{inside} lines were found in system/");
    assert!(wrong.is_empty(), "these know a system by themselves, and belong in system/: {}", wrong.join(", "));
}

/// The commands that a command's file names: `super::restore`, `super::super::restore`, `commands::restore`.
fn named<'a>(text: &str, commands: &'a [String]) -> Vec<&'a str> {
    let path = Regex::new(r"\b(?:super::)*(?:super|commands)::\{?(?:self, )?(\w+)").unwrap();
    let found: Vec<&str> = path.captures_iter(text).map(|found| found.get(1).unwrap().as_str()).collect();
    commands.iter().map(String::as_str).filter(|command| found.contains(command)).collect()
}

/// A command is the order of its stages: what two of them do stands in a room below, and no file grows beyond what it is.
#[test]
fn no_command_calls_another() {
    // shared options, and the way a report is written
    const SHARED: &[&str] = &["mod", "aim", "pass", "output", "decisions"];
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/commands");
    let mut files = Vec::new();
    sources(&source, &mut files);
    let of = |file: &Path| {
        let first = file.strip_prefix(&source).unwrap().components().next().unwrap();
        first.as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
    };
    let commands: Vec<String> = files.iter().map(|file| of(file)).filter(|own| !SHARED.contains(&&**own)).collect();
    assert!(commands.len() > 15, "{commands:?}");
    let mut wrong = Vec::new();
    for file in files.iter().filter(|file| of(file) != "mod") {
        let text = std::fs::read_to_string(file).unwrap();
        let place = file.strip_prefix(&source).unwrap().display();
        let others = named(&text, &commands).into_iter().filter(|other| *other != of(file));
        wrong.extend(others.map(|other| format!("{place} names the command {other}")));
        let lines = text.lines().count();
        wrong.extend((lines > 300).then(|| format!("{place} has {lines} lines")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_way_to_name_a_room_is_seen() {
    let text = "use crate::sql::Script;\nuse crate::{consent, tools::{git, scratch::{a, b}},\n ui};\n// crate::no\n\
                fn f() { crate::undo::down() }\n#[cfg(test)]\nmod tests {\n use crate::commands::Cli;\n}\nuse crate::exit;";
    assert_eq!(known(text), ["sql", "consent", "tools", "ui", "undo", "exit"]);
}
